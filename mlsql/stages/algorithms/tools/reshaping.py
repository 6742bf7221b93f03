"""Pivot and DataTranspose: values of a column become columns, or columns become rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import MissingOption
from mlsql.names import listed, nearest
from mlsql.options import NAMES, TEXT, Kind, declared_options, one_of, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import NUMBER, column, expect_free, field_of, fields_of
from mlsql.stages.algorithms.tools.row_keys import unused_names

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

T = TypeVar("T")

_MOST_COLUMNS = 1000
_CALL = re.compile(r"\s*(?P<name>\w+)\s*(?:\(\s*(?P<column>`(?:[^`]|``)+`|[^()`]*?)\s*\)\s*)?")
_AGGREGATES = (
    *("sum", "avg", "mean", "min", "max", "count", "count_distinct", "first", "last"),
    *("median", "stddev", "variance", "collect_list", "collect_set"),
)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``sum`` or ``sum(score)``: an aggregate function and the column that it is of, when one is named."""

    function: str
    column: str | None


def _read_aggregates(written: str) -> tuple[Aggregate, ...]:
    return tuple(map(_read_aggregate, written.split(",")))


def _read_aggregate(written: str) -> Aggregate:
    match = _CALL.fullmatch(written)
    if match is None:
        raise ValueError(written)
    name = match["column"]
    if name and name.startswith("`"):
        name = name[1:-1].replace("``", "`")
    return Aggregate(match["name"].casefold(), name or None)


AGGREGATES: Kind[tuple[Aggregate, ...]] = Kind(
    "aggregates, as in 'sum' or 'sum(score),max(score)'", _read_aggregates
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotOptions:
    """What becomes rows, columns and values."""

    left: tuple[str, ...] = option("columnLeft", NAMES, "Columns that stay, a row for each of their values.")
    header: str = option("columnHeader", TEXT, "Column whose values become columns.")
    headers: tuple[str, ...] | None = option(
        "columnHeaderFields", NAMES, "The values that become columns; else all there are.", default=None
    )
    value: str | None = option("columnSum", TEXT, "Column that is aggregated.", default=None)
    aggregates: tuple[Aggregate, ...] = option(
        "sumFunc",
        AGGREGATES,
        "How: sum, avg, count … of columnSum, or of a column of their own.",
        default=(Aggregate("sum", None),),
        aliases=("sunFunc",),
    )


@dataclass(frozen=True, slots=True)
class Pivot:
    """A row for each value of the columns that stay, a column for each value of the header."""

    options: ClassVar[type[PivotOptions]] = PivotOptions
    doc: ClassVar[str] = "Makes columns of the values of a column, and aggregates another into them."
    example: ClassVar[str] = """\
set scores='''
{"name":"Ann","subject":"art","score":88}
{"name":"Ann","subject":"music","score":92}
{"name":"Bob","subject":"art","score":65}
''';
load jsonStr.`scores` as scores;
run scores as Pivot.`` where columnLeft="name" and columnHeader="subject" and columnSum="score"
  and sumFunc="sum" as by_subject;
select name, art, music from by_subject as shown;
"""

    def transform(self, call: Call[PivotOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """The table turned; lazy when the values that become columns are named."""
        options, frame = call.options, call.frame
        left = fields_of(frame, options.left, "columnLeft")
        header = field_of(frame, options.header, "columnHeader")
        aggregates = [_aggregate(frame, each, options) for each in options.aggregates]
        return turned(frame, left, header, options.headers, aggregates)


def _aggregate(frame: DataFrame, wanted: Aggregate, options: PivotOptions) -> Column:
    from pyspark.sql import functions as sf

    if wanted.function not in _AGGREGATES:
        near = nearest(wanted.function, _AGGREGATES)
        hint = f"did you mean '{near}'?" if near else f"there is {listed(_AGGREGATES)}"
        raise OptionFault(f"'{wanted.function}' is no aggregate", option="sumFunc", hint=hint)
    name = wanted.column or options.value
    if wanted.function == "count" and name in (None, "*", "1"):
        return sf.count(sf.lit(1)).alias("count")
    if name is None:
        raise OptionFault(
            f"'{wanted.function}' needs a column", option="sumFunc", hint='columnSum="…" names it'
        )
    field = field_of(frame, name, "sumFunc" if wanted.column else "columnSum")
    value: Column = getattr(sf, wanted.function)(column(field))
    return value.alias(f"{field.name}_{wanted.function}")


def turned(
    frame: DataFrame,
    left: Sequence[StructField],
    header: StructField,
    headers: Sequence[str] | None,
    aggregates: Sequence[Column],
) -> DataFrame:
    """The *aggregates* by the columns *left*, a column for each of the *headers*, or of all there are."""
    (by,) = unused_names(frame, 1)
    values: list[bool | float | int | str] = [*(_values(frame, header) if headers is None else headers)]
    written = frame.withColumn(by, column(header).cast("string"))
    return written.groupBy(*map(column, left)).pivot(by, values).agg(*aggregates)


def _values(frame: DataFrame, header: StructField) -> list[str]:
    """What the column holds, in its order, as text; too much of it is refused."""
    value = column(header)
    found = frame.select(value).distinct().orderBy(value).limit(_MOST_COLUMNS + 1)
    values = [row[0] for row in found.select(column(header).cast("string")).collect() if row[0] is not None]
    if len(values) > _MOST_COLUMNS:
        raise DataFault(
            f"'{header.name}' holds more than {_MOST_COLUMNS:,} values, each of which would be a column",
            hint="columnHeaderFields names those that are wanted",
        )
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class TransposeOptions:
    """Which way to turn, and what."""

    method: str = option(
        "method", one_of("pivot", "unpivot"), "pivot: rows to columns; unpivot: columns to rows."
    )
    index: tuple[str, ...] = option("indexCols", NAMES, "Columns that stay.")
    header: str | None = option("inputCol", TEXT, "pivot: column whose values become columns.", default=None)
    value: str = option("aggCol", TEXT, "pivot: numbers that are summed; unpivot: the new column of values.")
    turned: tuple[str, ...] | None = option(
        "unPivotCols", NAMES, "unpivot: columns that become rows.", default=None
    )
    merged: str | None = option("mergedCol", TEXT, "unpivot: the new column of their names.", default=None)


@dataclass(frozen=True, slots=True)
class DataTranspose:
    """A long table made wide, or a wide one long."""

    options: ClassVar[type[TransposeOptions]] = TransposeOptions
    doc: ClassVar[str] = "Turns rows into columns (pivot), or columns into rows (unpivot)."
    example: ClassVar[str] = """\
set scores='''
{"name":"Ann","subject":"art","score":88}
{"name":"Ann","subject":"music","score":92}
{"name":"Bob","subject":"art","score":65}
''';
load jsonStr.`scores` as scores;
run scores as DataTranspose.`` where method="pivot" and indexCols="name" and inputCol="subject"
  and aggCol="score" as wide;
run wide as DataTranspose.`` where method="unpivot" and indexCols="name" and unPivotCols="art,music"
  and mergedCol="subject" and aggCol="score" as long;
"""

    def transform(self, call: Call[TransposeOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """The table turned; unpivot is lazy and keeps nulls."""
        return _pivot(call) if call.options.method == "pivot" else _unpivot(call)


def _pivot(call: Call[TransposeOptions]) -> DataFrame:
    from pyspark.sql import functions as sf

    frame, options = call.frame, call.options
    header = field_of(frame, _given(options.header, "inputCol", call), "inputCol")
    value = field_of(frame, options.value, "aggCol", NUMBER)
    return turned(frame, fields_of(frame, options.index, "indexCols"), header, None, [sf.sum(column(value))])


def _unpivot(call: Call[TransposeOptions]) -> DataFrame:
    frame, options = call.frame, call.options
    index = fields_of(frame, options.index, "indexCols")
    wide = fields_of(frame, _given(options.turned, "unPivotCols", call), "unPivotCols")
    merged = _given(options.merged, "mergedCol", call)
    kept = frame.select(*map(column, index))
    for name, key in ((merged, "mergedCol"), (options.value, "aggCol")):
        expect_free(kept, [name], option=key, hint="the new columns need other names than those that stay")
    return frame.unpivot([*map(column, index)], [*map(column, wide)], merged, options.value)


def _given(value: T | None, key: str, call: Call[TransposeOptions]) -> T:
    """The value of an option that the method needs."""
    if value is None:
        doc = next(each.doc for each in declared_options(TransposeOptions) if each.key == key)
        raise MissingOption(key, f"the method '{call.options.method}'", doc, span=call.span)
    return value
