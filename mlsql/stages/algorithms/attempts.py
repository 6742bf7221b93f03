"""The fits of one training, some at a time: each is timed, judged, stored or not, and becomes a record."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.request import Candidate
from mlsql.errors import MlsqlError, RunError
from mlsql.events import Log, Metric, Progress
from mlsql.models.manifest import CandidateRecord, Status
from mlsql.session import Run
from mlsql.spark.errors import spark_errors, sql_error
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.selecting import FoldedRows

if TYPE_CHECKING:
    from mlsql.stages.algorithms.fitting import FitsInSpark, FittedInSpark, Training

_logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a candidate went, and the model when it went well."""

    record: CandidateRecord
    fitted: FittedInSpark | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """A fit for each candidate."""

    training: Training
    fits: FitsInSpark
    folder: Path | None
    """Where models are stored; None: candidates are judged only."""
    run: Run
    folds: FoldedRows | None = None
    deadline: float | None = None
    """When judging has to end, by the monotonic clock."""

    def outcomes(self) -> list[Outcome]:
        """How each candidate went, in their order; raises when the run is stopped."""
        from pyspark import inheritable_thread_target

        candidates = self.training.candidates
        inherit: Callable[..., Callable[[Candidate], Outcome]] = inheritable_thread_target(self.run.spark)
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

    def _attempt(self, candidate: Candidate) -> Outcome:
        self.run.stop.check()
        start, began = datetime.now(UTC), time.monotonic()
        what = f"candidate {candidate.index}"
        if self._is_late:
            record = self._record(candidate, start, began, "skipped", "not begun: the budget was spent")
            return Outcome(record)
        try:
            with _time_limit(self.run, self._seconds):
                self.run.emit(Progress(what, "fitting"))
                fitted, judgement = self._fitted(candidate, what)
        except Exception as error:  # noqa: BLE001 — it is the candidate's message
            self.run.stop.check()  # a Spark job that is cancelled fails in many ways
            return Outcome(self._failed(candidate, start, began, error))
        for name, value in judgement.metrics.items():
            self.run.emit(Metric(candidate.index, name, value))
        self.run.emit(Progress(what, "done", 1.0))
        status: Status = "judged" if self.folder is None else "success"
        return Outcome(self._record(candidate, start, began, status, judgement.spread, judgement), fitted)

    def _fitted(self, candidate: Candidate, what: str) -> tuple[FittedInSpark | None, Judgement]:
        """The model and how good it is; after cross-validation there is none of all rows."""
        params, run = candidate.params, self.run
        if self.folds is not None:
            return None, self.folds.cross_validate(
                lambda training, held_out: self.fits.fit(training, params, run).judge(held_out, run)
            )
        fitted = self.fits.fit(self.training.frame, params, run)
        judgement = self._judgement(fitted, what)
        if self.folder is None:
            return None, judgement
        self.run.emit(Progress(what, "storing"))
        self._save(fitted, self.folder / str(candidate.index))
        return fitted, judgement

    def _failed(
        self, candidate: Candidate, start: datetime, began: float, error: Exception
    ) -> CandidateRecord:
        if self._is_late:
            seconds = time.monotonic() - began
            message = f"cut off after {seconds:.1f} s: the budget was spent"
            return self._record(candidate, start, began, "skipped", message)
        _logger.info("candidate %d failed", candidate.index, exc_info=error)
        message = _told(error, self.run)
        self.run.emit(Log(f"failed: {message}", "warning", candidate.index))
        return self._record(candidate, start, began, "fail", message)

    @property
    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def _seconds(self) -> float | None:
        """How long a candidate may take that begins now."""
        left = None if self.deadline is None else self.deadline - time.monotonic()
        limits = [each for each in (self.run.settings.train.timeout, left) if each is not None]
        return min(limits, default=None)

    def _judgement(self, fitted: FittedInSpark, what: str) -> Judgement:
        if self.training.evaluation is None:
            return Judgement(fitted.traits.measured)
        self.run.emit(Progress(what, "judging"))
        judged = fitted.judge(self.training.evaluation, self.run)
        return dataclasses.replace(judged, metrics={**fitted.traits.measured, **judged.metrics})

    def _save(self, fitted: FittedInSpark, folder: Path) -> None:
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
            deviations=judged.deviations,
            detail=judged.detail,
            started=start.isoformat(timespec="milliseconds"),
            ended=(start + timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
            seconds=round(seconds, 3),
            rows=data.rows - data.left_out,
        )


@contextmanager
def _time_limit(run: Run, seconds: float | None) -> Iterator[None]:
    """A block whose Spark jobs end, so that it fails, when it takes longer than so many seconds."""
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


def _told(error: Exception, run: Run) -> str:
    """What happened, in one sentence."""
    if isinstance(error, spark_errors()):
        error = sql_error(error, {}, run.spark)
    return error.message if isinstance(error, MlsqlError) else f"{type(error).__name__}: {error}"
