"""What all algorithms share that Spark fits from the driver: from candidates to a stored version.

An algorithm gives a :class:`Training` (what is learnt from, which candidates, where to store) and an
object with :class:`FitsInSpark`; :func:`fit_and_store` does the rest and returns a :class:`Fitting`::

    data = examine(frame, {"text": "inputCol"}, skips_nulls=…)         # training_data.py: one aggregate
    training = Training(algorithm="TfIdf", path=…, span=call.span, frame=data.frame, data=data.record,
                        columns=Columns("features", (Column("text", "string"),)))
    fitting = fit_and_store(training, fits, run, store)                # fits, judges, saves, commits
    return fitting.result(run)                                         # the table of train, a row a candidate
    # or fitting.fitted[0].model.transform(frame), for steps whose train gives the transformed table

* Candidates are fitted in threads that inherit the Spark job group of the run, at most
  ``settings.train.parallelism`` at once; a stop ends them and is raised, ``settings.train.timeout`` ends one.
* One that fails is a row with its message; all failed, or any with ``fail_on_error``, is an error and
  nothing is stored.
* ``FittedInSpark.save`` is given an empty folder, in which it makes an MLflow model; ``spark_models.py``
  writes one of a Spark ML model, with the plain form beside it.
* With a ``selection`` every candidate is judged first, on folds of the rows or on the evaluation table;
  the best is fitted again on all rows and stored, alone.
* ``tuning.StoringOptions`` is a base for the options of such an algorithm.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlsql.bridge.request import Candidate, Columns, Selection, TrainingReport
from mlsql.bridge.trainer import Traits
from mlsql.errors import MissingModel
from mlsql.models.manifest import DataRecord, ModelRef, ModelStore, StoredModel
from mlsql.session import Run
from mlsql.spans import Span
from mlsql.stages.algorithms.attempts import Attempts, Outcome
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.report import (
    check_success,
    manifest,
    noted,
    result_pairs,
    result_table,
    shown,
)
from mlsql.stages.algorithms.selecting import FoldedRows, best_judged, fitted_again, in_folds
from mlsql.stages.algorithms.tracking import track

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class FittedInSpark(Protocol):
    """A model that Spark has fitted, before it is stored."""

    @property
    def traits(self) -> Traits:
        """What it is."""
        ...

    def judge(self, frame: DataFrame, run: Run, /) -> Judgement:
        """How good it is on *frame*, which looks as the training table does."""
        ...

    def save(self, directory: Path, run: Run, /) -> None:
        """Store it in *directory*, which is there and empty, as an MLflow model that loads without us."""
        ...


class FitsInSpark(Protocol):
    """Fits one candidate."""

    def fit(self, frame: DataFrame, params: Mapping[str, str], run: Run, /) -> FittedInSpark:
        """The model of *params*; whatever it raises becomes the candidate's message."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What is fitted on what, and where it is stored."""

    algorithm: str
    """Who has trained it, for the manifest; a candidate's own ``alg`` is its row's."""
    path: str
    """Where the model lies; the policy has judged it."""
    span: Span
    """The statement."""
    frame: DataFrame
    """The rows to learn from, as :func:`training_data.examine` leaves them."""
    columns: Columns
    data: DataRecord
    candidates: tuple[Candidate, ...] = (Candidate(0, {}),)
    evaluation: DataFrame | None = None
    evaluation_data: DataRecord | None = None
    fail_on_error: bool = False
    keep_version: bool = True
    selection: Selection | None = None
    """How the best is chosen, which names its metric; None: every candidate is stored."""
    stratified_by: str | None = None
    """A column whose values the folds of the selection share out evenly."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A version that is stored, and its fitted models by their numbers, for whoever goes on with them."""

    stored: StoredModel
    fitted: Mapping[int, FittedInSpark]

    def result(self, run: Run) -> DataFrame:
        """A row a candidate: what ``train`` gives."""
        report = result_pairs if run.scope.dialect.report_in_pairs else result_table
        return report(run.spark, self.stored)


def fit_and_store(training: Training, fits: FitsInSpark, run: Run, store: ModelStore) -> Fitting:
    """Fit every candidate, judge it where there is a table for that, and store those that succeeded."""
    with store.begin(training.path) as draft:
        outcomes = _outcomes(training, fits, draft.directory / "model", run)
        report = _report(training, outcomes)
        check_success(report, all_of_them=training.fail_on_error)
        stored = draft.commit(manifest(training.algorithm, training.columns, report, training.span, run))
    if not training.keep_version:
        delete_before(stored.ref, store)
    stored = noted(stored, track(stored, run.settings.models.tracking_uri, run.emit))
    run.emit(shown(stored))
    fitted = {one.record.index: one.fitted for one in outcomes if one.fitted is not None}
    return Fitting(stored, fitted)


def delete_before(newest: ModelRef, store: ModelStore) -> None:
    """Remove the versions that are older than *newest*."""
    for version in store.versions(newest.path):
        if version < newest.version:
            with suppress(MissingModel):  # another train that keeps none was first
                store.delete(ModelRef(newest.path, version))


def _outcomes(training: Training, fits: FitsInSpark, folder: Path, run: Run) -> list[Outcome]:
    """How each candidate went; with a selection the best one twice, of which it has one record."""
    selection = training.selection
    if selection is None:
        return Attempts(training, fits, folder, run).outcomes()
    assert selection.metric is not None
    deadline = None if selection.budget is None else time.monotonic() + selection.budget
    with _folded(training) as folds:
        outcomes = Attempts(training, fits, None, run, folds, deadline).outcomes()
    best = best_judged([each.record for each in outcomes], selection.metric)
    if best is None:
        return outcomes
    only = tuple(each for each in training.candidates if each.index == best.index)
    alone = dataclasses.replace(training, candidates=only, evaluation=None)
    (again,) = Attempts(alone, fits, folder, run).outcomes()
    stored = Outcome(fitted_again(best, again.record, selection.metric), again.fitted)
    return [stored if each.record.index == best.index else each for each in outcomes]


def _folded(training: Training) -> AbstractContextManager[FoldedRows | None]:
    selection = training.selection
    if selection is None or selection.folds is None:
        return nullcontext()
    return in_folds(training.frame, selection.folds, training.stratified_by)


def _report(training: Training, outcomes: list[Outcome]) -> TrainingReport:
    report = TrainingReport(
        candidates=tuple(each.record for each in outcomes),
        data=training.data,
        evaluation=training.evaluation_data,
    )
    traits = next((each.fitted.traits for each in outcomes if each.fitted is not None), None)
    if traits is None:
        return report
    return dataclasses.replace(
        report,
        kind=traits.kind,
        classes=traits.classes,
        features=traits.features,
        answer=traits.answer,
        libraries=traits.libraries,
    )
