"""Registered functions: ask them without Spark, list and describe them, let others call them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from mlsql.errors import DataError
from mlsql.forms import FormRecord, serving_form
from mlsql.jobs.events import iso_time
from mlsql.models.store import PathModelStore
from mlsql.registrations import Registration, UnknownFunction
from mlsql.rest.answers import (
    ARROW,
    CSV,
    JSON,
    ReadRows,
    answered,
    meant_function,
    rows_of_csv,
    rows_of_invocation,
    rows_of_json,
)
from mlsql.rest.dependencies import CallerOf, ServiceOf
from mlsql.rest.lean import LeanRoute
from mlsql.rest.model_schemas import (
    FunctionReply,
    FunctionsReply,
    Grants,
    Input,
    Invocation,
    Predictions,
    PredictRows,
)
from mlsql.rest.replies import error_replies, text_reply
from mlsql.rest.service import Service
from mlsql.roles import expect_owner

MODELS = "/api/v1/models"
FUNCTION_HEADER = "x-mlsql-function"

lean = APIRouter(tags=["models"], route_class=LeanRoute)
router = APIRouter(tags=["models"])

_ROWS: Mapping[str, ReadRows] = {JSON: rows_of_json}
_INVOCATIONS: Mapping[str, ReadRows] = {JSON: rows_of_invocation, CSV: rows_of_csv}
_TABLE = {"schema": {"type": "string", "format": "binary"}, "example": "an Arrow IPC stream"}
_CSV_BODY = {"schema": {"type": "string"}, "example": "alcohol,sulphates\n9.4,0.56\n"}


def _body(kind: type[BaseModel], **more: Any) -> dict[str, Any]:
    """A body of JSON, or in another form."""
    schema = kind.model_json_schema()
    json = {"schema": schema, "example": schema["example"]}
    return {"requestBody": {"content": {JSON: json, **more, ARROW: _TABLE}, "required": True}}


_OF_ROWS, _OF_INVOCATION = _body(PredictRows), _body(Invocation, **{CSV: _CSV_BODY})
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An answer for each row: JSON, or an Arrow stream with the column `prediction`.",
        "model": Predictions,
        "content": {ARROW: _TABLE},
    },
    **error_replies(404, 413, 415, 502),
}


@lean.post(f"{MODELS}/{{function}}/predict", responses=_ANSWERS, openapi_extra=_OF_ROWS)
async def predict(request: Request, function: str, companion: str = "", owner: str | None = None) -> Response:
    """The answers of a registered function, `f`, or of version 3 of its model, `f@3`.

    `companion=proba` gives the probabilities of the classes instead, `companion=all` the answer of every
    fitted model. `owner` names the owner of a function that he lets the caller call.
    """
    return await answered(request, await meant_function(request, function, owner), companion, _ROWS)


@lean.post(
    f"{MODELS}/{{function}}/invocations",
    responses=_ANSWERS,
    openapi_extra=_OF_INVOCATION,
)
async def function_invocations(
    request: Request, function: str, companion: str = "", owner: str | None = None
) -> Response:
    """The answers of a function to a client of MLflow's scoring protocol whose URL ends in its name."""
    meant = await meant_function(request, function, owner)
    return await answered(request, meant, companion, _INVOCATIONS)


@lean.post("/invocations", responses=_ANSWERS, openapi_extra=_OF_INVOCATION)
async def invocations(
    request: Request, function: str = "", companion: str = "", owner: str | None = None
) -> Response:
    """The same, of the function that the query or the header `X-Mlsql-Function` names."""
    name = function or request.headers.get(FUNCTION_HEADER, "")
    return await answered(request, await meant_function(request, name, owner), companion, _INVOCATIONS)


_PING = text_reply("text/plain", "The server answers.", "\n")
_VERSION = text_reply("text/plain", "The version of MLflow that is installed.", "3.17.2")


@router.get("/ping", response_class=Response, responses={**error_replies(), **_PING})
@router.get("/health", response_class=Response, responses={**error_replies(), **_PING})
async def ping() -> Response:
    """Whether the server answers, as MLflow's clients ask it."""
    return PlainTextResponse("\n")


@router.get("/version", response_class=Response, responses={**error_replies(), **_VERSION})
async def mlflow_version() -> Response:
    """Whose scoring protocol is answered: the version of MLflow, as its clients ask it."""
    return PlainTextResponse(version("mlflow"))


@router.get(MODELS, responses=error_replies())
async def functions(service: ServiceOf, caller: CallerOf, owner: str | None = None) -> FunctionsReply:
    """The functions that the caller may call: his own, then those that others let him call."""
    acting = caller.acting_for(owner)
    found = await run_in_threadpool(service.scorers.describe, acting)
    return FunctionsReply(functions=[_reply(each, acting) for each in found])


@router.get(f"{MODELS}/{{function}}", responses=error_replies(404))
async def described(
    function: str, service: ServiceOf, caller: CallerOf, owner: str | None = None
) -> FunctionReply:
    """A function: its signature, the version of the model behind it, metrics, how fast it answers."""
    acting = caller.acting_for(owner)
    found = await run_in_threadpool(service.scorers.find, acting, function)
    try:
        form = await run_in_threadpool(_form_of, found)
    except DataError as error:  # the model was deleted underneath
        return _reply(replace(found, trouble=error.message), acting)
    reply = _reply(found, acting)
    if form is not None:
        reply.form, reply.latencyMicroseconds = form.name, form.microseconds
    return reply


@router.put(f"{MODELS}/{{function}}/grants/{{to}}", responses=error_replies(404))
def grant(function: str, to: str, service: ServiceOf, caller: CallerOf, owner: str | None = None) -> Grants:
    """Let another owner call a function; from then on it is `owner.function` to him."""
    found = _own(service, caller.acting_for(owner), function)
    return _granted(service, found, (*found.grants, expect_owner(to)))


@router.delete(f"{MODELS}/{{function}}/grants/{{to}}", responses=error_replies(404))
def revoke(function: str, to: str, service: ServiceOf, caller: CallerOf, owner: str | None = None) -> Grants:
    """Let another owner call a function no more."""
    found = _own(service, caller.acting_for(owner), function)
    return _granted(service, found, tuple(each for each in found.grants if each != to))


def _form_of(found: Registration) -> FormRecord | None:
    """The form in which the model answers, as it was measured; None of one that was not."""
    if found.version is None:
        return None
    manifest = PathModelStore().open(found.path, found.version).manifest
    forms = next((each.forms for each in manifest.candidates if each.index == found.index), ())
    chosen = serving_form(forms)
    return next((each for each in forms if each.name == chosen), None)


def _own(service: Service, owner: str, function: str) -> Registration:
    found = service.registrations.find(owner, function)
    if found is None:
        raise UnknownFunction(function, [each.function for each in service.registrations.of(owner)])
    return found


def _granted(service: Service, found: Registration, grants: tuple[str, ...]) -> Grants:
    changed = replace(found, grants=tuple(dict.fromkeys(grants)))
    if changed != found:
        service.registrations.put(changed)
    return Grants(function=found.function, grants=[*changed.grants])


def _reply(found: Registration, caller: str) -> FunctionReply:
    is_own = found.owner == caller
    return FunctionReply(
        name=found.function if is_own else f"{found.owner}.{found.function}",
        owner=found.owner,
        function=found.function,
        signature=found.signature,
        inputs=[Input(name=each.name, type=each.type) for each in found.inputs],
        output=found.output,
        kind=found.kind,
        algorithm=found.algorithm,
        path=found.path if is_own else None,
        version=found.version,
        index=found.index,
        companions=[*found.companions],
        metrics={name: value if math.isfinite(value) else None for name, value in found.metrics.items()},
        registered=iso_time(found.created),
        grants=[*found.grants] if is_own else None,
        trouble=found.trouble or None,
    )
