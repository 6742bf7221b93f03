"""UniqueIdentifier and AutoIncrementKeyExt: number the rows of a table, always in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.options import JSON_OBJECT, TEXT, one_of, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import expect_free
from mlsql.stages.algorithms.tools.row_keys import unused_names, with_keys
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

_GROUPS = 256
"""Rows are numbered within so many groups at once, and the groups one after the other."""
_ID = "id"


def numbered(frame: DataFrame, first: int) -> tuple[DataFrame, Column]:
    """The frame with some columns more, and the number of a row: from *first* on without gaps, lazily.

    The order is that of a hash of the content, so that evaluating it again gives the same numbers.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    keyed, keys = with_keys(frame, "number")
    group, size, before = unused_names(keyed, 3)
    grouped = keyed.withColumn(group, sf.pmod(keys[0], sf.lit(_GROUPS)))
    sizes = grouped.groupBy(group).agg(sf.count(sf.lit(1)).alias(size))
    earlier = Window.orderBy(group).rowsBetween(Window.unboundedPreceding, -1)
    offsets = sizes.select(group, sf.coalesce(sf.sum(size).over(earlier), sf.lit(0)).alias(before))
    joined = grouped.join(sf.broadcast(offsets), group)
    within = sf.row_number().over(Window.partitionBy(group).orderBy(*keys))
    return joined, sf.col(before) + within + sf.lit(first - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """Nothing may be said."""


@dataclass(frozen=True, slots=True)
class AutoIncrementKey:
    """The table with a number for each row, from 0 on, as the last column ``id``."""

    options: ClassVar[type[NoOptions]] = NoOptions
    doc: ClassVar[str] = "Numbers the rows from 0 on in a new column id, always in the same way."
    example: ClassVar[str] = """\
select concat("user ", id) as name from range(10) as users;
run users as AutoIncrementKeyExt.`` as numbered;
select id, name from numbered order by id as shown;
"""

    def transform(self, call: Call[NoOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """All rows and columns, and ``id``; lazy."""
        expect_free(call.frame, [_ID], hint=f"give it another name before: select {_ID} as old_id …")
        frame, number = numbered(call.frame, 0)
        return frame.select(*map(quoted, call.frame.columns), number.alias(_ID))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierOptions:
    """Which column gets the numbers."""

    source: str = option(
        "source", one_of("new", "replace"), "Whether the column is a new one, or is replaced.", default="new"
    )
    name: str = option("columnName", TEXT, "The column.", default="Unique_ID")
    mode: str = option(
        "mode",
        one_of("data", "inferSchema"),
        "inferSchema: only which columns there would be.",
        default="data",
    )
    schema: Mapping[str, Any] | None = option(
        "inputSchema",
        JSON_OBJECT,
        "For inferSchema: columns and types to assume instead of the table's.",
        default=None,
    )


@dataclass(frozen=True, slots=True)
class UniqueIdentifier:
    """The table with a number for each row, from 1 on."""

    options: ClassVar[type[IdentifierOptions]] = IdentifierOptions
    doc: ClassVar[str] = (
        "Numbers the rows from 1 on, in a new first column or in place of one, always in the same way."
    )
    example: ClassVar[str] = """\
select concat("user ", id) as name from range(10) as users;
run users as UniqueIdentifier.`` where source="new" and columnName="user id" as numbered;
run users as UniqueIdentifier.`` where columnName="user id" and mode="inferSchema" as columns;
"""

    def transform(self, call: Call[IdentifierOptions], run: Run, /) -> DataFrame:
        """All rows, lazily; a column that is replaced but not there is made."""
        options, frame = call.options, call.frame
        if options.mode == "inferSchema":
            return local_table(run.spark, _columns(call), "col_name string, data_type string")
        if options.source == "new":
            expect_free(frame, [options.name], option="columnName", hint='source="replace" replaces it')
        wide, number = numbered(frame, 1)
        if not _replaces(options, frame.columns):
            return wide.select(number.alias(options.name), *map(quoted, frame.columns))
        return wide.select(
            *(number.alias(name) if _is(name, options) else quoted(name) for name in frame.columns)
        )


def _columns(call: Call[IdentifierOptions]) -> list[tuple[str, str]]:
    """The columns that there would be, and their types."""
    schema = call.options.schema
    given = dict(call.frame.dtypes) if schema is None else {name: str(kind) for name, kind in schema.items()}
    if _replaces(call.options, list(given)):
        return [(name, "bigint" if _is(name, call.options) else kind) for name, kind in given.items()]
    return [(call.options.name, "bigint"), *given.items()]


def _replaces(options: IdentifierOptions, names: list[str]) -> bool:
    return options.source == "replace" and any(_is(name, options) for name in names)


def _is(name: str, options: IdentifierOptions) -> bool:
    return name.casefold() == options.name.casefold()
