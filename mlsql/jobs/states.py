"""What a job is, and how it may change: frozen records and the allowed moves; pure.

::

    queued ─→ running ─→ succeeded | failed | cancelled | timed_out | lost
       └────→ cancelled

A job that is run again after its server died is queued as its next *attempt*: the pair of
attempt and state only moves forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlsql.roles import Role


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing comes after it."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


ACTIVE = (JobState.QUEUED, JobState.RUNNING)
ENDS = tuple(state for state in JobState if state.is_end)

MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(ENDS),
    **dict.fromkeys(ENDS, frozenset()),
}
"""The states that may follow within one attempt."""


def may_move(before: tuple[int, JobState], after: tuple[int, JobState]) -> bool:
    """Whether a job may go from one (attempt, state) to another."""
    (attempt, state), (next_attempt, next_state) = before, after
    if next_attempt == attempt:
        return next_state in MOVES[state]
    return next_attempt == attempt + 1 and state is JobState.RUNNING and next_state is JobState.QUEUED


@dataclass(frozen=True, slots=True)
class Callback:
    """Whom the end of a job is told: a URL, headers of the caller, how often at most it is tried.

    With *form* the fields are sent that receivers of Byzer read.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tries: int | None = None
    form: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a caller asks for; the rest has defaults.

    *timeout* is in seconds from the start of running, *rows* are the most that are kept; of a
    *silent* job none are. A *fresh* one has a session of its own. The *role* is that of who submitted it.
    """

    owner: str
    script: str = field(repr=False)
    name: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    priority: int = 0
    retry_on_restart: bool = False
    dialect: str | None = None
    fresh: bool = False
    silent: bool = False
    rows: int | None = None
    callback: Callback | None = None
    role: Role = Role.OPERATOR


@dataclass(frozen=True, slots=True)
class Kept:
    """The result of a job on disk: how large it is, and whether all rows of the table are in it."""

    rows: int
    bytes: int
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run as the service knows it; times are seconds of the epoch."""

    id: str
    submission: Submission
    submitted: float
    state: JobState = JobState.QUEUED
    attempt: int = 1
    cancel_requested: bool = False
    started: float | None = None
    ended: float | None = None
    error: Mapping[str, Any] | None = None
    result: Kept | None = None
    progress: Mapping[str, Any] | None = None
    expired: bool = False
    """Whether the result has been swept."""

    @property
    def owner(self) -> str:
        """Whose job it is."""
        return self.submission.owner

    @property
    def name(self) -> str:
        """What its owner calls it; empty when he gave it no name."""
        return self.submission.name

    @property
    def priority(self) -> int:
        """Where it stands among the jobs of its owner that wait."""
        return self.submission.priority

    @property
    def timeout(self) -> float | None:
        """How many seconds it may run."""
        return self.submission.timeout


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What a list tells of a :class:`Job`, whose fields these are: all but most of what was asked for."""

    id: str
    owner: str
    name: str
    priority: int
    timeout: float | None
    state: JobState
    attempt: int
    cancel_requested: bool
    submitted: float
    started: float | None
    ended: float | None
    error: Mapping[str, Any] | None
    result: Kept | None
    progress: Mapping[str, Any] | None
    expired: bool


class DeliveryState(StrEnum):
    """Where the telling of a job's end stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message about the end of a job: *id* is the same on every try, *number* counts in the job.

    It goes to the *callback* of the job.
    """

    id: str
    job: str
    number: int = 1
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    next_try: float
    callback: Callback
    last_error: str | None = None
