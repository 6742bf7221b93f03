"""What a server told of an error, as the error that a run in this process would have raised.

The class, the sentence, the place and the hint are the server's. Further facts, which some classes
have as attributes (the known names of an UnknownName), do not travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql import registrations
from mlsql.bridge import errors as bridge_errors
from mlsql.errors import (
    Cancelled,
    ConfigError,
    DataError,
    MlsqlError,
    Refused,
    RunError,
    ScriptError,
    ScriptErrors,
    TimedOut,
)
from mlsql.jobs import errors as job_errors
from mlsql.spans import Script, Span

if TYPE_CHECKING:
    import httpx

_MODULES = (job_errors, bridge_errors, registrations)
_OF_STATUS: Mapping[int, type[MlsqlError]] = {
    401: Refused,
    403: Refused,
    408: TimedOut,
    409: job_errors.JobConflict,
    410: job_errors.ResultGone,
    422: DataError,
    499: Cancelled,
    500: MlsqlError,
    503: ConfigError,
}
"""What stands for a class that this version does not know; else the script is to blame below 500."""
_CLIENT_ERRORS = range(400, 500)
BUSY = (429, 503)
"""The statuses of a server that may answer later."""
_MOST_TOLD = 300


def reply_error(reply: httpx.Response) -> MlsqlError:
    """The error that a *reply*, which was read, tells; also one of a proxy, which tells none."""
    told = _told(reply)
    if told is None:
        start = " ".join(reply.text[:_MOST_TOLD].split())
        message = f"{reply.url} answered {reply.status_code}, and not as a server of mlsql: {start}"
        return RunError(message, retriable=reply.is_server_error)
    error = told_error(told, reply.status_code)
    if isinstance(error, RunError):
        error.retriable = reply.status_code in BUSY
    return error


def told_error(told: Mapping[str, Any], status: int | None = None) -> MlsqlError:
    """The error that an object of JSON describes, with all of its ``diagnostics``."""
    each = [_one(one, status) for one in told.get("diagnostics") or [told]]
    of_script = [one for one in each if isinstance(one, ScriptError)]
    return ScriptErrors(of_script) if len(of_script) == len(each) > 1 else each[0]


def told_span(file: str, line: int, column: int = 1, excerpt: str = "") -> Span:
    """A place in a script whose text is on the server."""
    return _ToldSpan(Script(file, ""), 0, 0, line, column, excerpt)


@dataclass(frozen=True, slots=True)
class _ToldSpan(Span):
    """A place whose line, column and excerpt are known, and not the text around it."""

    told_line: int
    told_column: int
    told_excerpt: str

    @property
    def line(self) -> int:
        return self.told_line

    @property
    def column(self) -> int:
        return self.told_column

    def excerpt(self) -> str:
        return self.told_excerpt


def _told(reply: httpx.Response) -> Mapping[str, Any] | None:
    """The description of the error; None of a reply that has none."""
    try:
        told = reply.json()["error"]
    except (ValueError, LookupError, TypeError):
        return None
    return told if isinstance(told, dict) and "message" in told else None


def _one(told: Mapping[str, Any], status: int | None) -> MlsqlError:
    kind = _classes().get(told.get("kind", "")) or _class_of(status)
    error = kind.__new__(kind)
    span = None
    if told.get("file") and told.get("line"):
        span = told_span(told["file"], told["line"], told.get("column") or 1, told.get("excerpt") or "")
    MlsqlError.__init__(error, told["message"], span=span, hint=told.get("hint"))
    if isinstance(error, RunError):
        error.retriable = False
    return error


def _class_of(status: int | None) -> type[MlsqlError]:
    if status is None:
        return MlsqlError
    return _OF_STATUS.get(status, ScriptError if status in _CLIENT_ERRORS else RunError)


def _classes() -> dict[str, type[MlsqlError]]:
    """Every class of an error that is told, by its name."""
    return {each.__name__: each for each in _below(MlsqlError)}


def _below(kind: type[MlsqlError]) -> Iterator[type[MlsqlError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)
