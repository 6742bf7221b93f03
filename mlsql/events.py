"""What a run tells while it runs: frozen records, and the sink that takes them.

The interpreter, the stages and the bridge emit; the command line draws them, the service
keeps them with the job. A sink never raises into the run and never blocks it for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mlsql.spans import Span


@dataclass(frozen=True, slots=True)
class StatementStarted:
    """Statement *number* of *total* (counted from 1) is about to run."""

    number: int
    total: int
    title: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class StatementEnded:
    """That statement ended well, after *seconds*; *summary* says what it made, or is empty."""

    number: int
    total: int
    title: str
    seconds: float
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something that takes long has come: *share* from 0 to 1, or None when unknown.

    *what* stays the same from one report to the next (``worker 2``, ``publish``).
    """

    what: str
    doing: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A line for the log of the run; *level* as in ``logging`` (``info``, ``warning``)."""

    message: str
    level: str = "info"
    candidate: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a trainer measured while it fitted or when it had."""

    candidate: int
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class TableShown:
    """A small table that is worth seeing while the script goes on: the candidates of a train."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """The bridge has carried a table, or a part of one, out of Spark; for those who count."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker process was started; for those who count."""


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """That process has ended, as each does."""


Event = (
    StatementStarted
    | StatementEnded
    | Progress
    | Log
    | Metric
    | TableShown
    | Carried
    | WorkerStarted
    | WorkerEnded
)


class Sink(Protocol):
    """Takes the events of one run; called from any thread."""

    def __call__(self, event: Event, /) -> None:
        """Take one event; never raises."""
        ...


def ignore(event: Event, /) -> None:
    """The sink for callers that do not listen."""
