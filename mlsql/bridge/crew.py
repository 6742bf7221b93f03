"""The workers of one training: one a candidate, some at a time, all ended when the crew is."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Literal, Self

from mlsql import events
from mlsql.bridge.control import (
    Channel,
    ChannelClosed,
    Done,
    Door,
    Failed,
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
from mlsql.bridge.worker import Job
from mlsql.errors import Cancelled, RunError, RunStopped
from mlsql.models import CandidateRecord
from mlsql.stop import Stop

START_SECONDS = 120.0
"""How long a worker may take to come to its door."""
POLL_SECONDS = 0.1
"""How soon a stop, a death or a line of a worker's output is noticed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one candidate went, and what its worker told of the model when it went well."""

    record: CandidateRecord
    done: Done | None = None


@dataclass(slots=True)
class Crew:
    """As a context manager: workers start at once, so that they are ready when :meth:`give` has the data."""

    request: TrainingRequest
    trainer: str
    """The trainer's class, as ``package.module:Class``."""
    launcher: Launcher
    emit: events.Sink
    stop: Stop
    given: Future[Work] = field(default_factory=Future)
    feed: str = ""
    _left: Event = field(default_factory=Event)
    _outcomes: list[Future[Outcome]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(init=False)

    @property
    def size(self) -> int:
        """How many workers run at once."""
        return max(1, min(self.request.parallelism, len(self.request.candidates)))

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.size, thread_name_prefix="mlsql-worker")
        shifts = [_Shift(self, candidate) for candidate in self.request.candidates]
        self._outcomes = [self._pool.submit(shift.outcome) for shift in shifts]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def give(self, work: Work, *, feed: str = "") -> None:
        """Tell the workers that the data is there; *feed* is how fast it came, for the records."""
        self.feed = feed
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
    """One worker, from its start to its end, in a thread of its own."""

    crew: Crew
    candidate: Candidate
    reading: Reading | None = None
    began: float | None = None
    """When the worker was told that the data is there."""

    def outcome(self) -> Outcome:
        """How the candidate went; whatever its worker suffered is told, not raised."""
        start = datetime.now(UTC)
        try:
            done = self._work()
        except RunStopped:
            self._discard()
            raise
        except RunError as error:
            self._discard()
            self._tell(Progressed("failed", 1.0))
            return Outcome(self._record(start, "fail", error.message))
        self._tell(Progressed("done", 1.0))
        return Outcome(self._record(start, "success", self._summary(), done.metrics), done)

    def _work(self) -> Done:
        self._tell(Progressed("starting"))
        with Door() as door, self.crew.launcher.launch(self._job(door), beside=self.crew.size) as worker:
            try:
                with self._admit(door, worker) as channel:
                    done = self._converse(channel, worker)
                worker.ended(GRACE_SECONDS)
                return done
            finally:
                self._tell_lines(worker)

    def _job(self, door: Door) -> Job:
        return Job(
            address=door.address,
            token=door.token,
            trainer=self.crew.trainer,
            params=dict(self.candidate.params),
            columns=self.crew.request.columns,
            output=str(self._folder),
        )

    def _admit(self, door: Door, worker: Worker) -> Channel:
        deadline = time.monotonic() + START_SECONDS
        while (channel := door.admit(POLL_SECONDS)) is None:
            self.crew.check()
            if ended := worker.ended():
                raise WorkerError(f"the worker {ended}")
            if time.monotonic() > deadline:
                raise WorkerError(f"the worker did not start within {START_SECONDS:g} s", retriable=True)
        return channel

    def _converse(self, channel: Channel, worker: Worker) -> Done:
        while True:
            try:
                self._give(channel)
                report = channel.receive(POLL_SECONDS)
            except ChannelClosed as error:
                raise WorkerError(f"the worker {worker.ended(GRACE_SECONDS) or 'left'}") from error
            if isinstance(report, Done):
                return report
            self._tell(report)
            self._tell_lines(worker)
            self._check_time()

    def _give(self, channel: Channel) -> None:
        if self.began is None and self.crew.given.done():
            self.began = time.monotonic()
            channel.send(self.crew.given.result())

    def _check_time(self) -> None:
        self.crew.check()
        timeout = self.crew.request.timeout
        if timeout is not None and self.began is not None and time.monotonic() - self.began > timeout:
            raise WorkerError(f"the worker did not end within its {timeout:g} s")

    def _tell(self, report: Report | None) -> None:
        emit, index = self.crew.emit, self.candidate.index
        match report:
            case Started(seconds):
                _log.debug("worker of candidate %d was ready after %.1f s", index, seconds)
                emit(events.Progress(f"candidate {index}", "ready"))
            case Reading():
                self.reading = report
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
        self,
        start: datetime,
        status: Literal["success", "fail"],
        message: str,
        metrics: Mapping[str, float] | None = None,
    ) -> CandidateRecord:
        end = datetime.now(UTC)
        seconds = time.monotonic() - self.began if self.began else (end - start).total_seconds()
        return CandidateRecord(
            index=self.candidate.index,
            algorithm=self.candidate.params.get("alg", self.crew.request.trainer),
            params=self.candidate.params,
            status=status,
            message=message,
            metrics=metrics or {},
            started=(end - timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
            ended=end.isoformat(timespec="milliseconds"),
            seconds=round(seconds, 3),
            rows=self.reading.rows if self.reading else 0,
        )

    @property
    def _folder(self) -> Path:
        return self.crew.request.output / str(self.candidate.index)

    def _discard(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
