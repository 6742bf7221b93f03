"""What Spark raises, as one of our errors: the sentence without its noise, placed in the script.

Spark tells where in a query an error comes from, also long after the query was planned: a
``save`` that runs into a bad cast of an earlier ``select`` is placed in that select.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlsql.errors import DataError, MissingPath, MlsqlError, RunError, ScriptError, SqlError, UnknownName
from mlsql.names import nearest
from mlsql.spans import Span
from mlsql.sql.misspelt import way_out

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from mlsql.templates import Rendered

_ANALYSIS = "org.apache.spark.sql.AnalysisException"
_PARSE = "org.apache.spark.sql.catalyst.parser.ParseException"
_THROWABLE = "org.apache.spark.SparkThrowable"
_ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"

_DATA_STATES = ("0A", "21", "22", "42", "KD", "P0")
"""SQLSTATE classes of what a script or its data can mend; the others are Spark's or the cluster's."""

_WAYS_OUT = {
    "AMBIGUOUS_REFERENCE": "`a.x` says which is meant; a table that has a name twice, as `select a.*, b.*` "
    "makes it, needs `as` in that select",
    "COLUMN_ALREADY_EXISTS": "give one of them another name (`as`) in the select that makes the table",
    "ALL_PARTITION_COLUMNS_NOT_ALLOWED": "leave out one that shall stand in the files themselves",
    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE": "convert it in a select before: `cast(null as string)` for nulls "
    "without a type, `to_json(column)` for what has fields or elements",
}
"""What to do about what Spark refuses every day, and tells no way out of, or a vague one."""

_PLACE = re.compile(r"\(line (?P<line>\d+), pos (?P<position>\d+)\)")
_CONDITION = re.compile(r"\A\s*\[[A-Z0-9_.]+\]\s*")
_STATE = re.compile(r"\s*SQLSTATE: \w{5}\s*\Z")
_TASK_FAILURE = re.compile(r".*?most recent failure: .*?\): ", re.DOTALL)
_PYTHON_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$", re.MULTILINE)


def spark_errors() -> tuple[type[Exception], ...]:
    """What to catch around calls of Spark."""
    from py4j.protocol import Py4JJavaError, Py4JNetworkError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JJavaError, Py4JNetworkError, ConnectionError)


def sql_error(
    error: Exception, queries: Mapping[str, Rendered], spark: SparkSession | None = None
) -> MlsqlError:
    """The error of ours that *error*, one of :func:`spark_errors`, stands for.

    *queries* are the texts that Spark was given, by which the place is found. With *spark*, the
    hint for an unknown table or function is the nearest that the session knows.
    """
    causes = tuple(java_causes(error))
    named = [each for each in causes if is_a(each, _THROWABLE) and each.getCondition()]
    if not named:
        return _of_text(error, causes)
    return _of_condition(named[-1], spark).at(_span(named[-1], queries))


def expect_sql(query: Rendered, *, spark: SparkSession) -> None:
    """Raise what Spark's parser says of *query*, placed in the script; nothing is looked up or run."""
    try:
        spark._jsparkSession.sessionState().sqlParser().parsePlan(query.text)
    except spark_errors() as error:
        raise sql_error(error, {query.text: query}, spark).at(query.span) from error


def java_causes(error: Exception) -> Iterator[Any]:
    """The Java exceptions behind *error*, the outermost first."""
    cause = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while cause is not None:
        yield cause
        cause = cause.getCause()


def is_a(java_object: Any, java_class: str) -> bool:
    """Whether an object of Java is one of a class, by the name of that."""
    from py4j.java_gateway import is_instance_of
    from pyspark import SparkContext

    return bool(is_instance_of(SparkContext._gateway, java_object, java_class))


def _of_condition(throwable: Any, spark: SparkSession | None) -> MlsqlError:
    """The error for one of Spark's named conditions."""
    condition, parameters = throwable.getCondition(), dict(throwable.getMessageParameters())
    ours = _in_our_words(condition, parameters, spark)
    if ours is not None:
        return ours
    message, told = _sentences(condition, parameters)
    hint = _WAYS_OUT.get(condition, told) or _misspelt(condition, throwable)
    if is_a(throwable, _ANALYSIS):
        return SqlError(message, hint=hint)
    if (throwable.getSqlState() or "").startswith(_DATA_STATES):
        return DataError(message, hint=hint)
    return RunError(message, hint=hint)


def _misspelt(condition: str, throwable: Any) -> str | None:
    """What was meant where Spark's parser stopped."""
    if condition != "PARSE_SYNTAX_ERROR":
        return None
    ways = (way_out(text, start) for text, start, _ in _ranges(throwable))
    return next(filter(None, ways), None)


def _in_our_words(
    condition: str, parameters: Mapping[str, str], spark: SparkSession | None
) -> ScriptError | None:
    """The error for what happens every day, as the rest of the language says it."""
    error: ScriptError | None = None
    match condition:
        case "TABLE_OR_VIEW_NOT_FOUND":
            error = UnknownName("table", _without_home(parameters["relationName"], spark), _tables(spark))
        case "SCHEMA_NOT_FOUND":
            error = UnknownName("database", _without_home(parameters["schemaName"], spark), ())
        case "UNRESOLVED_ROUTINE":
            name, known = _unquoted(parameters["routineName"]), _functions(spark)
            hint = "`show functions` lists them; register makes one of a model"
            error = UnknownName("function", name, known, hint=None if nearest(name, known) else hint)
        case "PATH_NOT_FOUND":
            error = MissingPath(parameters["path"].removeprefix("file:"))
        case "PATH_ALREADY_EXISTS":
            path = parameters["outputPath"].removeprefix("file:")
            error = DataError(f"something lies at '{path}' already", hint="save overwrite … replaces it")
        case "_LEGACY_ERROR_TEMP_2096":  # an update or a merge of a table whose format has none
            hint = "tables of delta and iceberg can be changed; of others a select makes a new one"
            error = SqlError(f"this table knows no `{parameters['ddl'].lower()}`", hint=hint)
    return error


def _of_text(error: Exception, causes: tuple[Any, ...]) -> MlsqlError:
    """The error for what has no condition: only its text tells what happened."""
    from py4j.protocol import Py4JNetworkError

    if isinstance(error, Py4JNetworkError | ConnectionError):
        return RunError("the Java process of Spark does not answer any more", hint="its log says why")
    text = str((causes[-1].getMessage() or causes[-1].toString()) if causes else error)
    if "Traceback (most recent call last)" in text:
        return _of_traceback(text)
    message, hint = _first_sentence(_TASK_FAILURE.sub("", text.strip(), count=1))
    if any(is_a(each, _ILLEGAL_ARGUMENT) for each in causes):
        return ScriptError(message, hint=hint)
    return RunError(message)


def _of_traceback(text: str) -> MlsqlError:
    """The error for what Python raised on an executor; from our own code it is about the data."""
    traceback = text[text.index("Traceback (most recent call last)") :].partition("\n\tat ")[0]
    raised = _PYTHON_RAISED.findall(traceback)
    kind, message = raised[-1] if raised else ("an exception", "")
    if kind.startswith("mlsql."):
        return DataError(message)
    return RunError(f"Python code on an executor failed with {kind}: {message}".rstrip(": "))


def _sentences(condition: str, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    """Spark's first sentence, and the rest as the hint.

    The parameters are put in after the cut: values of the data may hold full stops.
    """
    from pyspark import SparkContext

    places = {name: f"\x01{number}\x02" for number, name in enumerate(parameters)}
    jvm: Any = SparkContext._jvm
    throwables = getattr(jvm, "org.apache.spark.SparkThrowableHelper")
    template = _STATE.sub("", _CONDITION.sub("", throwables.getMessage(condition, places)))
    message, hint = _first_sentence(template)
    for name, place in places.items():
        message = message.replace(place, parameters[name])
        hint = hint and hint.replace(place, parameters[name])
    return message, hint


def _first_sentence(text: str) -> tuple[str, str | None]:
    """The first sentence without its stop, and what follows it on one line."""
    first, _, rest = text.strip().partition("\n")
    sentence, stop, more = first.partition(". ")
    following = " ".join(f"{more} {rest}".split()) if stop or rest else ""
    return sentence.rstrip(".:; "), following or None


def _span(throwable: Any, queries: Mapping[str, Rendered]) -> Span | None:
    """Where in the script it happened, when it was in one of *queries*."""
    for text, start, end in _ranges(throwable):
        if text in queries:
            return queries[text].source_span(start, end)
    return None


def _ranges(throwable: Any) -> Iterator[tuple[str, int, int]]:
    """(query, start, end) in code points of what Spark blames, the innermost first."""
    for context in throwable.getQueryContext():
        if context.contextType().toString() == "SQL" and context.sqlText().isDefined():
            yield context.sqlText().get(), context.startIndex(), context.stopIndex() + 1
    if is_a(throwable, _PARSE) and throwable.command().isDefined():
        text: str = throwable.command().get()
        yield text, *_parse_range(text, throwable)


def _parse_range(text: str, throwable: Any) -> tuple[int, int]:
    """The code points that a ParseException complains of; it tells them in its text alone.

    What is missing at the end is told just behind the last character.
    """
    place = _PLACE.search(throwable.getMessage())
    if place is None:
        return 0, len(text)
    line_start = sum(len(line) + 1 for line in text.split("\n")[: int(place["line"]) - 1])
    start = min(line_start + int(place["position"]), len(text.rstrip()))
    token = dict(throwable.getMessageParameters()).get("error", "").strip("'")
    return start, start + (len(token) if token and text.startswith(token, start) else 0)


def _unquoted(name: str) -> str:
    return name.replace("`", "")


def _without_home(name: str, spark: SparkSession | None) -> str:
    """A name as a script says it: without the catalog and the database that it is in anyway."""
    name = _unquoted(name).removeprefix("spark_catalog.")
    return name.removeprefix(f"{spark.catalog.currentDatabase()}.") if spark else name


def _tables(spark: SparkSession | None) -> list[str]:
    return [each.name for each in spark.catalog.listTables()] if spark else []


def _functions(spark: SparkSession | None) -> list[str]:
    return [row.function for row in spark.sql("show functions").collect()] if spark else []
