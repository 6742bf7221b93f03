"""What the routes are given: the service, who calls, and the fields of a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from mlsql.engine import default_owner
from mlsql.errors import ScriptError, ScriptErrors, UnknownName
from mlsql.rest.schemas import RunScript, SubmitJob
from mlsql.rest.service import Service

M = TypeVar("M", bound=BaseModel)

NO_EFFECT = ("fetchType", "sessionPerUser", "skipInclude", "skipAuth", "skipGrammarValidate")
"""Fields that clients of Byzer send and that change nothing here."""

ONLY_DEFAULT: Mapping[str, str] = {
    "jobType": "script",
    "callback": "",
    "callbackHeader": "",
    "maxRetries": "",
    "defaultPathPrefix": "",
    "allPathPrefix": "",
    "access_token": "",
}
"""Fields that would change what happens, at the value that this version can do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    owner: str

    def acting_for(self, owner: str | None) -> str:
        """The owner of what is asked for: the one that is named, by default the caller."""
        return owner or self.owner


def _caller(_request: Request) -> Caller:
    """Nobody signs in yet: whoever reaches this machine's loopback is the person at the machine."""
    return Caller(default_owner())


def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


async def _script_request(request: Request) -> RunScript:
    """The fields of a form or of a JSON object; every one that cannot be is told at once."""
    fields = await fields_of(request)
    given = {name: value for name, value in fields.items() if not _is_without_effect(name, value)}
    return _read(RunScript, given, more=(*NO_EFFECT, *ONLY_DEFAULT))


async def _job_request(request: Request) -> SubmitJob:
    if _content_type(request) != "application/json":
        raise HTTPException(415, "the body is JSON, and its Content-Type says so")
    given = _read(SubmitJob, _json_object(await request.body()))
    if given.callback:
        raise _not_yet("callback", given.callback)
    return given


async def fields_of(request: Request) -> dict[str, Any]:
    """The fields of a form or of a JSON object."""
    kind = _content_type(request)
    if kind == "application/json":
        return _json_object(await request.body())
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        most = _service(request).settings.server.body_limit
        async with request.form(max_part_size=most) as form:
            return {name: _text(name, value) for name, value in form.items()}
    raise HTTPException(415, "the body is a form or JSON, and its Content-Type says which")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ScriptError(f"the field '{name}' is a file, and has to be a text")
    return value


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
        body.decode() if b"\\u" not in body else json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"the body is not JSON in UTF-8: {error}") from error
    if not isinstance(fields, dict):
        raise ScriptError("the body is a JSON object", hint='{"sql": "select 1 as one as t"}')
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
            return ScriptError(f"the field '{name}' is missing", hint="it holds the script")
        case _:
            return ScriptError(f"the field '{name}' cannot be read: {error['msg']}")


CallerOf = Annotated[Caller, Depends(_caller)]
ServiceOf = Annotated[Service, Depends(_service)]
ScriptOf = Annotated[RunScript, Depends(_script_request)]
JobRequestOf = Annotated[SubmitJob, Depends(_job_request)]
