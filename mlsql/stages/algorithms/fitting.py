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
* :class:`StoringOptions` is a base for the options of such an algorithm.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlsql.bridge.request import Candidate, Columns, TrainingReport
from mlsql.bridge.trainer import Traits
from mlsql.errors import MissingModel, MlsqlError, RunError
from mlsql.events import Log, Metric, Progress
from mlsql.models.manifest import CandidateRecord, DataRecord, ModelRef, ModelStore, Status, StoredModel
from mlsql.models.summaries import ClassDetail
from mlsql.options import BOOLEAN, option
from mlsql.session import Run
from mlsql.spans import Span
from mlsql.spark.errors import spark_errors, sql_error
from mlsql.stages.algorithms.report import (
    check_success,
    manifest,
    noted,
    result_pairs,
    result_table,
    shown,
)
from mlsql.stages.algorithms.tracking import track

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoringOptions:
    """What every statement may say of the versions that it makes."""

    fail_on_error: bool = option(
        "failOnError", BOOLEAN, "Whether one failed model fails the statement.", default=False
    )
    keep_version: bool = option(
        "keepVersion", BOOLEAN, "Whether older versions at the path are kept.", default=True
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good a fitted model is on a table, and of a classifier how good on each class."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    detail: ClassDetail | None = None


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
        outcomes = _Fits(training, fits, draft.directory / "model", run).outcomes()
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


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a candidate went, and the model when it went well."""

    record: CandidateRecord
    fitted: FittedInSpark | None = None


@dataclass(frozen=True, slots=True)
class _Fits:
    """The fits of one training, some at a time."""

    training: Training
    fits: FitsInSpark
    folder: Path
    run: Run

    def outcomes(self) -> list[_Outcome]:
        """How each candidate went, in their order; raises when the run is stopped."""
        from pyspark import inheritable_thread_target

        candidates = self.training.candidates
        inherit: Callable[..., Callable[[Candidate], _Outcome]] = inheritable_thread_target(self.run.spark)
        attempt = inherit(self._attempt)  # the Spark job group of this thread
        size = min(self.run.settings.train.parallelism, len(candidates))
        with ThreadPoolExecutor(size, thread_name_prefix="mlsql-fit") as pool:
            futures = [pool.submit(attempt, each) for each in candidates]
            try:
                while wait_for(futures, _POLL_SECONDS, FIRST_EXCEPTION).not_done:
                    self.run.stop.check()
                    self._raise_first([each for each in futures if each.done()])
                return [each.result() for each in futures]
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _raise_first(done: list[Any]) -> None:
        for each in done:
            each.result()

    def _attempt(self, candidate: Candidate) -> _Outcome:
        self.run.stop.check()
        start, began = datetime.now(UTC), time.monotonic()
        what = f"candidate {candidate.index}"
        try:
            with time_limit(self.run):
                self.run.emit(Progress(what, "fitting"))
                fitted = self.fits.fit(self.training.frame, candidate.params, self.run)
                judgement = self._judgement(fitted, what)
                self.run.emit(Progress(what, "storing"))
                self._save(fitted, candidate)
        except Exception as error:
            self.run.stop.check()  # a Spark job that is cancelled fails in many ways
            _logger.info("candidate %d failed", candidate.index, exc_info=error)
            message = told(error, self.run)
            self.run.emit(Log(f"failed: {message}", "warning", candidate.index))
            return _Outcome(self._record(candidate, start, began, "fail", message))
        for name, value in judgement.metrics.items():
            self.run.emit(Metric(candidate.index, name, value))
        self.run.emit(Progress(what, "done", 1.0))
        return _Outcome(self._record(candidate, start, began, "success", judgement=judgement), fitted)

    def _judgement(self, fitted: FittedInSpark, what: str) -> Judgement:
        if self.training.evaluation is None:
            return Judgement(fitted.traits.measured)
        self.run.emit(Progress(what, "judging"))
        judged = fitted.judge(self.training.evaluation, self.run)
        return dataclasses.replace(judged, metrics={**fitted.traits.measured, **judged.metrics})

    def _save(self, fitted: FittedInSpark, candidate: Candidate) -> None:
        folder = self.folder / str(candidate.index)
        folder.mkdir(parents=True)
        try:
            fitted.save(folder, self.run)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _record(
        self,
        candidate: Candidate,
        start: datetime,
        began: float,
        status: Status,
        message: str = "",
        judgement: Judgement | None = None,
    ) -> CandidateRecord:
        seconds = time.monotonic() - began
        data, judged = self.training.data, judgement or Judgement()
        return CandidateRecord(
            index=candidate.index,
            algorithm=candidate.params.get("alg", self.training.algorithm),
            params=candidate.shown,
            status=status,
            message=message,
            metrics=judged.metrics,
            detail=judged.detail,
            started=start.isoformat(timespec="milliseconds"),
            ended=(start + timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
            seconds=round(seconds, 3),
            rows=data.rows - data.left_out,
        )


@contextmanager
def time_limit(run: Run) -> Iterator[None]:
    """A block whose Spark jobs end, so that it fails, when it takes longer than a training may."""
    seconds = run.settings.train.timeout
    if seconds is None:
        yield
        return
    context, tag, is_over = run.spark.sparkContext, f"mlsql-fit-{uuid.uuid4().hex}", threading.Event()

    def end() -> None:
        is_over.set()
        context.cancelJobsWithTag(tag)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    context.addJobTag(tag)
    timer.start()
    try:
        yield
    except spark_errors() as error:
        if is_over.is_set():
            raise RunError(f"the fit did not end within its {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
        context.removeJobTag(tag)


def told(error: Exception, run: Run) -> str:
    """What happened, in one sentence."""
    if isinstance(error, spark_errors()):
        error = sql_error(error, {}, run.spark)
    return error.message if isinstance(error, MlsqlError) else f"{type(error).__name__}: {error}"


def _report(training: Training, outcomes: list[_Outcome]) -> TrainingReport:
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
