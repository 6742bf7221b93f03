"""Run a script and give its last table."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from mlsql.engine import Engine, Result
from mlsql.grammar import parse
from mlsql.outline import outline
from mlsql.rest.dependencies import EngineOf, RunsOf, ScriptOf
from mlsql.rest.schemas import ErrorReply, RunScript
from mlsql.results import json_lines, read_rows
from mlsql.spans import Script

router = APIRouter(tags=["scripts"])

_FIELDS = RunScript.model_json_schema()
_REQUEST_BODY = {
    "required": True,
    "content": {
        kind: {"schema": _FIELDS, "example": {"sql": "select 1 as one as t"}}
        for kind in ("application/json", "application/x-www-form-urlencoded")
    },
}
_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows of the last table.",
        "content": {"application/json": {"example": [{"one": 1}]}},
    },
    400: {"model": ErrorReply, "description": "The script or a field is wrong."},
    403: {"model": ErrorReply, "description": "Refused."},
    408: {"model": ErrorReply, "description": "The script ran longer than it may."},
    413: {"model": ErrorReply, "description": "The body is too long."},
    415: {"model": ErrorReply, "description": "The body is neither a form nor JSON."},
    422: {"model": ErrorReply, "description": "What the data shows."},
    499: {"model": ErrorReply, "description": "The run was cancelled."},
    500: {"model": ErrorReply, "description": "An error of this server."},
    502: {"model": ErrorReply, "description": "The cluster, the broker or a worker failed."},
    503: {"model": ErrorReply, "description": "The operator has something to set or to install."},
}


@router.post("/run/script", responses=_REPLIES, openapi_extra={"requestBody": _REQUEST_BODY})
def run_script(request: Request, script: ScriptOf, engine: EngineOf, runs: RunsOf) -> Response:
    """Run the script to its end and reply with the rows of its last table, ``[]`` without one.

    With ``executeMode`` check or analyze nothing runs: the reply holds the errors and warnings as
    ``mlsql check --json`` gives them, or the statements. A client that goes away does not end the run.
    """
    if script.execute_mode != "query":
        found = _checked(script, engine) if script.execute_mode == "check" else _analyzed(script)
        return JSONResponse(found)
    timeout = script.timeout / 1000 if script.timeout >= 0 else engine.settings.jobs.timeout
    with runs.open(timeout) as stop:
        result = engine.run(
            script.sql,
            owner=script.owner,
            parameters=script.parameters,
            stop=stop,
            job=request.state.job,
            dialect=script.dialect,
            fresh=script.session_per_request,
        )
        return Response(_body(result, script), media_type="application/json")


def _checked(script: RunScript, engine: Engine) -> list[dict[str, Any]]:
    found = engine.check(script.sql, owner=script.owner, parameters=script.parameters, dialect=script.dialect)
    return [each.as_json() for each in found]


def _analyzed(script: RunScript) -> list[dict[str, Any]]:
    return outline(parse(Script("<script>", script.sql)))


def _body(result: Result, script: RunScript) -> str:
    with result.reading() as frame:
        if frame is None or script.silence:
            return "[]"
        nulls = not result.run.scope.dialect.omits_nulls
        data = "\n".join(json_lines(read_rows(frame, script.output_size), nulls=nulls))
        return f'{{"schema":{frame.schema.json()},"data":{data}}}' if script.include_schema else data
