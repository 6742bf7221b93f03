"""A worker's time with one candidate: the work is handed over, and what it says is heard to the end."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql import events
from mlsql.bridge.arrivals import feed
from mlsql.bridge.control import Channel, ChannelClosed, Door
from mlsql.bridge.errors import DataFault, WorkerError
from mlsql.bridge.feeder import Fetched
from mlsql.bridge.launcher import GRACE_SECONDS, Worker
from mlsql.bridge.parcels import Parcels, send_parcel
from mlsql.bridge.reports import (
    Arrived,
    Done,
    Failed,
    Judged,
    Logged,
    Measured,
    Packed,
    Piece,
    Progressed,
    Reading,
    Refused,
    Report,
    Started,
    Work,
)
from mlsql.bridge.request import Candidate
from mlsql.bridge.staff import POLL_SECONDS, Colleague
from mlsql.bridge.worker import Job
from mlsql.errors import RunError, RunStopped
from mlsql.models.manifest import CandidateRecord, Status

if TYPE_CHECKING:
    from mlsql.bridge.crew import Crew

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one candidate went, and what its worker told of the model when it went well."""

    record: CandidateRecord
    done: Done | None = None


class BudgetSpent(Exception):
    """The time for judging candidates is over."""


@dataclass(slots=True)
class Shift:
    """A worker's time with one candidate, in a thread of its own."""

    crew: Crew
    candidate: Candidate
    reading: Reading | None = None
    began: float | None = None
    """When the worker was given the candidate and its data."""
    _parcels: Parcels = field(init=False)

    def __post_init__(self) -> None:
        self._parcels = Parcels(lambda _: self._folder)

    def outcome(self) -> Outcome:
        """How the candidate went; whatever its worker suffered is told, not raised."""
        start = datetime.now(UTC)
        try:
            report = self._work()
        except RunStopped:
            self._discard()
            raise
        except (BudgetSpent, RunError) as error:
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
                self._parcels.close()
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
            depot=None if self.crew.launcher.site.is_local else self.crew.request.job,
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
            self._hear(report)
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
        channel.send(work if self.crew.launcher.site.is_local else _with_parcels(work, channel))

    def _check_time(self) -> None:
        self.crew.check()
        self._check_budget()
        timeout = self.crew.request.timeout
        if timeout is not None and self.began is not None and time.monotonic() - self.began > timeout:
            raise WorkerError(f"the worker did not end within its {timeout:g} s")

    def _check_budget(self) -> None:
        if self.crew.deadline is not None and time.monotonic() > self.crew.deadline:
            raise BudgetSpent

    def _cut_off(self) -> str:
        """What the budget did to the candidate."""
        if self.began is None:
            return "not begun: the budget was spent"
        return f"cut off after {time.monotonic() - self.began:.1f} s: the budget was spent"

    def _hear(self, report: Report | None) -> None:
        match report:
            case Piece() | Packed():
                self._parcels.take(report)
            case Arrived(machine, table, facts):
                self.began = time.monotonic()  # the wait for the data does not count as training
                self.crew.arrivals.add(table, Fetched.from_dict(facts), machine)
            case Refused(message, option, hint):
                raise DataFault(message, option=option, hint=hint)
            case Failed(kind, message, traceback):
                _log.info("candidate %d failed\n%s", self.candidate.index, traceback)
                raise WorkerError(f"{kind}: {message}" if kind else message)
            case _:
                self._tell(report)

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

    def _tell_lines(self, worker: Worker) -> None:
        for line in filter(str.strip, worker.new_lines()):
            self.crew.emit(events.Log(line, candidate=self.candidate.index))

    def _summary(self) -> str:
        if self.reading is None:
            return ""
        work = self.crew.given.result()
        fetched = self.crew.arrivals.of("evaluate" if work.training is None else "train")
        fed = "" if fetched is None else f", fed at {feed(fetched)}"
        return f"{self.reading.rows:,} rows{fed}, after a wait of {self.reading.waited:.1f} s"

    def _record(
        self, start: datetime, status: Status, message: str, report: Done | Judged | None = None
    ) -> CandidateRecord:
        end = datetime.now(UTC)
        seconds = time.monotonic() - self.began if self.began else (end - start).total_seconds()
        return CandidateRecord(
            index=self.candidate.index,
            algorithm=self.candidate.params.get("alg", self.crew.request.trainer),
            params=self.candidate.shown,
            status=status,
            message=message,
            metrics={} if report is None else report.metrics,
            deviations=report.deviations if isinstance(report, Judged) else {},
            detail=None if report is None else report.detail,
            started=(end - timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
            ended=end.isoformat(timespec="milliseconds"),
            seconds=round(seconds, 3),
            rows=self.reading.rows if self.reading else 0,
            forms=report.forms if isinstance(report, Done) else (),
        )

    @property
    def _folder(self) -> Path:
        return self.crew.request.output / str(self.candidate.index)

    def _discard(self) -> None:
        """Remove what is stored in part."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _with_parcels(work: Work, channel: Channel) -> Work:
    """The same work for a worker that does not see our files: stored models are sent ahead of it."""
    for name, folder in (("model", work.model), ("initial", work.initial)):
        if folder is not None:
            send_parcel(channel.send, name, Path(folder))
    return dataclasses.replace(
        work,
        model=work.model and "model",
        initial=work.initial and "initial",
        output=work.output and "output",
    )


def _spread(report: Judged) -> str:
    """How much the metrics differ between folds, for the record's message."""
    told = ", ".join(f"{name} ± {deviation:.4f}" for name, deviation in report.deviations.items())
    return f"; over the folds {told}" if told else ""
