"""The best of several candidates that Spark fits: judged on folds of the rows, or chosen by its metrics.

Which fold a row is in is decided by a hash of what it holds and the seed, as in the sampler, so that a
table that is evaluated again falls into the same folds.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Folds
from mlsql.models.manifest import CandidateRecord, best_of
from mlsql.names import listed
from mlsql.session import quoted
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.tools.row_keys import with_keys
from mlsql.stages.algorithms.tuning import FOLDS, METRIC

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FOLD = "__fold"


@dataclass(frozen=True, slots=True)
class FoldedRows:
    """A table whose rows know their folds."""

    frame: DataFrame
    count: int

    def cross_validate(self, judge: Callable[[DataFrame, DataFrame], Judgement]) -> Judgement:
        """Means and deviations of the metrics that every fold has; *judge* fits on one table for another."""
        parts = ((self._where("<>", fold), self._where("=", fold)) for fold in range(self.count))
        scores = [judge(training, held_out).metrics for training, held_out in parts]
        shared = [name for name in scores[0] if all(name in score for score in scores)]
        values = {name: [score[name] for score in scores] for name in shared}
        return Judgement(
            {name: statistics.fmean(each) for name, each in values.items()},
            deviations={name: statistics.pstdev(each) for name, each in values.items()},
        )

    def _where(self, compares: str, fold: int) -> DataFrame:
        return self.frame.where(f"{_FOLD} {compares} {fold}").drop(_FOLD)


@contextmanager
def in_folds(frame: DataFrame, folds: Folds, label: str | None) -> Iterator[FoldedRows]:
    """A block with the rows of *frame* in folds; those of each value of *label* are spread evenly.

    Without a label chance spreads them. DataFault when a fold would have no row.
    """
    from pyspark import StorageLevel
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    keyed, keys = with_keys(frame, str(folds.seed))
    number = sf.col(keys[0])
    if label is not None:
        number = sf.row_number().over(Window.partitionBy(quoted(label)).orderBy(*keys))
    fold = sf.pmod(number, sf.lit(folds.count)).cast("int").alias(_FOLD)
    folded = keyed.select(*map(quoted, frame.columns), fold).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        found = folded.select(_FOLD).distinct().count()
        if found < folds.count:
            message = f"the rows of the table make {found} folds, not {folds.count}"
            raise DataFault(message, option=FOLDS, hint="ask for fewer folds, or add rows")
        yield FoldedRows(folded, folds.count)
    finally:
        folded.unpersist()


def best_judged(records: Sequence[CandidateRecord], metric: str) -> CandidateRecord | None:
    """Whom to fit on all rows; None when no candidate could be judged."""
    judged = [each for each in records if each.status == "judged"]
    if not judged:
        return None
    best = best_of(judged, metric)
    if best is None:
        computed = {name for each in judged for name in each.metrics}
        hint = f"computed were {listed(computed)}" if computed else "fit the candidates without choosing"
        raise DataFault(f"no candidate has the metric '{metric}' to be chosen by", option=METRIC, hint=hint)
    return best


def fitted_again(judged: CandidateRecord, again: CandidateRecord, metric: str) -> CandidateRecord:
    """How the best went: as it was *judged*, and then fitted *again* on all rows."""
    told = f"the best by {metric}, fitted again on all rows"
    told = told if again.status == "success" else f"{told}, which failed: {again.message}"
    return dataclasses.replace(
        judged,
        status=again.status,
        message="; ".join(filter(None, (judged.message, told))),
        ended=again.ended,
        seconds=round(judged.seconds + again.seconds, 3),
    )
