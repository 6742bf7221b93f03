"""Run a script as a job, and give its last table; the jobs that run, and the end of one, for old clients."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from mlsql.check.outline import outline
from mlsql.dialect import BYZER
from mlsql.errors import ScriptError
from mlsql.grammar import parse
from mlsql.jobs.errors import UnknownJob
from mlsql.jobs.states import Job
from mlsql.jobs.turns import Ending
from mlsql.rest.callers import Caller, find_job
from mlsql.rest.dependencies import CallerOf, ServiceOf, caller_of, fields_of, read_script, service_of
from mlsql.rest.lean import LeanRoute
from mlsql.rest.replies import error_replies, running_job_reply, url_of
from mlsql.rest.schemas import Killed, RunningJob, RunScript
from mlsql.rest.service import Service
from mlsql.rest.submissions import expect_sound, expect_within_limits, script_submission
from mlsql.spans import Script

lean = APIRouter(tags=["scripts"], route_class=LeanRoute)
router = APIRouter(tags=["scripts"])

_FIELDS = RunScript.model_json_schema()
_REQUEST_BODY = {
    "required": True,
    "content": {
        kind: {"schema": _FIELDS, "example": {"sql": "select 1 as one as t"}}
        for kind in ("application/json", "application/x-www-form-urlencoded")
    },
}
_ROWS = {
    "description": "The rows of the last table; with `async` the job and where it is found.",
    "content": {"application/json": {"example": [{"one": 1}]}},
}
_NAMES = {
    "type": "object",
    "properties": {each: {"type": "string"} for each in ("groupId", "jobName", "owner")},
}
_KILLED = {
    "required": True,
    "content": {
        kind: {"schema": _NAMES, "example": {"jobName": "nightly"}}
        for kind in ("application/json", "application/x-www-form-urlencoded")
    },
}
_MOST_SHOWN = 1000


@lean.post(
    "/run/script",
    responses={200: _ROWS, **error_replies(408, 409, 413, 415, 499, 502)},
    openapi_extra={"requestBody": _REQUEST_BODY},
)
async def run_script(request: Request) -> Response:
    """Run the script to its end and reply with the rows of its last table, ``[]`` without one.

    It is a job as any other: it waits until there is room, and a client that goes away does not
    end it. With ``async`` the reply is ``{"job", "url"}`` at once. With ``executeMode`` check or
    analyze nothing runs: the reply holds the errors and warnings as ``mlsql check --json`` gives
    them, or the statements.
    """
    caller, script, service = await caller_of(request), await read_script(request), service_of(request)
    if script.execute_mode == "analyze":
        return JSONResponse(await run_in_threadpool(_outlined, script, service))
    if script.execute_mode == "check" or script.skip_physical_job:
        return JSONResponse(await run_in_threadpool(_checked, script, service, caller))
    waiter = None if script.is_async else _new_waiter()
    job = await run_in_threadpool(_submitted, request.state.job, script, service, caller, waiter)
    if waiter is None:
        is_old = (script.dialect or service.settings.language.dialect) == BYZER.name
        return JSONResponse([] if is_old else {"job": job.id, "url": url_of(job.id)})
    ending = await asyncio.shield(asyncio.wrap_future(waiter))
    body = await run_in_threadpool(_body, ending, script, service)
    return Response(body, media_type="application/json")


@router.get("/runningjobs", responses=error_replies())
def running_jobs(service: ServiceOf, caller: CallerOf) -> dict[str, RunningJob]:
    """The jobs that wait or run, by their id, as clients of Byzer read them."""
    found = service.jobs.store.latest_active(caller.seen(None), _MOST_SHOWN)
    return {each.id: RunningJob(**running_job_reply(service.jobs.with_progress(each))) for each in found}


@router.post("/killjob", responses=error_replies(404, 409, 413, 415), openapi_extra={"requestBody": _KILLED})
async def kill_job(request: Request, service: ServiceOf, caller: CallerOf) -> Killed:
    """Cancel a job, which ``groupId`` (its id) or ``jobName`` names."""
    fields = {"groupId": "", "jobName": "", "owner": "", **await fields_of(request)}
    job = await run_in_threadpool(_job_to_kill, fields, service, caller)
    request.state.job = job
    await run_in_threadpool(service.jobs.cancel, job)
    return Killed(job=job)


def _new_waiter() -> Future[Ending]:
    """A future that cannot be cancelled by a client that goes away."""
    waiter: Future[Ending] = Future()
    waiter.set_running_or_notify_cancel()
    return waiter


def _submitted(
    job: str, script: RunScript, service: Service, caller: Caller, waiter: Future[Ending] | None
) -> Job:
    with service.metrics.submitting():
        submission = script_submission(script, caller, service)
        if waiter is None:
            expect_sound(submission, service)
        return service.jobs.submit(submission, job=job, waiter=waiter, is_only_one=bool(submission.name))


def _outlined(script: RunScript, service: Service) -> list[dict[str, Any]]:
    expect_within_limits(script.sql, service.settings.jobs)
    return outline(parse(Script("<script>", script.sql)))


def _checked(script: RunScript, service: Service, caller: Caller) -> list[dict[str, Any]]:
    expect_within_limits(script.sql, service.settings.jobs)
    found = service.check(
        script.sql,
        owner=caller.acting_for(script.owner),
        parameters=script.parameters,
        dialect=script.dialect,
        role=caller.role,
    )
    return [each.as_json() for each in found]


def _body(ending: Ending, script: RunScript, service: Service) -> str:
    if ending.error is not None:
        raise ending.error
    if ending.job.result is None:
        return "[]"
    stored = service.results.open(ending.job)
    data = b"".join(stored.json(limit=script.output_size)).decode()
    return f'{{"schema":{stored.spark_schema},"data":{data}}}' if script.include_schema else data


def _job_to_kill(fields: dict[str, Any], service: Service, caller: Caller) -> str:
    if fields["groupId"]:
        return find_job(service, caller, str(fields["groupId"])).id
    name = str(fields["jobName"])
    if not name:
        raise ScriptError("a job is named by 'groupId' or 'jobName'", hint="/runningjobs lists them")
    job = service.jobs.active(caller.acting_for(fields["owner"]), name)
    if job is None:
        raise UnknownJob(name)
    return job
