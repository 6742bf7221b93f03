"""Rows that a request brings, and a query over them in the session of an owner: ``/model/predict``."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlsql.engine import Engine
from mlsql.errors import ScriptError
from mlsql.grammar import parse
from mlsql.grammar.nodes import Select
from mlsql.results.arrow_rows import plain_rows
from mlsql.results.formats import Rows, exact_integer, finite, json_lines, read_rows, shortest_float
from mlsql.roles import Role
from mlsql.session import quoted
from mlsql.spans import Script
from mlsql.stop import Stop
from mlsql.udf.serving.lane_columns import FEW, VECTOR, Columns, plain_columns
from mlsql.udf.serving.lane_types import arrow_type, doubles, element_of, members_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FEATURE = "feature"
"""The column of rows that are vectors or texts."""
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "bigint": exact_integer,
    "long": exact_integer,
    "float": shortest_float,
    "double": finite,
    "vector": finite,
    "matrix": finite,
}
"""By the type in Spark."""
_SELECT = re.compile(r"\s*select\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of a request: few as they came, many as Arrow; *is_vector* when the feature is one."""

    rows: Columns | pa.Table
    is_vector: bool = False

    @property
    def table(self) -> pa.Table:
        """The rows as an Arrow table."""
        if not isinstance(self.rows, Columns):
            return self.rows
        given = zip(self.rows.types.items(), self.rows.values, strict=True)
        return pa.table({name: pa.array(values, arrow_type(kind)) for (name, kind), values in given})

    def asked(self) -> Columns | bytes:
        """The rows as scorers take them: columns, or an Arrow stream, whose field says what is a vector."""
        if isinstance(self.rows, Columns):
            return self.rows
        table = self.table
        if self.is_vector:
            table = table.cast(pa.schema([each.with_metadata(VECTOR) for each in table.schema]))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        stream: bytes = sink.getvalue().to_pybytes()
        return stream

    def frame(self, spark: SparkSession) -> DataFrame:
        """The rows in Spark."""
        from pyspark.ml.functions import array_to_vector

        frame = spark.createDataFrame(self.table)
        return frame.select(array_to_vector(frame[FEATURE]).alias(FEATURE)) if self.is_vector else frame


def vectors(data: Sequence[Any]) -> Given:
    """Rows with one vector each, written as an array of numbers."""
    for number, each in enumerate(data):
        if not isinstance(each, list) or not all(map(_is_number, each)):
            raise _wrong_row(number, "an array of numbers", 'dataType "row" takes objects, "string" texts')
    plain = _few({FEATURE: data})
    if plain is not None:
        return Given(Columns({FEATURE: "vector"}, [doubles(data)]), is_vector=True)
    return Given(pa.table({FEATURE: _column(FEATURE, data, pa.list_(pa.float64()))}), is_vector=True)


def texts(data: Sequence[Any]) -> Given:
    """Rows with one text each."""
    for number, each in enumerate(data):
        if not isinstance(each, str):
            raise _wrong_row(number, "a text", None)
    return Given(_few({FEATURE: data}) or pa.table({FEATURE: pa.array(data, pa.string())}))


def objects(data: Sequence[Any]) -> Given:
    """Rows as objects, a column a name; one that a row leaves out is null there."""
    for number, each in enumerate(data):
        if not isinstance(each, dict) or not each:
            raise _wrong_row(number, "an object of columns", '{"alcohol": 9.4, "kind": "red"}')
    names = list(dict.fromkeys(name for each in data for name in each))
    columns = {name: [each.get(name) for each in data] for name in names}
    plain = _few(columns)
    return Given(plain or pa.table({name: _column(name, values) for name, values in columns.items()}))


def pipeline_query(pipeline: str) -> str:
    """The query that hands the feature from one function to the next.

    >>> pipeline_query("words, topic")
    'select topic(words(feature)) as feature'
    """
    expression = FEATURE
    for each in pipeline.split(","):
        name = each.strip()
        if not _FUNCTION.fullmatch(name):
            raise ScriptError(f"'{name}' in the pipeline is no name of a function", hint='pipeline="t,f"')
        expression = f"{name}({expression})"
    return f"select {expression} as {FEATURE}"


def predict(engine: Engine, given: Given, sql: str, owner: str, role: Role) -> str:
    """The rows of *sql*, a select without a from, over those that were given; as JSON."""
    table = f"given_{uuid.uuid4().hex}"
    script = _over(sql, table)
    spark = engine.session(owner).spark
    given.frame(spark).createOrReplaceTempView(table)
    try:
        stop = Stop(engine.settings.jobs.timeout)
        result = engine.run(script, name="<sql>", owner=owner, role=role, stop=stop)
        with result.reading() as frame:
            assert frame is not None  # a select has rows
            rows = read_rows(frame, engine.settings.jobs.result_rows)
            nulls = not result.run.scope.dialect.omits_nulls
            return "\n".join(json_lines(rows, nulls=nulls))
    finally:
        spark.catalog.dropTempView(table)


def answer_as_json(answer: Columns | bytes, *, nulls: bool) -> str:
    """What a scorer answers, as :func:`predict` gives it."""
    if isinstance(answer, Columns):
        kinds = answer.types.values()
        values = [[*map(_decoder(kind), column)] for kind, column in zip(kinds, answer.values, strict=True)]
        rows = Rows(tuple(answer.types), zip(*values, strict=True))
    else:
        table = pa.ipc.open_stream(answer).read_all()
        rows = Rows(tuple(table.column_names), plain_rows(table.schema, table.to_batches()))
    return "\n".join(json_lines(rows, nulls=nulls))


def _decoder(kind: str) -> Callable[[Any], Any]:
    """How a value of the lane becomes one that JSON can say."""
    element = element_of(kind)
    if element is not None:
        decode = _decoder(element)
        return lambda value: None if value is None else [decode(each) for each in value]
    members = members_of(kind)
    if members is not None:
        of = {name: _decoder(each) for name, each in members.items()}
        return lambda value: None if value is None else {name: each(value[name]) for name, each in of.items()}
    convert = _PLAIN.get(kind)
    return _as_it_is if convert is None else lambda value: None if value is None else convert(value)


def _as_it_is(value: Any) -> Any:
    return value


def _over(sql: str, table: str) -> str:
    """*sql* with the rows as its from; positions in it stay what they are."""
    whole = f"{sql.rstrip().rstrip(';')}\nfrom {quoted(table)};"
    statements = parse(Script("<sql>", whole)) if _SELECT.match(sql) else ()
    if len(statements) != 1 or not isinstance(statements[0], Select) or statements[0].table:
        raise ScriptError(
            "the sql is not one select without a from: it is asked of the rows that were given",
            hint="select f(vec_dense(feature)) as p",
        )
    return whole


def _few(columns: Mapping[str, Sequence[Any]]) -> Columns | None:
    """The columns as they came; None of many rows, or of values whose type Arrow had better say."""
    count = len(next(iter(columns.values()), ()))
    return plain_columns(columns) if 0 < count <= FEW else None


def _column(name: str, values: Sequence[Any], kind: pa.DataType | None = None) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise ScriptError(
            f"the column '{name}' holds values of several types, or a number that is too large",
            hint="numbers, texts and booleans are columns of their own",
        ) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_row(number: int, wanted: str, hint: str | None) -> ScriptError:
    return ScriptError(f"row {number + 1} of 'data' is not {wanted}", hint=hint)
