"""Bins of a feature: ranges of numbers or categories, and what is missing; and which rows lie in which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault
from mlsql.stages.algorithms.tools.fields import NUMBER, STRING, column, field_of, present, text

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MISSING, UNSEEN = -1, -2
_MOST_BINS = 1000


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin: numbers from *start* up to *end* (None: no bound), a *category*, or what is missing."""

    id: int
    start: float | None = None
    end: float | None = None
    category: str | None = None

    def __str__(self) -> str:
        if self.id == MISSING:
            return "missing"
        if self.category is not None:
            return f"[{self.category}]"
        start = "(-inf" if self.start is None else f"[{self.start!r}"
        return f"{start}, {'inf' if self.end is None else repr(self.end)})"


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """The bins of a column: ascending *cuts* between numbers, or *categories*."""

    feature: str
    cuts: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None

    def bins(self) -> Iterator[Bin]:
        """All bins in their order, what is missing last.

        >>> [str(each) for each in FeatureBins("age", (18.0, 30.0)).bins()]
        ['(-inf, 18.0)', '[18.0, 30.0)', '[30.0, inf)', 'missing']
        """
        if self.categories is not None:
            yield from (Bin(number, category=each) for number, each in enumerate(self.categories))
        else:
            starts, ends = (None, *self.cuts), (*self.cuts, None)
            yield from (Bin(number, *each) for number, each in enumerate(zip(starts, ends, strict=True)))
        yield Bin(MISSING)

    @classmethod
    def of(cls, feature: str, bins: Sequence[Bin]) -> FeatureBins:
        """The feature that has these *bins*."""
        inner = sorted((each for each in bins if each.id >= 0), key=lambda each: each.id)
        if any(each.category is not None for each in inner):
            return cls(feature, categories=tuple(each.category or "" for each in inner))
        return cls(feature, tuple(each.start for each in inner if each.start is not None))


def bin_id(frame: DataFrame, bins: FeatureBins, option: str) -> Column:
    """The number of the bin in which a row lies: -1 where nothing is, -2 for a category never seen."""
    from pyspark.sql import functions as sf

    if bins.categories is not None:
        field = field_of(frame, bins.feature, option, STRING, "boolean")
        value = text(field)
        place = sf.array_position(sf.lit(list(bins.categories)), value) if bins.categories else sf.lit(0)
        known = sf.when(place > 0, place - 1).otherwise(sf.lit(UNSEEN))
    else:
        field = field_of(frame, bins.feature, option, NUMBER)
        value = present(field).cast("double")
        known = sf.lit(0)
        for cut in bins.cuts:
            known = known + (value >= sf.lit(cut)).cast("int")
    return sf.when(column(field).isNull() | value.isNull(), sf.lit(MISSING)).otherwise(known).cast("int")


def count_keys(
    frame: DataFrame, keys: Sequence[Column], flag: Column
) -> Mapping[tuple[int, str | None], tuple[int, int, int]]:
    """How many rows have a key where *flag* holds, does not, and is null; by (place of the key, key as text).

    One aggregate counts all keys; too many of one are refused.
    """
    from pyspark.sql import functions as sf

    entries = sf.array(*(key.cast("string") for key in keys))
    counts = (
        frame.select(flag.alias("flag"), sf.posexplode(entries).alias("place", "key"))
        .groupBy("place", "key")
        .agg(sf.count_if("flag"), sf.count_if(~sf.col("flag")), sf.count_if(sf.col("flag").isNull()))
        .limit(_MOST_BINS * len(keys) + 1)
        .collect()
    )
    if len(counts) > _MOST_BINS * len(keys):
        raise DataFault(
            f"the features hold more than {_MOST_BINS:,} categories each on average",
            hint="leave out what tells rows apart, such as names and numbers of customers",
        )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in counts}
