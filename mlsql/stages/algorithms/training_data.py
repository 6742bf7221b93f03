"""The rows that a fit in Spark learns from: counted, without forbidden nulls, and told apart by a checksum.

One aggregate over the table says all of it. The checksum does not depend on the order of the rows,
which Spark does not promise: it is the sum, modulo 2^64, of ``xxhash64`` over the columns of each row,
so that every row counts as often as it comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault
from mlsql.models.manifest import DataRecord
from mlsql.models.summaries import ColumnSummary
from mlsql.session import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType

TRANSPORT = "spark"
"""What a manifest calls the way of rows that have never left Spark."""
_HALF = 2**32


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The rows to learn from, and what is known of them."""

    frame: DataFrame
    record: DataRecord


def examine(
    frame: DataFrame,
    options: Mapping[str, str | None],
    *,
    skips_nulls: bool = False,
    table: str = "table to train on",
    named_by: str | None = None,
) -> TrainingData:
    """The rows of *frame* without those that have a null, after one look at the table.

    *options* says of each column in which no null may be by which option the statement names it; a null
    within an array counts too. DataFault for a table without rows, which the option *named_by* has named,
    and, unless it *skips_nulls*, for one with nulls.
    """
    from pyspark.sql import functions as sf

    names = tuple(options)
    is_missing = {name: _is_missing(name, frame.schema[name].dataType) for name in names}
    is_complete = ~_any(list(is_missing.values()))
    row = frame.agg(
        sf.count(sf.lit(1)).alias("rows"),
        sf.count_if(is_complete).alias("complete"),
        sf.struct([sf.count_if(is_missing[name]).alias(f"_{at}") for at, name in enumerate(names)]).alias(
            "nulls"
        ),
        *_halves_of_sum(sf.when(is_complete, sf.xxhash64(*(quoted(name) for name in names)))),
        *[each for at, name in enumerate(names) for each in _figures(frame, name, at)],
    ).first()
    assert row is not None
    nulls = dict(zip(names, row["nulls"], strict=True))
    _check(row["rows"], row["complete"], nulls, options, skips_nulls, table, named_by)
    record = DataRecord(
        rows=row["rows"],
        bytes=0,
        checksum=_checksum(row),
        transport=TRANSPORT,
        left_out=row["rows"] - row["complete"],
        columns={name: _summary(frame, name, at, row) for at, name in enumerate(names)},
    )
    return TrainingData(frame.where(is_complete) if record.left_out else frame, record)


def _is_missing(name: str, kind: DataType) -> Expression:
    """Whether the column, or something in it, is null."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import ArrayType

    column = sf.col(quoted(name))
    if isinstance(kind, ArrayType) and kind.containsNull:
        return column.isNull() | sf.exists(column, lambda each: each.isNull())
    return column.isNull()


def _any(conditions: Sequence[Expression]) -> Expression:
    from pyspark.sql import functions as sf

    found = sf.lit(False)
    for each in conditions:
        found = found | sf.coalesce(each, sf.lit(True))
    return found


def _halves_of_sum(value: Expression) -> list[Expression]:
    """Sums of the upper and the lower half, which do not overflow as the sum of longs would."""
    from pyspark.sql import functions as sf

    halves = {"high": sf.shiftrightunsigned(value, 32), "low": value.bitwiseAND(sf.lit(_HALF - 1))}
    return [sf.coalesce(sf.sum(half), sf.lit(0)).alias(name) for name, half in halves.items()]


def _checksum(row: Any) -> str:
    return f"{(row['high'] * _HALF + row['low']) % 2**64:016x}"


def _figures(frame: DataFrame, name: str, at: int) -> list[Expression]:
    """The aggregates of a column of numbers; others have none."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import NumericType

    if not isinstance(frame.schema[name].dataType, NumericType):
        return []
    value = sf.col(quoted(name)).cast("double")
    finite = sf.when((value > float("-inf")) & (value < float("inf")), value)  # NaN is above infinity
    figures = (
        sf.count(finite).alias("finite"),
        sf.min(finite).alias("min"),
        sf.max(finite).alias("max"),
        sf.avg(finite).alias("mean"),
        sf.stddev_pop(finite).alias("deviation"),
    )
    return [sf.struct(*figures).alias(f"figures_{at}")]


def _summary(frame: DataFrame, name: str, at: int, row: Any) -> ColumnSummary:
    kind, nulls = frame.schema[name].dataType.simpleString(), row["nulls"][at]
    count = row["rows"] - nulls
    if f"figures_{at}" not in row:
        return ColumnSummary(type=kind, count=count, nulls=nulls)
    figures = row[f"figures_{at}"].asDict()
    return ColumnSummary(
        type=kind, count=count, nulls=nulls, not_finite=count - figures.pop("finite"), **figures
    )


def _check(
    rows: int,
    complete: int,
    nulls: Mapping[str, int],
    options: Mapping[str, str | None],
    skips_nulls: bool,  # noqa: FBT001
    table: str,
    named_by: str | None,
) -> None:
    if rows == 0:
        raise DataFault(f"the {table} has no rows", option=named_by)
    bad = {name: count for name, count in nulls.items() if count}
    if skips_nulls and complete == 0:
        hint = 'handleInvalid="skip" leaves them out; choose other columns or fill them (coalesce) before'
        raise DataFault(f"every row of the {table} has a null", option=named_by, hint=hint)
    if bad and not skips_nulls:
        first = next(iter(bad))
        told = ", ".join(f"'{name}' ({count:,} in {rows:,} rows)" for name, count in bad.items())
        raise DataFault(
            f"the {table} has nulls in {told}",
            option=named_by or options[first],
            hint=f"leave them out (where {first} is not null) or fill them (coalesce) in a select before",
        )
