"""What the routes are given: the service, who calls, and the fields of a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from mlsql.errors import MlsqlError, ScriptError, ScriptErrors, UnknownName
from mlsql.jobs.states import Job
from mlsql.rest.callers import Caller, find_job
from mlsql.rest.schemas import Predict, RunScript, SubmitJob
from mlsql.rest.service import Service
from mlsql.tokens import Token

M = TypeVar("M", bound=BaseModel)

_BEARER = HTTPBearer(auto_error=False, description="A token that `mlsql token create` printed.")
_MOST_FIELDS = 100
_HOW_TO_SIGN_IN = "a token is needed: 'Authorization: Bearer TOKEN'; `mlsql token create` makes one"

NO_EFFECT = ("fetchType", "sessionPerUser", "skipInclude", "skipAuth", "skipGrammarValidate", "access_token")
"""Fields that clients of Byzer send and that change nothing here."""

_NO_EFFECT_ON_PREDICTIONS = ("sessionPerUser", "perRequestCoreNum", "access_token")

ONLY_DEFAULT: Mapping[str, str] = {
    "jobType": "script",
    "defaultPathPrefix": "",
    "allPathPrefix": "",
}
"""Fields that would change what happens, at the value that this version can do."""


def service_of(request: Request) -> Service:
    """What stands behind the application."""
    return cast(Service, request.app.state.service)


async def _service(request: Request) -> Service:
    return service_of(request)


async def signed_in(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Caller:
    """Who the token of a request stands for: in ``Authorization``, or in the field of old clients.

    Every token that is not good is answered alike. Where none is asked for, only the person at
    the machine reaches it.
    """
    tokens = service_of(request).tokens
    if tokens is None:
        person: Caller = request.app.state.known_tokens
        request.state.owner = person.owner  # for the log
        return person
    text = shown.credentials if shown else await _token_field(request)
    token = expect_token(await run_in_threadpool(tokens.find, text))
    request.state.owner = token.owner
    request.state.token = text
    return Caller(token.owner, token.role)


async def caller_of(request: Request) -> Caller:
    """The same, where nobody solves dependencies (:mod:`mlsql.rest.lean`)."""
    return await signed_in(request, await _BEARER(request))


def expect_token(token: Token | None) -> Token:
    """*token*, when there is one; else what to do about it, with status 401."""
    if token is None:
        raise HTTPException(401, _HOW_TO_SIGN_IN, {"WWW-Authenticate": "Bearer"})
    return token


def is_still_signed_in(request: Request) -> bool:
    """Whether the token of a request that was let in is good yet: it may have been revoked since."""
    tokens = service_of(request).tokens
    return tokens is None or tokens.find(request.state.token) is not None


async def _token_field(request: Request) -> str:
    """The field ``access_token`` of a body that can be read."""
    with suppress(MlsqlError, HTTPException):
        return str((await fields_of(request)).get("access_token", ""))
    return ""


def _found(
    request: Request,
    job: str,
    service: Annotated[Service, Depends(_service)],
    caller: Annotated[Caller, Depends(signed_in)],
) -> Job:
    """The job that the URL names, whose id is that of the reply too."""
    found = find_job(service, caller, job)
    request.state.job = found.id
    return found


async def read_script(request: Request) -> RunScript:
    """The fields of a form or of a JSON object; every one that cannot be is told at once."""
    fields = await fields_of(request)
    given = {name: value for name, value in fields.items() if not _is_without_effect(name, value)}
    return _read(RunScript, given, more=(*NO_EFFECT, *ONLY_DEFAULT))


async def read_prediction(request: Request) -> Predict:
    """The fields of a form or of a JSON object; what asks Byzer for cores or a context has no effect."""
    fields = await fields_of(request)
    given = {
        name: value
        for name, value in fields.items()
        if name not in _NO_EFFECT_ON_PREDICTIONS and not name.startswith("context.")
    }
    return _read(Predict, given, more=_NO_EFFECT_ON_PREDICTIONS)


async def read_submission(request: Request) -> SubmitJob:
    """The fields of a JSON object."""
    if content_type(request) != "application/json":
        raise HTTPException(415, "the body is JSON, and its Content-Type says so")
    return _read(SubmitJob, _json_object(await request.body()))


async def fields_of(request: Request) -> dict[str, Any]:
    """The fields of a form or of a JSON object."""
    kind = content_type(request)
    if kind == "application/json":
        return _json_object(await request.body())
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        most = service_of(request).settings.server.body_limit
        async with request.form(max_part_size=most) as form:
            return {name: _text(name, value) for name, value in form.items()}
    raise HTTPException(415, "the body is a form or JSON, and its Content-Type says which")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ScriptError(f"the field '{name}' is a file, and has to be a text")
    return value


def content_type(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
        body.decode() if b"\\u" not in body else json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"the body is not JSON in UTF-8: {error}") from error
    if not isinstance(fields, dict):
        raise ScriptError("the body is a JSON object", hint='{"sql": "select 1 as one as t"}')
    if len(fields) > _MOST_FIELDS:
        raise ScriptError(f"the body has {len(fields):,} fields, and no request has that many")
    return fields


def _read(kind: type[M], given: Mapping[str, Any], *, more: tuple[str, ...] = ()) -> M:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        errors = [_field_error(each, kind, more) for each in error.errors()]
        raise errors[0] if len(errors) == 1 else ScriptErrors(errors) from error


def _is_without_effect(name: str, value: Any) -> bool:
    """Whether a field of Byzer can be passed over; one that asks for what is not there cannot."""
    if name in NO_EFFECT:
        return True
    if name not in ONLY_DEFAULT:
        return False
    text = value if isinstance(value, str) else json.dumps(value)
    if text.casefold() not in ("", ONLY_DEFAULT[name]):
        raise _not_yet(name, text)
    return True


def _not_yet(name: str, text: str) -> ScriptError:
    return ScriptError(
        f"the field '{name}' can only be left out in this version", hint=f"'{text}' is not there yet"
    )


def _field_error(error: Any, kind: type[BaseModel], more: tuple[str, ...]) -> ScriptError:
    name = str(error["loc"][0])
    match error["type"]:
        case "extra_forbidden":
            known = [each.alias or name for name, each in kind.model_fields.items()]
            return UnknownName("field", name, [*known, *more])
        case "missing":
            hint = kind.model_fields[name].description if name in kind.model_fields else None
            return ScriptError(f"the field '{name}' is missing", hint=hint)
        case _:
            return ScriptError(f"the field '{name}' cannot be read: {error['msg']}")


CallerOf = Annotated[Caller, Depends(signed_in)]
ServiceOf = Annotated[Service, Depends(_service)]
FoundJob = Annotated[Job, Depends(_found)]
