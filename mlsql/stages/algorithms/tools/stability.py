"""PSI: how far the rows of a table have moved from what was expected, bin by bin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.grammar.nodes import Word
from mlsql.options import NAMES, TEXT, integer, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.bins import MISSING, UNSEEN, FeatureBins, bin_id, count_keys
from mlsql.stages.algorithms.tools.cuts import cut_by_quantiles
from mlsql.stages.algorithms.tools.evidence import shifts
from mlsql.stages.algorithms.tools.fields import BOOLEAN, NUMBER, STRING, fields_of, is_number, text
from mlsql.stages.algorithms.tools.kept_bins import FEATURES, BinsOptions, binning_table, read_bins
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField

_ACTUAL, _EXPECTED = "actualTable", "expectedTable"
_SCHEMA = (
    "feature_name string, bin_id int, bin_desc string, actual_percentage double, expected_percentage double, "
    "`actual-expected` double, `ln(actual/expected)` double, psi double, feature_psi double"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityOptions(BinsOptions):
    """Which tables are compared, and by which bins."""

    actual: str = option(_ACTUAL, TEXT, "Table of what has come.")
    expected: str | None = option(
        _EXPECTED, TEXT, "Table of what was expected; else the one that is run.", default=None
    )
    features: tuple[str, ...] | None = option(
        FEATURES, NAMES, "Columns that are compared; else all that have bins.", default=None
    )
    count: int = option(
        "numBucket",
        integer(1, 100),
        "Without bins: how many there are, as many rows expected in each.",
        default=10,
    )


@dataclass(frozen=True, slots=True)
class PopulationStability:
    """A row a bin: which share of the rows was expected in it, which has come, and the index of both."""

    options: ClassVar[type[StabilityOptions]] = StabilityOptions
    doc: ClassVar[str] = "Tells by the population stability index how far a table has moved from another."
    example: ClassVar[str] = """\
select id % 50 as age from range(500) as training;
select id % 50 + 5 as age from range(300) as this_month;
run training as PSI.`` where actualTable="this_month" and selectedFeatures="age" and numBucket="5" as moved;
select feature_name, max(feature_psi) as psi from moved group by feature_name as shown;
"""

    def transform(self, call: Call[StabilityOptions], run: Run, /) -> DataFrame:
        """The shares and the index, by the bins of Binning or by quantiles of what was expected."""
        options = call.options
        actual = run.table(Word(options.actual, call.given[_ACTUAL].span or call.span))
        expected = call.frame
        if options.expected is not None:
            expected = run.table(Word(options.expected, call.given[_EXPECTED].span or call.span))
        bins = _bins(call, run, expected)
        counts = [_counts(frame, bins) for frame in (actual, expected)]
        rows = [
            row for place, each in enumerate(bins) for row in _rows(each, *(found[place] for found in counts))
        ]
        return local_table(run.spark, rows, _SCHEMA)


def _bins(call: Call[StabilityOptions], run: Run, expected: DataFrame) -> list[FeatureBins]:
    """The bins of Binning, or without them such of the expected rows."""
    table = binning_table(call, run)
    if table is not None:
        return read_bins(table, call.options.features)
    if call.options.features is None:
        raise DataFault("without bins the columns have to be named", hint=f'{FEATURES}="age,income"')
    fields = fields_of(expected, call.options.features, FEATURES, NUMBER, STRING, BOOLEAN)
    cuts = cut_by_quantiles(expected, [each for each in fields if is_number(each)], call.options.count)
    others = [each for each in fields if each.name not in cuts]
    categories = _categories(expected, others) if others else {}
    return [FeatureBins(each.name, cuts.get(each.name, ()), categories.get(each.name)) for each in fields]


def _categories(frame: DataFrame, fields: Sequence[StructField]) -> dict[str, tuple[str, ...]]:
    """The categories of each column, in their order."""
    from pyspark.sql import functions as sf

    found = count_keys(frame, [text(each) for each in fields], sf.lit(True))
    return {
        field.name: tuple(sorted(key for at, key in found if at == place and key is not None))
        for place, field in enumerate(fields)
    }


def _counts(frame: DataFrame, bins: Sequence[FeatureBins]) -> list[dict[int, int]]:
    """How many rows of the table lie in each bin of each feature; one aggregate."""
    from pyspark.sql import functions as sf

    found = count_keys(frame, [bin_id(frame, each, FEATURES) for each in bins], sf.lit(True))
    counts: list[dict[int, int]] = [{} for _ in bins]
    for (place, key), (rows, _, _) in found.items():
        counts[place][int(key or 0)] = rows
    return counts


def _rows(
    bins: FeatureBins, actual: Mapping[int, int], expected: Mapping[int, int]
) -> Iterator[tuple[object, ...]]:
    """The bins of one feature as rows; missing and unseen values are bins where there are some."""
    seen = {*actual, *expected}
    told = [(each.id, str(each)) for each in bins.bins() if each.id != MISSING or MISSING in seen]
    if UNSEEN in seen:
        told.append((UNSEEN, "unseen"))
    moved = shifts([(actual.get(number, 0), expected.get(number, 0)) for number, _ in told])
    total = sum(each.psi for each in moved)
    for (number, name), each in zip(told, moved, strict=True):
        figures = (each.actual, each.expected, each.difference, each.logarithm, each.psi)
        yield (bins.feature, number, name, *figures, total)
