"""A query over the rows of a request, answered in this process by DuckDB instead of Spark.

The database is in memory, reaches no file and no network, and lets nobody change that. The functions
that a query calls (the caller's models, our vec_ and array_ functions) are Python, put into it when
they first occur. Translations are kept by the text of the query and the types of the columns.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from mlsql.errors import ConfigError
from mlsql.registrations import Registration
from mlsql.udf.serving.functions import Functions
from mlsql.udf.serving.lane_functions import ROWS, RowFunction
from mlsql.udf.serving.lane_types import arrow_type, duckdb_type, spark_type
from mlsql.udf.serving.translation import Call, ModelFunction, NotCarriedOver, Translation, translate

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

VECTOR: Mapping[bytes, bytes] = {b"mlsql.form": b"vector"}
"""The metadata of a column whose lists are vectors of Spark."""
MOST_ROWS = 10_000
"""More rows than this are no request that others should wait for."""
_MOST_KEPT = 1_000
_SETTINGS: Mapping[str, Any] = {
    "threads": 1,
    "memory_limit": "512MB",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_PARAMETER = re.compile(r"(?P<name>`(?:[^`]|``)+`|\w+) (?P<type>(?:[^,<]|<[^>]*>+)+)(?:, )?")
_PROBA = "_proba"
"""What the name of the companion that tells probabilities ends in."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A translation, and the functions that it was made with."""

    translation: Translation
    models: Mapping[str, ModelFunction]
    query: Any
    """As DuckDB has parsed it."""


@dataclass(slots=True)
class SqlLane:
    """Answers queries of the callers of *functions*; may be asked by several threads, one at a time."""

    functions: Functions
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _database: duckdb.DuckDBPyConnection | None = None
    _made: set[str] = field(default_factory=set)
    _kept: dict[tuple[Any, ...], _Kept] = field(default_factory=dict)

    def query(self, caller: str, sql: str, table: bytes) -> bytes:
        """The rows of *sql*, a select without a from, over those of *table*; both are Arrow streams.

        Raises NotCarriedOver, with the reason, when Spark has to be asked; also when a row is wrong,
        since Spark says that better.
        """
        import pyarrow as pa

        given = pa.ipc.open_stream(table).read_all()
        if given.num_rows > MOST_ROWS:
            raise NotCarriedOver(f"more than {MOST_ROWS:,} rows")
        with self._turn:
            kept = self._translated(caller, sql, _types(given))
            rows = self._answered(caller, kept, given)
        return _stream(kept.translation, rows)

    def close(self) -> None:
        """Forget everything."""
        with self._turn:
            if self._database is not None:
                self._database.close()
            self._database = None
            self._made.clear()
            self._kept.clear()

    def _translated(self, caller: str, sql: str, columns: Mapping[str, str]) -> _Kept:
        models = _models(self.functions.names(caller))
        key = (caller, sql, *columns.items())
        kept = self._kept.get(key)
        if kept is None or kept.models != models:
            translation = translate(sql, columns, models, caller)
            kept = _Kept(translation, models, self._parsed(_query(translation, columns)))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = kept
        return kept

    def _parsed(self, query: str) -> Any:
        import duckdb

        try:
            (statement,) = self._opened().extract_statements(query)
        except duckdb.Error as error:
            raise NotCarriedOver(f"DuckDB does not parse it: {error}") from error
        return statement

    def _answered(self, caller: str, kept: _Kept, given: pa.Table) -> list[tuple[Any, ...]]:
        import duckdb

        database = self._opened()
        for call in kept.translation.calls:
            self._make(database, caller, call)
        try:
            return database.execute(kept.query, _values(kept.translation, given)).fetchall()
        except duckdb.Error as error:
            raise NotCarriedOver(f"a row is not answered here: {error}") from error

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._database is None:
            try:
                import duckdb
            except ImportError as error:
                raise ConfigError("duckdb is missing", hint="pip install 'mlsql[serving]'") from error
            self._database = duckdb.connect(":memory:", config=dict(_SETTINGS))
            self._database.execute("set python_enable_replacements = false")
            self._database.execute("set lock_configuration = true")
        return self._database

    def _make(self, database: duckdb.DuckDBPyConnection, caller: str, call: Call) -> None:
        """Put the function into the database, once: a model is looked up anew at each call."""
        if call.name in self._made:
            return
        types: Any = [duckdb_type(each) for each in call.parameters]
        if call.is_model:
            compute = _asked(self.functions, caller, call)
            more: Any = {"type": "arrow", "side_effects": True}
        else:
            compute, more = _of_rows(ROWS[call.function]), {}
        more["null_handling"] = "special"
        function = _of_arity(compute, len(types))
        database.create_function(call.name, function, types, duckdb_type(call.output), **more)
        self._made.add(call.name)


def _types(given: pa.Table) -> dict[str, str]:
    """The columns with their types in Spark."""
    types = {}
    for each in given.schema:
        is_vector = (each.metadata or {}).get(b"mlsql.form") == b"vector"
        kind = "vector" if is_vector else spark_type(each.type)
        if kind is None:
            raise NotCarriedOver(f"the column '{each.name}' of the type {each.type}")
        types[each.name] = kind
    return types


def _models(names: Mapping[str, Registration]) -> dict[str, ModelFunction]:
    """The functions that SQL can call, with those that tell probabilities."""
    models = {}
    for name, registration in names.items():
        if "." in name or registration.trouble or registration.runs_code:
            continue
        parameters = _parameters(registration.signature)
        models[name] = ModelFunction(parameters, registration.output)
        if name + _PROBA in registration.companions:
            models[name + _PROBA] = ModelFunction(parameters, "array<double>")
    return models


def _asked(functions: Functions, caller: str, call: Call) -> Callable[..., Any]:
    """What DuckDB calls: columns in, the answers of the model out that is registered now."""
    import pyarrow as pa

    tells = call.function.endswith(_PROBA)
    kind = arrow_type(call.output)

    def answers(*columns: pa.ChunkedArray) -> pa.Array:
        names = functions.names(caller)
        is_companion = tells and call.function not in names
        function = call.function.removesuffix(_PROBA) if is_companion else call.function
        model = functions.served(caller, function).model
        inputs = [each.name for each in model.inputs]
        given = dict(zip(inputs, (each.to_pylist() for each in columns), strict=True))
        return pa.array(model.many_probabilities(given) if is_companion else model.answers(given), kind)

    return answers


def _of_rows(function: RowFunction) -> Callable[..., Any]:
    """What DuckDB calls for each row: null gives null, or is for Spark."""

    def called(*values: Any) -> Any:
        if any(each is None for each in values):
            if function.refuses_nulls:
                raise ValueError
            return None
        return function.compute(*values)

    return called


def _of_arity(compute: Callable[..., Any], count: int) -> Callable[..., Any]:
    """*compute* as DuckDB takes it: with so many parameters, and no annotations, which it evaluates."""

    def called(*values: Any) -> Any:
        return compute(*values)

    parameters = [Parameter(f"a{number}", Parameter.POSITIONAL_ONLY) for number in range(count)]
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return called


def _parameters(signature: str) -> dict[str, str]:
    """The types of the parameters in ``f(a double, b string) -> double`` by their names."""
    inside = signature[signature.index("(") + 1 : signature.rindex(") -> ")]
    found = _PARAMETER.finditer(inside)
    return {each["name"].strip("`").replace("``", "`"): each["type"] for each in found}


def _query(translation: Translation, columns: Mapping[str, str]) -> str:
    """The whole query, whose parameters are the columns that it reads; without any, one as long."""
    read = [(called, duckdb_type(columns[name])) for name, called in translation.reads.items()]
    given = (
        f"unnest(${number}::{kind}[]) as {called}"
        for number, (called, kind) in enumerate(read or [("row", "BOOLEAN")], start=1)
    )
    named = (f"{each} as r{number}" for number, each in enumerate(translation.expressions))
    return f"select {', '.join(named)} from (select {', '.join(given)})"  # noqa: S608 -- of translated parts


def _values(translation: Translation, given: pa.Table) -> list[list[Any]]:
    read = [given[each].to_pylist() for each in translation.reads]
    return read or [[None] * given.num_rows]


def _stream(translation: Translation, rows: Sequence[tuple[Any, ...]]) -> bytes:
    """The rows as an Arrow stream."""
    import pyarrow as pa

    kinds = [arrow_type(each) for each in translation.types]
    columns = [pa.array(each, kind) for each, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, names=list(translation.names))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream
