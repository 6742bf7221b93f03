"""RepartitionExt and TableRepartition: into how many partitions a table is split, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.options import BOOLEAN, NAMES, integer, one_of, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import column, fields_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COLUMNS = "partitionCols"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepartitionOptions:
    """How many partitions."""

    count: int = option("partitionNum", integer(1, 1_000_000), "How many partitions.")


@dataclass(frozen=True, slots=True)
class Repartition:
    """The same rows in another number of partitions."""

    options: ClassVar[type[RepartitionOptions]] = RepartitionOptions
    doc: ClassVar[str] = "Spreads the rows evenly over a number of partitions."
    example: ClassVar[str] = """\
select id as n from range(100) as numbers;
run numbers as RepartitionExt.`` where partitionNum="3" as spread;
"""

    def transform(self, call: Call[RepartitionOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """The same rows; lazy."""
        return call.frame.repartition(call.options.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRepartitionOptions(RepartitionOptions):
    """How many partitions, and what comes together."""

    type: str = option(
        "partitionType",
        one_of("hash", "range"),
        "hash: rows of equal columns come together; range: rows near in their order.",
        default="hash",
    )
    columns: tuple[str, ...] | None = option(
        _COLUMNS, NAMES, "By which columns; range needs some.", default=None
    )
    shuffles: bool = option(
        "shuffle", BOOLEAN, "false: whole partitions are put together, which moves fewer rows.", default=True
    )


@dataclass(frozen=True, slots=True)
class TableRepartition:
    """The same rows in another number of partitions, by columns when some are named."""

    options: ClassVar[type[TableRepartitionOptions]] = TableRepartitionOptions
    doc: ClassVar[str] = (
        "Splits a table into a number of partitions: evenly, by the hash of columns or their ranges."
    )
    example: ClassVar[str] = """\
select id as n from range(100) as numbers;
run numbers as TableRepartition.`` where partitionNum="3" and partitionType="range"
  and partitionCols="n" as ranges;
run ranges as TableRepartition.`` where partitionNum="1" and shuffle="false" as one;
"""

    def transform(self, call: Call[TableRepartitionOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """The same rows; lazy but for ranges, of which Spark draws a sample when the table is evaluated."""
        options = call.options
        columns = [column(field) for field in fields_of(call.frame, options.columns or (), _COLUMNS)]
        if not options.shuffles:
            if columns or options.type == "range":
                raise OptionFault(
                    'only a shuffle puts rows together by columns: shuffle="true"', option="shuffle"
                )
            return call.frame.coalesce(options.count)
        if options.type == "range":
            if not columns:
                raise OptionFault(
                    f"ranges are those of columns: {_COLUMNS} names them", option="partitionType"
                )
            return call.frame.repartitionByRange(options.count, *columns)
        return call.frame.repartition(options.count, *columns)
