"""MapValues, TableToMap, VecMapInPlace: what stands for what, by a table or by files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.grammar.nodes import Word
from mlsql.options import NAMES, TEXT, option
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import INPUT, OUTPUT, FeatureStep, InputOptions, Lesson
from mlsql.stages.algorithms.features.numeric import type_of
from mlsql.stages.algorithms.features.segmenting import read_lines
from mlsql.stages.algorithms.features.terms import InOneColumn
from mlsql.stages.algorithms.features.texts import check_texts
from mlsql.stages.algorithms.tuning import StoringOptions
from mlsql.stages.faults import span_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.models.manifest import Label
    from mlsql.udf.predictors.plain.lookups import Dictionary, Lookups
    from mlsql.udf.predictors.plain.vectorising import MapVector

KEY, VALUE, MISSING = "keyField", "valueField", "mapMissingTo"
FILES, FILE_NAMES, TABLES, TABLE_NAMES = "dic.paths", "dic.names", "table.paths", "table.names"
_KEPT_TYPES = ("string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupOptions(StoringOptions):
    """Further tables and files, and what a key without a value becomes."""

    missing: str | None = option(
        MISSING,
        TEXT,
        "What a key without a value becomes: the value of this key, if the table has it, else this value.",
        default=None,
    )
    files: tuple[str, ...] = option(
        FILES, NAMES, "Files of further pairs, a line a key and a value with a tab between.", default=()
    )
    file_names: tuple[str, ...] = option(
        FILE_NAMES, NAMES, "A name for each of the files: `f_NAME` looks into it alone.", default=()
    )
    tables: tuple[str, ...] = option(
        TABLES, NAMES, "Further tables with the same two columns; else table.names names them.", default=()
    )
    table_names: tuple[str, ...] = option(
        TABLE_NAMES,
        NAMES,
        "A name for each of the tables: `f_NAME` looks into one alone; else they have their own.",
        default=(),
    )


OptionsT = TypeVar("OptionsT", bound=LookupOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapValuesOptions(LookupOptions):
    """Which column stands for which."""

    input: str = option(INPUT, TEXT, "Column of the keys.")
    output: str = option(OUTPUT, TEXT, "Column of the values.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableToMapOptions(LookupOptions):
    """Which column stands for which."""

    input: str = option(KEY, TEXT, "Column of the keys.", default="key", aliases=(INPUT,))
    output: str = option(VALUE, TEXT, "Column of the values.", default="value", aliases=(OUTPUT,))


class _LookupStep(FeatureStep[OptionsT]):
    """A step that finds values by keys."""

    def inputs(self, options: Any) -> Mapping[str, str]:
        """The keys."""
        return {options.input: _key_of(self.options, "input")}

    def also_learns_from(self, options: Any) -> Mapping[str, str]:
        """The values."""
        return {options.output: _key_of(self.options, "output")}

    def check_inputs(self, call: Call[Any]) -> None:
        """Keys are texts, values are plain."""
        check_texts(call.frame, call.options.input, _key_of(self.options, "input"))
        kind = type_of(call.frame, call.options.output)
        if kind not in _KEPT_TYPES and not kind.startswith("decimal"):
            message = f"'{call.options.output}' holds {kind}, and no plain values"
            raise DataFault(message, option=_key_of(self.options, "output"))
        options = call.options
        _expect_as_many(options.file_names, options.files, FILE_NAMES, "files")
        if options.tables:
            _expect_as_many(options.table_names, options.tables, TABLE_NAMES, "tables")

    def learn(self, lesson: Lesson[Any]) -> Lookups:
        """The pairs; of equal keys the greatest value counts, of several tables the last."""
        from mlsql.udf.predictors.plain.lookups import Lookups

        kind = type_of(lesson.frame, lesson.options.output)
        kind = "double" if kind.startswith("decimal") else kind
        dictionaries = tuple(self._dictionaries(lesson, kind))
        return Lookups(dictionaries, kind, _of_missing(lesson.options.missing, dictionaries[0], kind))

    def outputs(self, options: Any, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """The value of each key, as the functions find it."""
        return {options.output: f"{{f}}({quoted(options.input)})"}

    def _dictionaries(self, lesson: Lesson[Any], kind: str) -> Iterator[Dictionary]:
        options, read = lesson.options, _reader(kind)
        for name, table in (("", lesson.frame), *_tables(lesson)):
            yield _dictionary(name, table, options, kind)
        for path, name in zip(options.files, options.file_names or ("",) * len(options.files), strict=True):
            lines = [line.split("\t") for line in read_lines([path], FILES, lesson.given, lesson.run)]
            pairs = {line[0]: read(line[1], FILES) for line in lines if len(line) > 1}
            yield _of_pairs(name, pairs)


class MapValues(_LookupStep[MapValuesOptions]):
    """The pairs of two columns, as a function."""

    name: ClassVar[str] = "MapValues"
    options: ClassVar[type[MapValuesOptions]] = MapValuesOptions
    doc: ClassVar[str] = (
        "Makes of two columns a function that finds the value of the second by that of the first."
    )
    example: ClassVar[str] = """\
select "de" as code, "Germany" as country union all select "fr" as code, "France" as country as countries;
train countries as MapValues.`out/example/countries` where inputCol="code" and outputCol="country"
  and mapMissingTo="elsewhere" as pairs;
register MapValues.`out/example/countries` as country_of;
select country_of("fr") as known, country_of("xx") as unknown as answers;
"""


class TableToMap(_LookupStep[TableToMapOptions]):
    """The pairs of two columns of one or several tables, as functions."""

    name: ClassVar[str] = "TableToMap"
    options: ClassVar[type[TableToMapOptions]] = TableToMapOptions
    doc: ClassVar[str] = (
        "Makes of tables of keys and values functions that find a value: one for all, one for each."
    )
    example: ClassVar[str] = """\
select "a" as word, 1 as weight as weights;
select "b" as word, 2 as weight as others;
train weights as TableToMap.`out/example/weights` where keyField="word" and valueField="weight"
  and table.names="others" as pairs;
register TableToMap.`out/example/weights` as weight_of;
select weight_of("a") as one, weight_of_others("b") as other as answers;
"""


class VecMapInPlace(InOneColumn[InputOptions]):
    """Maps of texts to numbers as vectors, a place a key."""

    name: ClassVar[str] = "VecMapInPlace"
    options: ClassVar[type[InputOptions]] = InputOptions
    doc: ClassVar[str] = (
        "Maps of texts to numbers as sparse vectors, with a place for each key in the alphabet's order."
    )
    example: ClassVar[str] = """\
select map("a", 1.0, "b", 2.0) as weights union all select map("c", 3.0) as weights as maps;
train maps as VecMapInPlace.`out/example/keys` where inputCol="weights" as vectors;
register VecMapInPlace.`out/example/keys` as vector_of;
select vector_of(map("b", 5.0)) as vector as answers;
"""

    def check_inputs(self, call: Call[InputOptions]) -> None:
        """Only maps have keys."""
        kind = type_of(call.frame, call.options.input)
        if not kind.startswith("map<string,"):
            raise DataFault(
                f"'{call.options.input}' holds {kind}, and no maps of texts to numbers", option=INPUT
            )

    def learn(self, lesson: Lesson[InputOptions]) -> MapVector:
        """All keys."""
        from mlsql.udf.predictors.plain.vectorising import MapVector

        keys = lesson.frame.selectExpr(f"explode({quoted(lesson.options.input)}.key) as key").distinct()
        return MapVector(tuple(keys.orderBy("key").toArrow()["key"].to_pylist()))


def _expect_as_many(names: Sequence[str], named: Sequence[str], option: str, what: str) -> None:
    """OptionFault where there are names, but not one for each."""
    if names and len(names) != len(named):
        raise OptionFault(f"{len(names)} names are given to {len(named)} {what}", option=option)


def _tables(lesson: Lesson[Any]) -> Iterator[tuple[str, DataFrame]]:
    """Each of the further tables, behind its name."""
    options, given = lesson.options, lesson.given
    tables, names = options.tables or options.table_names, options.table_names or options.tables
    span = span_of(given, TABLES if options.tables else TABLE_NAMES) or lesson.span
    return ((name, lesson.run.table(Word(table, span))) for name, table in zip(names, tables, strict=True))


def _dictionary(name: str, table: DataFrame, options: Any, kind: str) -> Dictionary:
    """The pairs of a table, in the order of the keys."""
    key, value = quoted(options.input), quoted(options.output)
    pairs = (
        table.selectExpr(f"cast({key} as string) as key", f"cast({value} as {kind}) as value")
        .where("key is not null and value is not null")
        .groupBy("key")
        .agg({"value": "max"})
        .toDF("key", "value")
        .orderBy("key")
        .toArrow()
    )
    return _of_pairs(name, dict(zip(pairs["key"].to_pylist(), pairs["value"].to_pylist(), strict=True)))


def _of_pairs(name: str, pairs: Mapping[str, Any]) -> Dictionary:
    from mlsql.udf.predictors.plain.lookups import Dictionary

    return Dictionary(name, tuple(pairs), tuple(pairs.values()))


def _of_missing(given: str | None, known: Dictionary, kind: str) -> Label | None:
    """The value of a key that has none: that of the key *given*, or what is written as a value."""
    if given is None:
        return None
    if given in known.keys:
        return known.values[known.keys.index(given)]
    return cast("Label", _reader(kind)(given, MISSING))


def _reader(kind: str) -> Any:
    """Reads a text as a value of the Spark type *kind*; an OptionFault of the option that brought it."""
    read: Any = {"string": str, "boolean": _boolean, "float": float, "double": float}.get(kind, int)

    def value(text: str, named_by: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise OptionFault(f"'{text}' is no {kind}, as the other values are", option=named_by) from error

    return value


def _boolean(text: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise ValueError(text)
    return text.casefold() == "true"


def _key_of(options: type[Any], field: str) -> str:
    from mlsql.options import declared_options

    return next(each.key for each in declared_options(options) if each.field == field)
