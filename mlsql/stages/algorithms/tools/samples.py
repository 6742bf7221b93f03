"""TakeRandomSampleExt and SampleDatasetExt: some rows of a table, and a table made up of random values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.names import listed, nearest
from mlsql.options import NAMES, Kind, integer, number, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.row_keys import with_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import Column, DataFrame

_SEED = integer(-(2**63), 2**63 - 1)
_SHARE: Kind[float] = Kind(
    "a number from 0 to 1, or -1", lambda text: -1.0 if text.strip() == "-1" else number(0, 1).read(text)
)
_MOST_ROWS = 2**31 - 1
_BITS = 53
_COLUMNS = ("id", "features", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSampleOptions:
    """How much is taken."""

    size: int | None = option(
        "size", integer(-1, _MOST_ROWS), "How many rows at most; -1: no limit.", default=None
    )
    fraction: float | None = option("fraction", _SHARE, "Share of the rows expected; -1: all.", default=None)
    seed: int = option("seed", _SEED, "Another seed takes other rows.", default=42)


@dataclass(frozen=True, slots=True)
class TakeRandomSample:
    """Some rows, each as likely as any other, and always the same ones."""

    options: ClassVar[type[TakeSampleOptions]] = TakeSampleOptions
    doc: ClassVar[str] = "Takes a number or a share of the rows at random, always the same ones."
    example: ClassVar[str] = """\
select id as n from range(100) as numbers;
run numbers as TakeRandomSampleExt.`` where size="10" as ten;
run numbers as TakeRandomSampleExt.`` where fraction="0.2" and seed="7" as a_fifth;
"""

    def transform(self, call: Call[TakeSampleOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """The rows, lazily: exactly *size* of a larger table, about *fraction* of it."""
        from pyspark.sql import functions as sf

        size, fraction = (
            None if each in (-1, None) else each for each in (call.options.size, call.options.fraction)
        )
        keyed, keys = with_keys(call.frame, f"sample {call.options.seed}")
        if fraction is not None:
            bound = min(round(-(2**63) + fraction * 2**64), 2**63 - 1)
            keyed = keyed.where(sf.col(keys[0]) < sf.lit(bound)) if fraction < 1 else keyed
        if size is not None:
            keyed = keyed.orderBy(*keys).limit(int(size))
        return keyed.select(*map(quoted, call.frame.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOptions:
    """What the table looks like."""

    columns: tuple[str, ...] = option("columns", NAMES, "Of id, features, label.", default=("id",))
    size: int = option("size", integer(0), "How many rows.", default=10_000)
    features: int = option(
        "featuresSize", integer(1, 1_000_000), "How many numbers features holds.", default=100
    )
    labels: int = option(
        "labelSize", integer(1, _MOST_ROWS), "How many labels there are, from 0 on.", default=2
    )
    seed: int = option("seed", _SEED, "Another seed gives other values.", default=42)


@dataclass(frozen=True, slots=True)
class SampleDataset:
    """A table to try things with: always the same values for the same options."""

    options: ClassVar[type[DatasetOptions]] = DatasetOptions
    doc: ClassVar[str] = (
        "Makes a table of random features and labels to try things with, always the same one."
    )
    example: ClassVar[str] = """\
run command as SampleDatasetExt.`` where columns="id,features,label" and size="1000"
  and featuresSize="4" and labelSize="3" as mock;
select label, count(*) as n from mock group by label as shares;
"""

    def transform(self, call: Call[DatasetOptions], run: Run, /) -> DataFrame:
        """``id`` bigint, ``features`` array<double> in [0, 1), ``label`` int; lazy."""
        makers = _makers(call.options)
        for name in call.options.columns:
            if name not in makers:
                near = nearest(name, _COLUMNS)
                hint = f"did you mean '{near}'?" if near else f"there is {listed(_COLUMNS)}"
                raise OptionFault(f"no column is called '{name}'", option="columns", hint=hint)
        return run.spark.range(call.options.size).select(
            *(makers[name]().alias(name) for name in call.options.columns)
        )


def _makers(options: DatasetOptions) -> Mapping[str, Callable[[], Column]]:
    """What makes each column."""
    from pyspark.sql import functions as sf

    def drawn(place: Column) -> Column:
        return sf.xxhash64(sf.lit(options.seed), sf.col("id"), place)

    def uniform(place: Column) -> Column:
        return sf.shiftrightunsigned(drawn(place), 64 - _BITS) / sf.lit(2.0**_BITS)

    return {
        "id": lambda: sf.col("id"),
        "features": lambda: sf.transform(sf.sequence(sf.lit(1), sf.lit(options.features)), uniform),
        "label": lambda: sf.pmod(drawn(sf.lit(0)), sf.lit(options.labels)).cast("int"),
    }
