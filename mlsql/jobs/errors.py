"""What can go wrong with a job besides its script, and an error as it is kept with a job and told over HTTP.

::

    ScriptError
    ├── UnknownJob        no job has this id
    ├── UnknownCallback   the job has no callback of this number
    ├── JobConflict       the job, or another of its name, is not in the state for that
    └── ResultGone        its result was swept
    RunError
    └── TooMany           later is better; ``retry_after`` says when
        ├── QueueFull
        └── TooManyRequests
"""

from __future__ import annotations

from typing import Any

from mlsql.errors import MlsqlError, RunError, ScriptError, ScriptErrors
from mlsql.spans import mask_secrets


class UnknownJob(ScriptError):
    """An id that no job of the caller has."""

    def __init__(self, job: str) -> None:
        super().__init__(f"no job is called '{job}'", hint="`mlsql jobs`, or GET /api/v1/jobs, lists them")


class NotAnswered(RunError):
    """No process answers predictions for the moment; the same question may be asked again."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(message, retriable=True)


class UnknownCallback(ScriptError):
    """A number that no callback of a job has."""

    def __init__(self, job: str, number: int) -> None:
        super().__init__(
            f"the job '{job}' has no callback {number}", hint="one is there when the job has ended"
        )


class JobConflict(ScriptError):
    """A request that does not fit the state of a job."""


class ResultGone(ScriptError):
    """The result of a job that ended too long ago."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"the result of the job '{job}' is kept no more", hint="jobs.result_ttl says how long it is"
        )


class TooMany(RunError):
    """More of something than may be at once; *retry_after* seconds later there may be room."""

    def __init__(self, message: str, *, limited_by: str, retry_after: int) -> None:
        self.retry_after = retry_after
        hint = f"try again in {retry_after} s; {limited_by} is the limit"
        super().__init__(message, hint=hint, retriable=True)


class QueueFull(TooMany):
    """More jobs wait than may."""

    def __init__(self, limit: int) -> None:
        message = f"{limit:,} jobs wait already, and no more may"
        super().__init__(message, limited_by="jobs.queue", retry_after=5)


class TooManyRequests(TooMany):
    """More requests at once than are answered."""

    def __init__(self, limit: int) -> None:
        message = f"{limit:,} requests are being answered, and no more may be"
        super().__init__(message, limited_by="server.requests", retry_after=1)


def described(error: Exception) -> dict[str, Any]:
    """*error* with place and hint, and every error of a script in ``diagnostics``; secrets are masked.

    Of what is no error of ours only the class is told: its text may hold anything.
    """
    if not isinstance(error, MlsqlError):
        only = {"kind": "InternalError", "message": f"internal error: {type(error).__name__}"}
        return {**only, "diagnostics": [only]}
    each = error.errors if isinstance(error, ScriptErrors) else (error,)
    diagnostics = [_diagnostic(one) for one in each]
    return {**diagnostics[0], "diagnostics": diagnostics}


def _diagnostic(error: MlsqlError) -> dict[str, Any]:
    span = error.span
    return {
        "kind": type(error).__name__,
        "message": mask_secrets(error.message),
        "file": span.script.name if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "excerpt": span.excerpt() if span else None,
        "hint": mask_secrets(error.hint) if error.hint else None,
    }
