"""What there is, as small tables: sources, algorithms, their options, tables, functions, variables, settings.

``load modelList``, ``load modelParams``, ``load _mlsql_`` and the command ``!show`` show the same: each
function here takes the registry or the run that knows, and gives a :class:`Listing`.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import mlsql
from mlsql.errors import ConfigError, ScriptError, UnknownName
from mlsql.grammar.nodes import Word
from mlsql.options import Declared, declared_options
from mlsql.registry import Registry
from mlsql.session import Run, quoted
from mlsql.spans import Span
from mlsql.stages.algorithms.base import Algorithm, Defines, Described, Predicts, Surveyed, Trains, Transforms
from mlsql.stages.rows import local_table
from mlsql.stages.sources.base import Connects, Documented, Reads, Source, Writes
from mlsql.stages.sources.jdbc_secrets import SECRET_NAME, masked, secrets_of
from mlsql.templates import Rendered
from mlsql.udf.builtin import FUNCTIONS
from mlsql.udf.parse import PARSE
from mlsql.udf.plugins import plugin_functions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

T = TypeVar("T")
Value = str | bool | int | None

_PARAMETERS = "param string, description string, default string, required boolean, type string"


@dataclass(frozen=True, slots=True)
class Listing:
    """A small table: its columns as Spark writes a schema (``name string, doc string``), and its rows."""

    schema: str
    rows: tuple[tuple[Value, ...], ...]

    def frame(self, spark: SparkSession) -> DataFrame:
        """The same as a frame."""
        return local_table(spark, self.rows, self.schema)


def sources(registry: Registry[Source]) -> Listing:
    """Every source: whether it can be loaded from, saved to, connected to, and a sentence about it."""
    return Listing(
        "name string, load boolean, save boolean, connect boolean, doc string",
        tuple(
            (name, isinstance(one, Reads), isinstance(one, Writes), isinstance(one, Connects), _doc(one))
            for name, one in _entries(registry)
        ),
    )


def source_options(registry: Registry[Source], name: Word) -> Listing:
    """The options of one source, each with the statements that take it (``load, save``)."""
    source = registry.get(name.text, span=name.span)
    statements: dict[str, list[str]] = {}
    declared: dict[str, Declared] = {}
    for statement, kind in _option_classes(source):
        for each in declared_options(kind):
            declared.setdefault(each.key, each)
            statements.setdefault(each.key, []).append(statement)
    rows = ((*_parameter(each), ", ".join(statements[key])) for key, each in declared.items())
    return Listing(f"{_PARAMETERS}, statements string", tuple(rows))


def algorithms(registry: Registry[Algorithm]) -> Listing:
    """Every algorithm: whether it trains, transforms, predicts, and a sentence about it."""
    return Listing(
        "name string, trains boolean, transforms boolean, predicts boolean, doc string",
        tuple(
            (name, isinstance(one, Trains), isinstance(one, Transforms), isinstance(one, Predicts), _doc(one))
            for name, one in _entries(registry)
        ),
    )


def algorithm_options(registry: Registry[Algorithm], name: Word) -> Listing:
    """The options of one algorithm; of ``SKLearn.KMeans`` the parameters of that model."""
    algorithm, _, model = name.text.partition(".")
    found = registry.get(algorithm, span=name.span)
    if model:
        return Listing(_PARAMETERS, tuple(_model_parameters(found, algorithm, model, name.span)))
    declared = {each.key: each for kind in _kinds_of_options(found) for each in declared_options(kind)}
    rows = [*map(_parameter, declared.values())]
    models = found.survey() if isinstance(found, Surveyed) else {}
    if len(models) == 1:  # what an algorithm is that fits one model
        rows += _model_parameters(found, algorithm, next(iter(models)), name.span)
    return Listing(_PARAMETERS, tuple(rows))


def algorithm_example(registry: Registry[Algorithm], name: Word) -> Listing:
    """One row: the algorithm, a sentence about it, and a script that can be run as it stands."""
    found = registry.get(name.text, span=name.span)
    if not isinstance(found, Described):
        raise ScriptError(f"'{name.text}' comes without an example", span=name.span)
    return Listing("name string, doc string, example string", ((name.text, found.doc, found.example),))


def tables(run: Run, span: Span, database: Word | None = None) -> Listing:
    """The tables of the session, and those of its current *database* or of another."""
    query = "show tables" if database is None else f"show tables from {quoted(database.text)}"
    found = run.sql(Rendered(query, span)).collect()  # Spark's catalog.listTables starts a job
    rows = (
        (each.namespace, each.tableName, each.isTemporary)
        for each in sorted(found, key=lambda each: each.tableName)
    )
    return Listing("database string, tableName string, isTemporary boolean", tuple(rows))


def functions(run: Run, span: Span) -> Listing:
    """What SQL can call: what ``register`` made, what mlsql and its plug-ins have, and Spark's own."""
    registered = [
        (name, "registered", str(each), each.doc, None)
        for name, each in sorted(run.session.functions.items())
    ]
    ours = [
        (each.signature.name, "mlsql", str(each.signature), each.doc, each.example)
        for each in (*FUNCTIONS, PARSE, *plugin_functions())
    ]
    known = {name.casefold() for name, *_ in (*registered, *ours)}
    others = [
        (row.function, kind, None, None, None)
        for kind, which in (("session", "user"), ("spark", "system"))
        for row in run.sql(Rendered(f"show {which} functions", span)).collect()
        if row.function.casefold() not in known
    ]
    schema = "function string, kind string, signature string, doc string, example string"
    return Listing(schema, (*registered, *sorted(ours), *others))


def variables(run: Run) -> Listing:
    """The variables that have a value, as they were set; what looks secret is starred out."""
    secrets = [
        each
        for connection in run.session.connections.values()
        for each in secrets_of({key: option.text for key, option in connection.options.items()})
    ]
    rows = ((name, _shown(name, run.scope.template(name) or "", secrets)) for name in run.scope.defined_names)
    return Listing("name string, value string", tuple(rows))


def settings(run: Run) -> Listing:
    """Spark's settings of the session that differ from its defaults; what looks secret is starred out."""
    rows = ((name, _shown(name, value)) for name, value in sorted(run.spark.conf.getAll.items()))
    return Listing("name string, value string", tuple(rows))


def versions(run: Run) -> Listing:
    """What runs here, and which version of it."""
    found = {"mlsql": mlsql.__version__, "spark": run.spark.version, "python": platform.python_version()}
    return Listing("name string, version string", tuple(found.items()))


def _entries(registry: Registry[T]) -> Iterator[tuple[str, T | None]]:
    """Each name with what it stands for; None where what it needs is not installed."""
    for name in registry:
        try:
            yield name, registry.get(name)
        except ConfigError:
            yield name, None


def _option_classes(source: Source) -> Iterable[tuple[str, type[Any]]]:
    if isinstance(source, Reads):
        yield "load", source.read_options
    if isinstance(source, Writes):
        yield "save", source.write_options
    if isinstance(source, Connects):
        yield "connect", source.connect_options


def _kinds_of_options(algorithm: Algorithm) -> Iterator[type[Any]]:
    if isinstance(algorithm, Trains | Transforms):
        yield algorithm.options
    if isinstance(algorithm, Predicts):
        yield algorithm.predict_options
    if isinstance(algorithm, Defines):
        yield algorithm.define_options


def _parameter(declared: Declared) -> tuple[Value, ...]:
    """(key, doc, default, required, type); a family of options ends in ``*``."""
    key = declared.key + "*" * declared.prefix
    return key, declared.doc, default_text(declared), declared.required, declared.kind.expected


def _model_parameters(
    found: Algorithm, algorithm: str, model: str, span: Span
) -> Iterator[tuple[Value, ...]]:
    models = found.survey() if isinstance(found, Surveyed) else {}
    if not models:
        raise ScriptError(f"'{algorithm}' has no models with parameters of their own", span=span)
    by_folded = {known.casefold(): known for known in models}
    if model.casefold() not in by_folded:
        raise UnknownName(f"model of {algorithm}", model, models, span=span)
    for each in models[by_folded[model.casefold()]].parameters.values():
        doc = f"Given as `fitParam.0.{each.name}`."
        yield each.name, doc, each.default, each.default is None, each.expected


def default_text(declared: Declared) -> str | None:
    """A default as a script would write it; None when there is none.

    >>> from mlsql.options import BOOLEAN
    >>> default_text(Declared("", "a", BOOLEAN, "", True))
    'true'
    """
    default = declared.default
    if default is MISSING or default is None or default == ():
        return None
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def _doc(one: object) -> str | None:
    return one.doc if isinstance(one, Documented) else None


def _shown(name: str, value: str, secrets: Iterable[str] = ()) -> str:
    return "***" if SECRET_NAME.search(name) else masked(value, secrets)
