"""The workers of one training: some at a time, each taking candidate after candidate, ended with the crew."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from mlsql import events
from mlsql.bridge.control import (
    Channel,
    ChannelClosed,
    Done,
    Door,
    Failed,
    Judged,
    Logged,
    Measured,
    Progressed,
    Reading,
    Report,
    Started,
    Work,
)
from mlsql.bridge.errors import WorkerError
from mlsql.bridge.launcher import GRACE_SECONDS, Launcher, Worker
from mlsql.bridge.request import Candidate, TrainingRequest
from mlsql.bridge.staff import POLL_SECONDS, Colleague, Staff
from mlsql.bridge.worker import Job
from mlsql.errors import Cancelled, RunError, RunStopped
from mlsql.models import CandidateRecord, Status
from mlsql.stop import Stop

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one candidate went, and what its worker told of the model when it went well."""

    record: CandidateRecord
    done: Done | None = None


class _BudgetSpent(Exception):
    """The time for judging candidates is over."""


@dataclass(slots=True)
class Crew:
    """As a context manager: workers start at once, so that they are ready when :meth:`give` has the data.

    With a selection in the *request* candidates are judged, else they are fitted and stored.
    """

    request: TrainingRequest
    trainer: str
    """The trainer's class, as ``package.module:Class``."""
    launcher: Launcher
    emit: events.Sink
    stop: Stop
    given: Future[Work] = field(default_factory=Future)
    feed: str = ""
    deadline: float | None = None
    """When the budget for judging ends, on the monotonic clock; known when the data is there."""
    _left: Event = field(default_factory=Event)
    _outcomes: list[Future[Outcome]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(init=False)
    staff: Staff = field(init=False)

    @property
    def size(self) -> int:
        """How many workers run at once."""
        return max(1, min(self.request.parallelism, len(self.request.candidates)))

    def __enter__(self) -> Self:
        self.staff = Staff(self.launcher, self.size)
        self._pool = ThreadPoolExecutor(self.size, thread_name_prefix="mlsql-worker")
        shifts = [_Shift(self, candidate) for candidate in self.request.candidates]
        self._outcomes = [self._pool.submit(shift.outcome) for shift in shifts]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.staff.dismiss()

    def give(self, work: Work, *, feed: str = "") -> None:
        """Tell the workers that the data is there; *feed* is how fast it came, for the records."""
        self.feed = feed
        selection = self.request.selection
        if selection is not None and selection.budget is not None:
            self.deadline = time.monotonic() + selection.budget
        self.given.set_result(work)

    def outcomes(self) -> list[Outcome]:
        """How each candidate went, in their order; raises when the run is stopped."""
        while wait_for(self._outcomes, timeout=POLL_SECONDS).not_done:
            self.check()
        return [outcome.result() for outcome in self._outcomes]

    def check(self) -> None:
        """Raise when the run must end or the crew has been left."""
        self.stop.check()
        if self._left.is_set():
            raise Cancelled


@dataclass(slots=True)
class _Shift:
    """A worker's time with one candidate, in a thread of its own."""

    crew: Crew
    candidate: Candidate
    reading: Reading | None = None
    began: float | None = None
    """When the worker was given the candidate and its data."""

    def outcome(self) -> Outcome:
        """How the candidate went; whatever its worker suffered is told, not raised."""
        start = datetime.now(UTC)
        try:
            report = self._work()
        except RunStopped:
            self._discard()
            raise
        except (_BudgetSpent, RunError) as error:
            self._discard()
            status: Status = "fail" if isinstance(error, RunError) else "skipped"
            self._tell(Progressed("failed" if status == "fail" else status, 1.0))
            message = error.message if isinstance(error, RunError) else self._cut_off()
            return Outcome(self._record(start, status, message))
        self._tell(Progressed("done", 1.0))
        if isinstance(report, Done):
            return Outcome(self._record(start, "success", self._summary(), report), report)
        return Outcome(self._record(start, "judged", self._summary() + _spread(report), report))

    def _work(self) -> Done | Judged:
        self._check_budget()
        self._tell(Progressed("starting"))
        with self.crew.staff.colleague(self._job, self._watch) as colleague:
            try:
                return self._converse(colleague)
            finally:
                self._tell_lines(colleague.worker)

    def _job(self, door: Door) -> Job:
        return Job(
            address=door.address,
            token=door.token,
            trainer=self.crew.trainer,
            params=dict(self.candidate.params),
            columns=self.crew.request.columns,
            stores=self.crew.request.selection is None,
            equipment=self.crew.request.equipment,
        )

    def _watch(self, worker: Worker) -> None:
        self._tell_lines(worker)
        self._check_time()

    def _converse(self, colleague: Colleague) -> Done | Judged:
        while True:
            try:
                self._give(colleague.channel)
                report = colleague.channel.receive(POLL_SECONDS)
            except ChannelClosed as error:
                raise WorkerError(f"the worker {colleague.worker.ended(GRACE_SECONDS) or 'left'}") from error
            if isinstance(report, Done | Judged):
                return report
            self._tell(report)
            self._watch(colleague.worker)

    def _give(self, channel: Channel) -> None:
        """Hand the candidate over once the data is there."""
        if self.began is not None or not self.crew.given.done():
            return
        self.began = time.monotonic()
        selection = self.crew.request.selection
        work = dataclasses.replace(
            self.crew.given.result(),
            params=dict(self.candidate.params),
            folds=None if selection is None else selection.folds,
            initial=None if (initial := self.crew.request.initial) is None else str(initial),
            output=str(self._folder) if selection is None else None,
        )
        channel.send(work)

    def _check_time(self) -> None:
        self.crew.check()
        self._check_budget()
        timeout = self.crew.request.timeout
        if timeout is not None and self.began is not None and time.monotonic() - self.began > timeout:
            raise WorkerError(f"the worker did not end within its {timeout:g} s")

    def _check_budget(self) -> None:
        if self.crew.deadline is not None and time.monotonic() > self.crew.deadline:
            raise _BudgetSpent

    def _cut_off(self) -> str:
        """What the budget did to the candidate."""
        if self.began is None:
            return "not begun: the budget was spent"
        return f"cut off after {time.monotonic() - self.began:.1f} s: the budget was spent"

    def _tell(self, report: Report | None) -> None:
        emit, index = self.crew.emit, self.candidate.index
        match report:
            case Started(seconds):
                _log.debug("worker of candidate %d was ready after %.1f s", index, seconds)
                emit(events.Progress(f"candidate {index}", "ready"))
            case Reading():
                self.reading = report
                if self.crew.request.selection is None:  # of trials there are many
                    emit(events.Log(self._summary(), candidate=index))
            case Progressed(doing, share):
                emit(events.Progress(f"candidate {index}", doing, share))
            case Logged(message, level):
                emit(events.Log(message, level, index))
            case Measured(name, value):
                emit(events.Metric(index, name, value))
            case Failed(kind, message, traceback):
                _log.info("candidate %d failed\n%s", index, traceback)
                raise WorkerError(f"{kind}: {message}" if kind else message)

    def _tell_lines(self, worker: Worker) -> None:
        for line in filter(str.strip, worker.new_lines()):
            self.crew.emit(events.Log(line, candidate=self.candidate.index))

    def _summary(self) -> str:
        if self.reading is None:
            return ""
        fed = f", fed at {self.crew.feed}" if self.crew.feed else ""
        return f"{self.reading.rows:,} rows{fed}, after a wait of {self.reading.waited:.1f} s"

    def _record(
        self, start: datetime, status: Status, message: str, report: Done | Judged | None = None
    ) -> CandidateRecord:
        end = datetime.now(UTC)
        seconds = time.monotonic() - self.began if self.began else (end - start).total_seconds()
        return CandidateRecord(
            index=self.candidate.index,
            algorithm=self.candidate.params.get("alg", self.crew.request.trainer),
            params=self.candidate.params,
            status=status,
            message=message,
            metrics={} if report is None else report.metrics,
            deviations=report.deviations if isinstance(report, Judged) else {},
            started=(end - timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
            ended=end.isoformat(timespec="milliseconds"),
            seconds=round(seconds, 3),
            rows=self.reading.rows if self.reading else 0,
        )

    @property
    def _folder(self) -> Path:
        return self.crew.request.output / str(self.candidate.index)

    def _discard(self) -> None:
        """Remove what is stored in part."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _spread(report: Judged) -> str:
    """How much the metrics differ between folds, for the record's message."""
    told = ", ".join(f"{name} ± {deviation:.4f}" for name, deviation in report.deviations.items())
    return f"; over the folds {told}" if told else ""
