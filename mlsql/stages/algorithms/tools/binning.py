"""Binning: cuts features into bins, and weighs what each bin says of the label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.options import NAMES, TEXT, Kind, integer, one_of, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.bins import MISSING, FeatureBins, bin_id, count_keys
from mlsql.stages.algorithms.tools.cuts import cuts_between, quantiles, widths
from mlsql.stages.algorithms.tools.evidence import weigh
from mlsql.stages.algorithms.tools.fields import (
    BOOLEAN,
    NUMBER,
    STRING,
    field_of,
    fields_of,
    is_number,
    text,
)
from mlsql.stages.algorithms.tools.kept_bins import FEATURES, FOLDER
from mlsql.stages.algorithms.tools.labels import expect_none_missing, label_text, normal_label
from mlsql.stages.algorithms.tools.outcomes import save_below
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_BIN_COLUMNS = "featureName string, bin_id int, value string, start double, end double, category string"
_SCHEMA = (
    f"{_BIN_COLUMNS}, total bigint, p bigint, n bigint, prate double, woe double, iv double, featureIv double"
)
LABEL, GOOD = "label", "goodValue"


def _read_counts(written: str) -> Mapping[str, int]:
    pairs = [part.rpartition(":") for part in written.split(",")]
    counts = {name.strip(): int(count) for name, colon, count in pairs if colon and name.strip()}
    if len(counts) < len(pairs) or min(counts.values()) < 1:
        raise ValueError(written)
    return counts


COUNTS: Kind[Mapping[str, int]] = Kind("columns with numbers of bins, as in 'age:4,income:10'", _read_counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinningOptions:
    """What is cut, and how."""

    label: str = option(LABEL, TEXT, "Column of the label.", default="label", aliases=("labelCol",))
    good: str = option(GOOD, TEXT, "The label of the good; all others are bad.", default="1")
    features: tuple[str, ...] = option(
        FEATURES, NAMES, "Columns of numbers, which are cut, or of categories."
    )
    method: str = option(
        "method",
        one_of("EF", "ED"),
        "EF: as many rows in each bin; ED: ranges of the same width.",
        default="EF",
    )
    count: int = option(
        "numBucket", integer(1, 100), "How many bins a column of numbers is cut into.", default=10
    )
    counts: Mapping[str, int] | None = option(
        "customizedBucketsConfig", COUNTS, "How many bins for single columns: age:4,income:10.", default=None
    )


@dataclass(frozen=True, slots=True)
class Binning:
    """A row a bin: its bounds, its good and bad rows, weight of evidence and information value."""

    options: ClassVar[type[BinningOptions]] = BinningOptions
    doc: ClassVar[str] = (
        "Cuts features into bins and weighs what each says of the label (WOE, IV); a path keeps the bins."
    )
    example: ClassVar[str] = """\
select id % 40 + 20 as age, element_at(array("rent", "own"), int(id % 2 + 1)) as home,
  cast((id % 40 + id % 7) > 20 as int) as label from range(400) as customers;
run customers as Binning.`out/example/customers` where label="label" and method="EF" and numBucket="4"
  and selectedFeatures="age,home" as bins;
select featureName, value, woe, iv from bins order by featureName, bin_id as shown;
"""

    def transform(self, call: Call[BinningOptions], run: Run, /) -> DataFrame:
        """The bins, computed now in two aggregates; below a path they are saved as ``binning``."""
        fields = fields_of(call.frame, call.options.features, FEATURES, NUMBER, STRING, BOOLEAN)
        cuts = _cuts(call, [each for each in fields if is_number(each)])
        rows = _weighed(call, fields, cuts)
        table = local_table(run.spark, rows, _SCHEMA)
        save_below(run, call.path, FOLDER, table)
        return table


def is_good(frame: DataFrame, label: str, good: str) -> Column:
    """Whether a row is good; null where it has no label."""
    from pyspark.sql import functions as sf

    field = field_of(frame, label, LABEL, NUMBER, STRING, BOOLEAN)
    return label_text(field) == sf.lit(normal_label(good))


def _cuts(call: Call[BinningOptions], fields: Sequence[StructField]) -> dict[str, tuple[float, ...]]:
    """Where each column of numbers is cut; one aggregate for all."""
    counts = _bucket_counts(call, fields)
    if not fields:
        return {}
    marks = quantiles if call.options.method == "EF" else widths
    return {
        field.name: cuts_between(points)
        for field, points in zip(fields, marks(call.frame, fields, counts), strict=True)
    }


def _bucket_counts(call: Call[BinningOptions], fields: Sequence[StructField]) -> list[int]:
    custom = call.options.counts or {}
    known = {field.name.casefold() for field in fields}
    for name in custom:
        if name.casefold() not in known:
            message = f"'{name}' is not among the columns of numbers that are cut"
            raise OptionFault(message, option="customizedBucketsConfig")
    own = {name.casefold(): count for name, count in custom.items()}
    return [own.get(field.name.casefold(), call.options.count) for field in fields]


Row = tuple[object, ...]


def _weighed(
    call: Call[BinningOptions], fields: Sequence[StructField], cuts: Mapping[str, tuple[float, ...]]
) -> list[Row]:
    """A row a bin of every feature, from one aggregate."""
    numbers = {name: FeatureBins(name, found) for name, found in cuts.items()}
    keys = [
        bin_id(call.frame, numbers[field.name], FEATURES) if field.name in numbers else text(field)
        for field in fields
    ]
    counts = count_keys(call.frame, keys, is_good(call.frame, call.options.label, call.options.good))
    expect_none_missing(call.options.label, sum(each[2] for (place, _), each in counts.items() if place == 0))
    _expect_both(call.options, [each for (place, _), each in counts.items() if place == 0])
    rows: list[Row] = []
    for place, field in enumerate(fields):
        own = {key: (good, bad) for (at, key), (good, bad, _) in counts.items() if at == place}
        if field.name in numbers:
            bins, by_id = numbers[field.name], {int(key or 0): each for key, each in own.items()}
        else:
            bins, by_id = _categories(field.name, own)
        rows += _rows(bins, by_id)
    return rows


def _expect_both(options: BinningOptions, counts: Sequence[tuple[int, ...]]) -> None:
    """Raise DataFault unless there are good rows and bad ones."""
    good, bad = (sum(each[side] for each in counts) for side in (0, 1))
    if not good and not bad:
        raise DataFault("the table has no rows")
    if not good or not bad:
        which = "has" if good else "does not have"
        raise DataFault(f"every row {which} the label '{options.good}' in '{options.label}'", option=GOOD)


def _categories(
    feature: str, counts: Mapping[str | None, tuple[int, int]]
) -> tuple[FeatureBins, dict[int, tuple[int, int]]]:
    """A bin a category, the commonest first; and how many rows each bin has."""
    named = sorted(
        ((key, each) for key, each in counts.items() if key is not None),
        key=lambda item: (-sum(item[1]), item[0]),
    )
    by_id = {number: each for number, (_, each) in enumerate(named)}
    if None in counts:
        by_id[MISSING] = counts[None]
    return FeatureBins(feature, categories=tuple(key for key, _ in named)), by_id


def _rows(bins: FeatureBins, by_id: Mapping[int, tuple[int, int]]) -> Iterator[Row]:
    """The bins of one feature as rows; the one of what is missing only when something is."""
    told = [each for each in bins.bins() if each.id != MISSING or each.id in by_id]
    evidence = weigh([by_id.get(each.id, (0, 0)) for each in told])
    value = sum(each.iv for each in evidence)
    for each, found in zip(told, evidence, strict=True):
        place = (bins.feature, each.id, str(each), each.start, each.end, each.category)
        yield (*place, found.total, found.p, found.n, found.rate, found.woe, found.iv, value)
