"""RateSampler: marks each row with the part of a split that it falls into, always the same one.

A lazy table is evaluated again and again, and its rows come in another order each time. So the
part is decided by a hash of the row's content and the seed, never by ``rand`` or by order.
Equal rows are numbered among themselves, and the number takes part in the hash: which of them
has which number does not matter, since they are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from mlsql.errors import DataError, MissingColumn
from mlsql.options import BOOLEAN, FRACTIONS, TEXT, integer, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.descriptions import RATE_SAMPLER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

SPLIT = "__split__"
_DEFAULT_LABEL = "label"
_EXACT_JSON = {
    "ignoreNullFields": "false",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerOptions:
    """How to split a table."""

    label: str | None = option(
        "labelCol", TEXT, "Column whose values each keep the shares; a null is a value too.", default=None
    )
    rates: tuple[float, ...] = option(
        "sampleRate", FRACTIONS, "Shares of the parts 0, 1, …; they sum to 1.", default=(0.9, 0.1)
    )
    exact: bool = option(
        "isSplitWithSubLabel",
        BOOLEAN,
        "Whether the shares are exact within each label (by largest remainder), not just expected.",
        default=False,
    )
    seed: int = option(
        "seed", integer(-(2**63), 2**63 - 1), "Another seed gives another split of the same rows.", default=42
    )


@dataclass(frozen=True, slots=True)
class RateSampler:
    """The rows of a table with ``__split__``, the number of the part, counted from 0."""

    options: ClassVar[type[SamplerOptions]] = SamplerOptions
    doc: ClassVar[str] = RATE_SAMPLER.doc
    example: ClassVar[str] = RATE_SAMPLER.example

    def transform(self, call: Call[SamplerOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """All rows and columns, and ``__split__``; starts no Spark job."""
        label = _label(call.options, call.frame)
        columns = [*map(quoted, call.frame.columns), SPLIT]
        if SPLIT in map(str.casefold, call.frame.columns):
            raise DataError(
                f"the table has a column '{SPLIT}' already",
                hint=f"leave it out before: select * except ({SPLIT}) …",
            )
        keyed, keys = _with_keys(call.frame, call.options)
        if call.options.exact and label is not None:
            return _split_exactly(keyed, label, keys, call.options.rates).select(columns)
        return keyed.withColumn(SPLIT, _expected_part(keys[0], call.options.rates)).select(columns)


def _label(options: SamplerOptions, frame: DataFrame) -> str | None:
    label = options.label or (_DEFAULT_LABEL if options.exact else None)
    if label is not None and label.casefold() not in map(str.casefold, frame.columns):
        raise MissingColumn(label, frame.columns, option="labelCol")
    return label


def _unused_names(frame: DataFrame, count: int) -> list[str]:
    """Names that no column has; the same for the same table."""
    taken = {name.casefold() for name in frame.columns}
    candidates = (f"__sampler_{number}" for number in range(count + len(taken)))
    return [name for name in candidates if name not in taken][:count]


def _with_keys(frame: DataFrame, options: SamplerOptions) -> tuple[DataFrame, list[str]]:
    """The frame with columns that put its rows into a random but fixed order, and their names.

    The first is the hash of content, number among equals and seed, the others settle a tie.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    key, first, second, number = names = _unused_names(frame, 4)
    content = [part for field in frame.schema for part in _hashed(field)]
    # Two hashes: with one of 64 bits, rows of a very large table would meet that are not equal.
    hashes = {first: sf.xxhash64(sf.lit(1), *content), second: sf.xxhash64(sf.lit(2), *content)}
    equals = Window.partitionBy(first, second).orderBy(first)
    # The shares are hashed too: a part that is split again must not fall into one part whole.
    salt = sf.lit(f"{options.seed} {options.rates}")
    keyed = (
        frame.withColumns(hashes)
        .withColumn(number, sf.row_number().over(equals))
        .withColumn(key, sf.xxhash64(salt, first, second, number))
    )
    return keyed, names


def _hashed(field: StructField) -> Sequence[Column]:
    """What of a column goes into the hash, which skips nulls and lengths, and takes no maps."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import ArrayType, MapType, StructType, VariantType

    column = sf.col(quoted(field.name))
    if isinstance(field.dataType, ArrayType | MapType | StructType | VariantType):
        column = sf.to_json(sf.struct(column.alias("value")), _EXACT_JSON)
    return column, column.isNull()


def _expected_part(key: str, rates: Sequence[float]) -> Column:
    """The part by where the hash lies between the least and the greatest long."""
    from pyspark.sql import functions as sf

    bounds = [min(round(-(2**63) + share * 2**64), 2**63 - 1) for share in accumulate(rates)]
    passed = [(sf.col(key) >= sf.lit(bound)).cast("int") for bound in bounds[:-1]]
    return sum(passed, sf.lit(0))


def _split_exactly(keyed: DataFrame, label: str, keys: Sequence[str], rates: Sequence[float]) -> DataFrame:
    """``__split__`` by the rank of a row within its label."""
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    rank, size = _unused_names(keyed, 2)
    same_label = Window.partitionBy(quoted(label))
    windows = {
        rank: sf.row_number().over(same_label.orderBy(*keys)),
        size: sf.count(sf.lit(1)).over(same_label),
    }
    ranked, bounds = _with_bounds(keyed.withColumns(windows), size, rates)
    part = sum(((sf.col(rank) > sf.col(bound)).cast("int") for bound in bounds[:-1]), sf.lit(0))
    return ranked.withColumn(SPLIT, part)


def _with_bounds(frame: DataFrame, size: str, rates: Sequence[float]) -> tuple[DataFrame, list[str]]:
    """The frame with the last rank of each part, of *size* rows, by largest remainder."""
    from pyspark.sql import functions as sf

    weights = [round(rate * 10**9) for rate in rates]  # whole numbers, so that 0.29 of 100 rows are 29
    total = sum(weights)
    parts, names = range(len(rates)), _unused_names(frame, 3 * len(rates))
    wholes, rests, bounds = (names[start::3] for start in range(3))
    for part in parts:
        exact = f"({size} * {weights[part]})"
        frame = frame.withColumns(
            {wholes[part]: sf.expr(f"{exact} div {total}"), rests[part]: sf.expr(f"{exact} % {total}")}
        )
    left = f"{size} - ({' + '.join(wholes)})"
    for part in parts:
        earlier = [f"int({rests[other]} >= {rests[part]})" for other in parts[:part]]
        later = [f"int({rests[other]} > {rests[part]})" for other in parts[part + 1 :]]
        gets_one = f"int({left} > {' + '.join([*earlier, *later, '0'])})"
        before = bounds[part - 1] if part else "0"
        frame = frame.withColumn(bounds[part], sf.expr(f"{before} + {wholes[part]} + {gets_one}"))
    return frame, bounds
