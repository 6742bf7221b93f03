"""RateSampler: marks each row with the part of a split that it falls into, always the same one.

The part is decided by a hash of the row's content and the seed: :mod:`row_keys` says why.
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
from mlsql.stages.algorithms.tools.outcomes import save_at
from mlsql.stages.algorithms.tools.row_keys import unused_names, with_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

SPLIT = "__split__"
_DEFAULT_LABEL = "label"


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

    def transform(self, call: Call[SamplerOptions], run: Run, /) -> DataFrame:
        """All rows and columns, and ``__split__``; starts no Spark job.

        Without a name for them, as old scripts have it, they are saved at the path.
        """
        marked = self._marked(call)
        return marked if call.is_named else save_at(run, call.path, marked, SPLIT)

    def _marked(self, call: Call[SamplerOptions]) -> DataFrame:
        label = _label(call.options, call.frame)
        columns = [*map(quoted, call.frame.columns), SPLIT]
        if SPLIT in map(str.casefold, call.frame.columns):
            raise DataError(
                f"the table has a column '{SPLIT}' already",
                hint=f"leave it out before: select * except ({SPLIT}) …",
            )
        # The shares are hashed too: a part that is split again must not fall into one part whole.
        keyed, keys = with_keys(call.frame, f"{call.options.seed} {call.options.rates}")
        if call.options.exact and label is not None:
            return _split_exactly(keyed, label, keys, call.options.rates).select(columns)
        return keyed.withColumn(SPLIT, _expected_part(keys[0], call.options.rates)).select(columns)


def _label(options: SamplerOptions, frame: DataFrame) -> str | None:
    label = options.label or (_DEFAULT_LABEL if options.exact else None)
    if label is not None and label.casefold() not in map(str.casefold, frame.columns):
        raise MissingColumn(label, frame.columns, option="labelCol")
    return label


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

    rank, size = unused_names(keyed, 2)
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
    parts, names = range(len(rates)), unused_names(frame, 3 * len(rates))
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
