"""What a job tells while it runs: kept beside its result as events and as a log, bounded, without secrets.

Each line of ``events.jsonl`` is an event with a number that only grows, so that a reader can go
on where it stopped. The first state (queued, number 1) and the end are not in the file: they are
known from the database, which is right also when the server died.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from mlsql.events import Event, Log, Metric, Progress, StatementEnded, StatementStarted, TableShown
from mlsql.jobs.states import Job, JobState
from mlsql.spans import mask_secrets

MOST_EVENTS = 10_000
MOST_BYTES = 8 * 2**20
"""How much is kept of one job's events and log; of what comes later only the states are."""

_REPORT_SECONDS = 0.5
_EVENTS, _LOG = "events.jsonl", "log.txt"

_KINDS: Mapping[type[Event], str] = {
    StatementStarted: "statement",
    StatementEnded: "statement_ended",
    Progress: "progress",
    Log: "log",
    Metric: "metric",
    TableShown: "table",
}
"""What is kept; the other events are for those who count."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One event of a job: *id* counts from 1, *kind* is ``state``, ``statement``, ``log`` and so on."""

    id: int
    kind: str
    at: float
    data: Mapping[str, Any]


def iso_time(seconds: float) -> str:
    """Seconds of the epoch in ISO 8601, with milliseconds, in UTC.

    >>> iso_time(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def read_events(folder: Path, offset: int = 0) -> tuple[list[JobEvent], int]:
    """The events of a job's *folder* behind a place in its file, and the place behind them."""
    try:
        with (folder / _EVENTS).open("rb") as file:
            file.seek(offset)
            text = file.read()
    except FileNotFoundError:
        return [], offset
    whole = text[: text.rfind(b"\n") + 1]  # a line that is being written is read next time
    return [JobEvent(**json.loads(line)) for line in whole.splitlines()], offset + len(whole)


def read_log(folder: Path, offset: int, limit: int) -> bytes:
    """At most *limit* bytes of the log of a job, from *offset* on."""
    try:
        with (folder / _LOG).open("rb") as file:
            file.seek(min(offset, file.seek(0, os.SEEK_END)))  # none goes beyond what a file can hold
            return file.read(limit)
    except FileNotFoundError:
        return b""


def beginning(job: Job) -> JobEvent:
    """The first event of every job."""
    return JobEvent(1, "state", job.submitted, {"state": JobState.QUEUED.value})


def ending(job: Job, last: int) -> JobEvent:
    """The last event of a job that has ended, behind the one with the number *last*."""
    message = job.error["message"] if job.error else None
    data = {"state": job.state.value, **({"message": message} if message else {})}
    return JobEvent(last + 1, "state", job.ended or job.submitted, data)


@dataclass(slots=True)
class EventLog:
    """Keeps what one running job tells in its *folder*; a sink that never raises into the run."""

    folder: Path
    changed: Callable[[], object] = lambda: None
    clock: Callable[[], float] = time.time
    _number: int = 1
    _size: int = 0
    _files: list[TextIO] = field(default_factory=list)
    _told: dict[str, float] = field(default_factory=dict)
    _statement: Mapping[str, Any] | None = None
    _reports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _metrics: dict[tuple[int, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, state: JobState = JobState.RUNNING) -> None:
        """Make the files, or go on in those of an earlier attempt, and tell *state*."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before, self._size = read_events(self.folder)
        self._number = before[-1].id if before else 1
        self._files = [(self.folder / name).open("a", encoding="utf-8") for name in (_EVENTS, _LOG)]
        self._files[0].truncate(self._size)  # half a line, when the server died over it
        self._keep("state", {"state": state.value}, [f"the job is {state.value}"])

    def __call__(self, event: Event) -> None:
        """Keep one event."""
        with self._lock:
            try:
                self._take(event)
            except (OSError, ValueError) as error:  # a full disk, a closed file: no reason to end the run
                log.warning("an event of the job in %s is lost: %s", self.folder.name, error)
        self.changed()

    def close(self) -> None:
        """Close the files; what is told later is lost."""
        with self._lock:
            for file in self._files:
                file.close()

    @property
    def progress(self) -> dict[str, Any]:
        """How far the job has come: its statement, what that reports, and metrics."""
        with self._lock:
            metrics = [
                {"candidate": candidate, "name": name, "value": value}
                for (candidate, name), value in self._metrics.items()
            ]
            told = {"statement": self._statement, "reports": [*self._reports.values()], "metrics": metrics}
            return {name: _masked(each) for name, each in told.items()}

    def _take(self, event: Event) -> None:
        match event:
            case StatementStarted():
                self._statement = _data_of(event)
                self._reports.clear()
                self._metrics.clear()
            case Progress():
                self._reports[event.what] = _data_of(event)
                if not self._is_due(event.what):
                    return
            case Metric():
                self._metrics[event.candidate, event.name] = event.value
        if type(event) in _KINDS:
            self._keep(_KINDS[type(event)], _data_of(event), lines_of(event))

    def _is_due(self, what: str) -> bool:
        now = self.clock()
        due = now - self._told.get(what, 0.0) >= _REPORT_SECONDS
        if due:
            self._told[what] = now
        return due

    def _keep(self, kind: str, data: Mapping[str, Any], lines: list[str]) -> None:
        """Write it to both files, unless too much is there already."""
        if kind != "state" and (self._number >= MOST_EVENTS or self._size >= MOST_BYTES):
            return
        self._number += 1
        now = self.clock()
        event = {"id": self._number, "kind": kind, "at": now, "data": _masked(data)}
        line = json.dumps(event, ensure_ascii=False, default=str)
        said = "".join(f"{iso_time(now)} {mask_secrets(each)}\n" for each in lines)
        self._size += len(line) + len(said)
        for file, text in zip(self._files, (f"{line}\n", said), strict=False):
            file.write(text)
            file.flush()


def _data_of(event: Event) -> dict[str, Any]:
    """The fields of *event*; of a place the file and the line."""
    data: dict[str, Any] = {each.name: getattr(event, each.name) for each in fields(event)}
    span = data.pop("span", None)
    return {**data, "file": span.script.name, "line": span.line} if span else data


def lines_of(event: Event) -> list[str]:
    """What a log says of *event*."""
    match event:
        case StatementStarted():
            return [f"[{event.number}/{event.total}] {event.title}"]
        case StatementEnded():
            return [f"{event.seconds:.1f} s{', ' if event.summary else ''}{event.summary}"]
        case Log():
            return event.message.splitlines()
        case Metric():
            return [f"candidate {event.candidate}: {event.name} {event.value:g}"]
        case TableShown():
            return [event.title, *(" | ".join(map(str, row)) for row in (event.columns, *event.rows))]
        case _:
            return []


def _masked(value: Any) -> Any:
    """*value* with the secrets of its texts starred out, and what JSON cannot say as null."""
    match value:
        case str():
            return mask_secrets(value)
        case Mapping():
            return {name: _masked(each) for name, each in value.items()}
        case list() | tuple():
            return [_masked(each) for each in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
