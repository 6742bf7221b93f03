"""Errors as replies: the one place that knows HTTP statuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

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
from mlsql.jobs.errors import (
    JobConflict,
    NotAnswered,
    ResultGone,
    TooMany,
    UnknownCallback,
    UnknownJob,
    described,
)
from mlsql.registrations import UnknownFunction
from mlsql.rest.schemas import Diagnostic, ErrorReply, ReportedError

JOB_HEADER = "X-Job-Id"
OUR_BUG = 500

STATUSES: Mapping[type[MlsqlError], int] = {
    ScriptError: 400,
    Refused: 403,
    DataError: 422,
    RunError: 502,
    TimedOut: 408,
    Cancelled: 499,
    ConfigError: 503,
    UnknownJob: 404,
    UnknownFunction: 404,
    NotAnswered: 503,
    UnknownCallback: 404,
    JobConflict: 409,
    ResultGone: 410,
    TooMany: 429,
}

log = logging.getLogger(__name__)


def status_of(error: MlsqlError) -> int:
    """The status of the nearest class that has one."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), OUR_BUG)


def install(app: FastAPI) -> None:
    """Have every error that leaves a route told in the one form."""

    @app.exception_handler(MlsqlError)
    async def known(request: Request, error: MlsqlError) -> Response:
        return error_reply(request, error)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        return http_reply(request, error)

    @app.exception_handler(RequestValidationError)
    async def of_parameters(request: Request, error: RequestValidationError) -> Response:
        return error_reply(request, ScriptErrors([_parameter_error(each) for each in error.errors()]))

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        job = request.state.job
        log.error("internal error %s", job, exc_info=error)
        message = f"internal error {job}: {type(error).__name__}; its traceback is in the log of the server"
        return _reply(request, OUR_BUG, [Diagnostic(kind="InternalError", message=message)], message)


def error_reply(request: Request, error: MlsqlError) -> Response:
    """The reply that *error* gives: JSON with all diagnostics, or its text when that is accepted."""
    diagnostics = [Diagnostic(**each) for each in described(error)["diagnostics"]]
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany | NotAnswered) else None
    return _reply(request, status_of(error), diagnostics, str(error), headers)


def http_reply(request: Request, error: HTTPException) -> Response:
    """The reply that a status gives for which there is no error of ours."""
    kind = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
    diagnostic = Diagnostic(kind=kind, message=_route_error(request, error))
    return _reply(request, error.status_code, [diagnostic], diagnostic.message, error.headers)


def _reply(
    request: Request,
    status: int,
    diagnostics: list[Diagnostic],
    text: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    job: str = request.state.job
    headers = {**(headers or {}), JOB_HEADER: job}
    if request.headers.get("accept", "").startswith("text/plain"):
        return PlainTextResponse(text + "\n", status, headers)
    error = ReportedError(**diagnostics[0].model_dump(), job=job, diagnostics=diagnostics)
    return JSONResponse(ErrorReply(error=error).model_dump(), status, headers)


def _parameter_error(error: Any) -> ScriptError:
    name = ".".join(map(str, error["loc"][1:]))
    return ScriptError(f"the parameter '{name}' cannot be read: {error['msg']}")


def _route_error(request: Request, error: HTTPException) -> str:
    match error.status_code:
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return f"{request.url.path} does not answer {request.method}"
        case HTTPStatus.NOT_FOUND:
            return f"nothing answers at {request.url.path}"
        case _:
            return error.detail
