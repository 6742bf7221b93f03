"""A job as a client of the server sees it, and what it sends to have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlsql.client.errors import told_error
from mlsql.errors import Cancelled, MlsqlError, RunError
from mlsql.jobs.states import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Whom the server tells the end of a job: an address, headers to send, how often to try again.

    *form* sends the fields that receivers of Byzer read.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_retries: int | None = None
    form: bool = False


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What the server keeps of a job's last table, until when, and whether that is all of its rows."""

    rows: int
    bytes: int
    complete: bool
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the server last told it; times are in UTC, *timeout* is in seconds."""

    id: str
    name: str
    owner: str
    state: JobState
    attempt: int
    priority: int
    timeout: float | None
    cancel_requested: bool
    submitted: datetime
    started: datetime | None
    ended: datetime | None
    statement: Mapping[str, Any] | None
    """The statement that runs, or that it ended in: number, total, line, title."""
    error: MlsqlError | None
    result: StoredResult | None
    told: Mapping[str, Any] = field(repr=False)
    """The whole reply, with what this version of the client does not know."""

    def raise_for_state(self) -> None:
        """Raise the error of a job that ended without success; nothing happens while it waits or runs."""
        if not self.state.is_end or self.state is JobState.SUCCEEDED:
            return
        if self.error is not None:
            raise self.error
        raise Cancelled() if self.state is JobState.CANCELLED else RunError(f"the job is {self.state}")


def callback_fields(callback: Callback | str) -> dict[str, Any]:
    """The fields of a submission that ask for *callback*."""
    if isinstance(callback, str):
        return {"callback": callback}
    fields = {
        "callback": callback.url,
        "callbackHeader": dict(callback.headers),
        "maxRetries": callback.max_retries,
        "callbackFormat": "form" if callback.form else None,
    }
    return given(fields)


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of *fields* that say something: the server has its own defaults."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}


def read_job(told: Mapping[str, Any]) -> Job:
    """The job that an object of JSON describes."""
    timeout, error, result = told["timeout"], told["error"], told["result"]
    return Job(
        id=told["id"],
        name=told["name"],
        owner=told["owner"],
        state=JobState(told["state"]),
        attempt=told["attempt"],
        priority=told["priority"],
        timeout=None if timeout is None else timeout / 1000,
        cancel_requested=told["cancelRequested"],
        submitted=datetime.fromisoformat(told["submitted"]),
        started=_time(told["started"]),
        ended=_time(told["ended"]),
        statement=told["statement"],
        error=told_error(error) if error else None,
        result=_result(result) if result else None,
        told=told,
    )


def _result(told: Mapping[str, Any]) -> StoredResult:
    expires = datetime.fromisoformat(told["expires"])
    return StoredResult(told["rows"], told["bytes"], told["complete"], expires)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
