"""One turn of a job: its work is done, and what came of that is judged; nothing is written down here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mlsql.errors import Cancelled, RunError, TimedOut
from mlsql.events import Sink
from mlsql.jobs.events import EventLog
from mlsql.jobs.states import Job, JobState, Kept
from mlsql.stop import Stop


class Work(Protocol):
    """What a job does: runs it, keeps its rows, and raises what went wrong."""

    def __call__(self, job: Job, stop: Stop, sink: Sink, /) -> Kept | None:
        """What was kept of the result; ends soon after *stop*, with all that it started."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended: the record, and the very error for a caller that has waited."""

    job: Job
    error: Exception | None = None


def take_turn(job: Job, work: Work, stop: Stop, events: EventLog, began: Callable[[], object]) -> Ending:
    """How *job* ended: the flag of *stop* decides, whatever was raised."""
    kept, error = _done(job, work, stop, events, began)
    events.close()
    reason = stop.reason
    if isinstance(reason, Cancelled):
        state, error = JobState.CANCELLED, error if isinstance(error, Cancelled) else reason
    elif error is None:
        state = JobState.SUCCEEDED
    elif isinstance(reason, TimedOut):
        state, error = JobState.TIMED_OUT, error if isinstance(error, TimedOut) else reason
    else:
        state = JobState.FAILED
    result = kept if state is JobState.SUCCEEDED else None
    return Ending(replace(job, state=state, result=result, progress=events.progress), error)


def _done(
    job: Job, work: Work, stop: Stop, events: EventLog, began: Callable[[], object]
) -> tuple[Kept | None, Exception | None]:
    try:
        events.open()
        began()
        return work(job, stop, events), None
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is how the job ended
        return None, error


def lost(job: Job, how: str, **changes: Any) -> Ending:
    """The end of a job whose server *how* while it ran."""
    error = RunError(
        f"the server {how} while the job ran",
        hint="submit it again; with retryOnRestart that is done for you",
    )
    return Ending(replace(job, state=JobState.LOST, **changes), error)


def cancelled(job: Job) -> Ending:
    """The end of a job that was cancelled while it did not run."""
    return Ending(replace(job, state=JobState.CANCELLED, cancel_requested=True), Cancelled())
