"""Replies that several routes share: a job as JSON, and what each status means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlsql.jobs.events import iso_time
from mlsql.jobs.states import Job, JobSummary
from mlsql.rest.schemas import ErrorReply
from mlsql.spans import mask_secrets

JOBS_URL = "/api/v1/jobs"

_MEANINGS: Mapping[int, str] = {
    400: "The script or a field is wrong.",
    401: "A token is needed, or another one.",
    403: "Refused.",
    404: "No job is called so.",
    408: "The script ran longer than it may.",
    409: "The job, or another of the same name or key, is not in the state for that.",
    410: "The result is kept no more.",
    413: "The body is too long.",
    415: "The body has another form than it must have.",
    422: "What the data shows.",
    429: "Too many at once; the header Retry-After says when to try again.",
    499: "The run was cancelled.",
    500: "An error of this server.",
    502: "The cluster, the broker or a worker failed.",
    503: "The operator has something to set or to install.",
}
_ALWAYS = (400, 401, 403, 422, 429, 500, 503)


def error_replies(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error replies of a route, as OpenAPI describes them: those that every route has, and *statuses*."""
    return {
        status: {"model": ErrorReply, "description": _MEANINGS[status], "content": {"text/plain": {}}}
        for status in sorted({*_ALWAYS, *statuses})
    }


def text_reply(media_type: str, description: str, example: str) -> dict[int | str, dict[str, Any]]:
    """The good reply of a route that gives a text."""
    return {200: {"description": description, "content": {media_type: {"example": example}}}}


def url_of(job: str) -> str:
    """Where a job is found."""
    return f"{JOBS_URL}/{job}"


def job_reply(job: Job | JobSummary, result_ttl: float) -> dict[str, Any]:
    """A job as :class:`mlsql.rest.schemas.JobReply` describes it."""
    progress = job.progress or {}
    return {
        "id": job.id,
        "url": url_of(job.id),
        "name": job.name or job.id,
        "owner": job.owner,
        "state": job.state.value,
        "attempt": job.attempt,
        "priority": job.priority,
        "timeout": None if job.timeout is None else round(job.timeout * 1000),
        "cancelRequested": job.cancel_requested,
        "submitted": iso_time(job.submitted),
        "started": _time(job.started),
        "ended": _time(job.ended),
        "statement": progress.get("statement"),
        "progress": progress.get("reports", []),
        "metrics": progress.get("metrics", []),
        "error": job.error,
        "result": _result(job, result_ttl),
    }


def running_job_reply(job: Job) -> dict[str, Any]:
    """A job as clients of Byzer read it."""
    asked, statement = job.submission, (job.progress or {}).get("statement") or {}
    return {
        "owner": asked.owner,
        "jobType": "script",
        "jobName": asked.name or job.id,
        "jobContent": mask_secrets(asked.script),
        "groupId": job.id,
        "state": job.state.value,
        "progress": {
            "totalJob": statement.get("total", 0),
            "currentJobIndex": statement.get("number", 0),
            "script": statement.get("title", ""),
        },
        "startTime": round((job.started or job.submitted) * 1000),
        "timeout": -1 if asked.timeout is None else round(asked.timeout * 1000),
    }


def _result(job: Job | JobSummary, result_ttl: float) -> dict[str, Any] | None:
    kept = job.result
    if kept is None or job.ended is None or job.expired:
        return None
    where = {"url": f"{url_of(job.id)}/result", "expires": iso_time(job.ended + result_ttl)}
    return {"rows": kept.rows, "bytes": kept.bytes, "complete": kept.complete, **where}


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else iso_time(seconds)
