"""Jobs: submit, look up, list, cancel; their results, logs and events."""

from __future__ import annotations

import re
from functools import partial
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from mlsql.jobs.errors import JobConflict
from mlsql.jobs.events import read_log
from mlsql.jobs.results import FORMS
from mlsql.jobs.states import Job, JobState, JobSummary
from mlsql.rest.callers import Caller
from mlsql.rest.dependencies import (
    CallerOf,
    FoundJob,
    ServiceOf,
    caller_of,
    is_still_signed_in,
    read_submission,
    service_of,
)
from mlsql.rest.event_streams import event_stream
from mlsql.rest.lean import LeanRoute
from mlsql.rest.replies import JOBS_URL, error_replies, job_reply, text_reply, url_of
from mlsql.rest.schemas import JobPage, JobReply, SubmitJob, Submitted
from mlsql.rest.service import Service
from mlsql.rest.submissions import expect_sound, job_submission, submission_key
from mlsql.spans import mask_secrets

lean = APIRouter(prefix=JOBS_URL, tags=["jobs"], route_class=LeanRoute)
router = APIRouter(prefix=JOBS_URL, tags=["jobs"])

LOG_OFFSET = "X-Next-Offset"
_LOG_BYTES = 2**20
_EVENT_ID = re.compile(r"[0-9]{1,15}")

_REQUEST_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": SubmitJob.model_json_schema(),
            "example": {"script": "select 1 as one as t", "name": "nightly", "timeout": 60_000},
        }
    },
}
_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names the submission, so that it can be sent again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, in the form that was asked for.",
        "content": {kind.partition(";")[0]: {} for kind, _ in FORMS.values()},
    }
}
_SCRIPT = text_reply("text/plain", "The script.", "select 1 as one as t;")
_LOG = text_reply("text/plain", "Lines with their time.", "2026-01-01T02:00:00.012Z the job is running\n")
_EVENTS = text_reply(
    "text/event-stream",
    "Events, the kind of which says what their JSON holds.",
    'id: 1\nevent: state\ndata: {"at": "2026-01-01T02:00:00.000Z", "state": "queued"}\n\n',
)

Offset = Annotated[int, Query(ge=0, le=2**53)]
Cursor = Annotated[int | None, Query(ge=1, le=2**53, description="What `next` of the page before said.")]


@lean.post(
    "",
    status_code=202,
    responses={202: {"model": Submitted}, **error_replies(409, 413, 415)},
    openapi_extra={"requestBody": _REQUEST_BODY, "parameters": [_KEY]},
)
async def submit(request: Request) -> Response:
    """Take a script as a job, which is written down before this is answered.

    With a header ``Idempotency-Key`` it can be sent again without harm: for 24 hours the same key
    with the same body gives the same job. A script with static errors is refused with all of them.
    """
    caller, given, service = await caller_of(request), await read_submission(request), service_of(request)
    key = request.headers.get(_KEY["name"])
    job = await run_in_threadpool(_submitted, request.state.job, given, key, service, caller)
    request.state.job = job.id
    return JSONResponse({"id": job.id, "url": url_of(job.id)}, 202, {"Location": url_of(job.id)})


def _submitted(job: str, given: SubmitJob, key: str | None, service: Service, caller: Caller) -> Job:
    with service.metrics.submitting():
        known = submission_key(key, given)
        submission = job_submission(given, caller, service)
        expect_sound(submission, service)
        return service.jobs.submit(submission, job=job, key=known)


@router.get("", responses={200: {"model": JobPage}, **error_replies()})
def list_jobs(
    service: ServiceOf,
    caller: CallerOf,
    owner: str | None = None,
    state: Annotated[list[JobState] | None, Query()] = None,
    name: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """The jobs, the newest first; ``state`` may be given several times."""
    whose = caller.seen(owner)
    page = service.jobs.store.page(owner=whose, states=state or (), name=name, limit=limit, before=cursor)
    jobs = [_told(service.jobs.with_progress(each), service) for each in page.jobs]
    return JSONResponse({"jobs": jobs, "next": None if page.next is None else str(page.next)})


@router.get("/{job}", responses={200: {"model": JobReply}, **error_replies(404)})
def look_up(found: FoundJob, service: ServiceOf) -> Response:
    """A job: its state, its times, the statement that runs, how far that has come, its error."""
    tasks = service.cluster.tasks(found.id) if found.state is JobState.RUNNING else None
    return JSONResponse({**_told(found, service), "spark": tasks})


@router.get("/{job}/result", responses=_RESULT | error_replies(404, 409, 410), response_class=Response)
def result(
    found: FoundJob,
    service: ServiceOf,
    format: Literal["json", "csv", "arrow", "parquet"] = "json",  # noqa: A002 -- the name of the parameter
    limit: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    offset: Offset = 0,
) -> Response:
    """The rows of a job that succeeded, from *offset* on and at most *limit*; the same each time."""
    if found.state is not JobState.SUCCEEDED:
        raise JobConflict(f"the job '{found.id}' has no result: it is {found.state}")
    media_type, form = FORMS[format]
    rows = form(service.results.open(found), offset, limit)
    first = next(rows, b"")  # what cannot be given in this form is told by a status
    return StreamingResponse(chain([first], rows), media_type=media_type)


@router.get("/{job}/script", responses=_SCRIPT | error_replies(404), response_class=Response)
def job_script(found: FoundJob) -> Response:
    """The script of a job, with the secrets in it starred out."""
    return Response(mask_secrets(found.submission.script), media_type="text/plain; charset=utf-8")


@router.get("/{job}/log", responses=_LOG | error_replies(404), response_class=Response)
def job_log(found: FoundJob, service: ServiceOf, offset: Offset = 0) -> Response:
    """The log from a byte on, at most 1 MiB; the header X-Next-Offset says where to go on."""
    text = read_log(service.results.of(found.id), offset, _LOG_BYTES)
    headers = {LOG_OFFSET: str(offset + len(text))}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/{job}/events", responses=_EVENTS | error_replies(404), response_class=Response)
def events(
    request: Request,
    found: FoundJob,
    service: ServiceOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """What the job tells, as Server-Sent Events, until it ends.

    A reader that was cut off goes on where it stopped with the header ``Last-Event-ID``.
    """
    after = int(last_event_id) if last_event_id and _EVENT_ID.fullmatch(last_event_id) else 0
    return StreamingResponse(
        event_stream(service, found.id, after, partial(is_still_signed_in, request)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


@router.post(
    "/{job}/cancel", status_code=202, responses={202: {"model": JobReply}, **error_replies(404, 409)}
)
def cancel(found: FoundJob, service: ServiceOf) -> Response:
    """Cancel a job that waits or runs.

    One that runs is told as cancelled when all that it started has ended; until then
    ``cancelRequested`` is true.
    """
    return JSONResponse(_told(service.jobs.cancel(found.id), service), 202)


def _told(job: Job | JobSummary, service: Service) -> dict[str, Any]:
    return job_reply(job, service.settings.jobs.result_ttl)
