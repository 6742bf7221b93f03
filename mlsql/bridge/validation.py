"""Cross-validation in a worker: a candidate is judged on rows of its own table that were held out."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.bridge.errors import WorkerError
from mlsql.bridge.evaluation import evaluate
from mlsql.bridge.reports import Judged
from mlsql.bridge.request import Folds
from mlsql.bridge.trainer import Params, Run, Trainer
from mlsql.errors import MlsqlError
from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset, Matrix


@dataclass(frozen=True, slots=True)
class FoldRun:
    """What a trainer tells of one fold; measured is only the mean of all."""

    run: Run
    number: int
    count: int

    def progress(self, doing: str, share: float | None = None) -> None:
        """How far all folds have come together."""
        self.run.progress(f"{self}: {doing}", (self.number - 1 + (share or 0)) / self.count)

    def log(self, message: str, level: str = "info") -> None:
        """A line, with the fold before it."""
        self.run.log(f"{self}: {message}", level)

    def metric(self, name: str, value: float) -> None:
        """Nothing."""

    def __str__(self) -> str:
        return f"fold {self.number} of {self.count}"


def cross_validate(trainer: Trainer, data: Dataset, params: Params, folds: Folds, run: Run) -> Judged:
    """Means and standard deviations of the metrics that every fold has; one fold that fails fails all."""
    splits = split_rows(data, folds, trainer.kind(params))
    scores = [
        _score(trainer, data, params, split, FoldRun(run, number, folds.count))
        for number, split in enumerate(splits, 1)
    ]
    shared = [name for name in scores[0] if all(name in score for score in scores)]
    by_name = {name: [score[name] for score in scores] for name in shared}
    means = {name: statistics.fmean(values) for name, values in by_name.items()}
    for name, mean in means.items():
        run.metric(name, mean)
    return Judged(means, {name: statistics.pstdev(values) for name, values in by_name.items()})


def split_rows(data: Dataset, folds: Folds, kind: ModelKind) -> Iterator[tuple[Matrix, Matrix]]:
    """The numbers of the rows to fit on and of those held out, for each fold, shuffled by the seed.

    For a classifier every fold has about the same shares of the classes.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    splitter = StratifiedKFold if kind == "classifier" else KFold
    labels = data.labels() if kind == "classifier" else None
    folded = splitter(folds.count, shuffle=True, random_state=folds.seed)
    yield from folded.split(np.empty(data.rows), labels)


def _score(
    trainer: Trainer, data: Dataset, params: Params, split: tuple[Matrix, Matrix], run: FoldRun
) -> Mapping[str, float]:
    training, held_out = split
    run.progress("fitting")
    try:
        fitted = trainer.train(data.only(training), params, run)
        return evaluate(fitted, data.only(held_out), run)
    except MlsqlError as error:
        raise WorkerError(f"{run}: {error.message}") from error
    except Exception as error:
        raise WorkerError(f"{run}: {type(error).__name__}: {error}") from error
