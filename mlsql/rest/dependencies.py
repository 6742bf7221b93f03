"""What the routes are given: the engine, the running scripts, and the fields of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from mlsql.engine import Engine
from mlsql.errors import ScriptError, ScriptErrors, UnknownName
from mlsql.rest.guards import BODY_LIMIT
from mlsql.rest.schemas import RunScript
from mlsql.stop import Stop

NO_EFFECT = ("jobName", "fetchType", "sessionPerUser", "skipInclude", "skipAuth", "skipGrammarValidate")
"""Fields that clients of Byzer send and that change nothing here."""

ONLY_DEFAULT: Mapping[str, str] = {
    "jobType": "script",
    "async": "false",
    "skipPhysicalJob": "false",
    "callback": "",
    "callbackHeader": "",
    "maxRetries": "",
    "defaultPathPrefix": "",
    "allPathPrefix": "",
    "access_token": "",
}
"""Fields that would change what happens, at the value that this version can do."""


@dataclass(slots=True)
class Runs:
    """The stops of the scripts that run now, so that the end of the server ends them."""

    _stops: set[Stop] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def open(self, timeout: float | None) -> Iterator[Stop]:
        """The stop of one run, known here while the block lasts."""
        stop = Stop(timeout)
        with self._lock:
            self._stops.add(stop)
        try:
            yield stop
        finally:
            with self._lock:
                self._stops.discard(stop)

    def cancel(self) -> None:
        """Cancel every run that is open."""
        with self._lock:
            stops = list(self._stops)
        for stop in stops:
            stop.cancel()


def _engine(request: Request) -> Engine:
    return cast(Engine, request.app.state.engine)


def _runs(request: Request) -> Runs:
    return cast(Runs, request.app.state.runs)


async def _script_request(request: Request) -> RunScript:
    """The fields of a form or of a JSON object; every one that cannot be is told at once."""
    fields = await _fields(request)
    given = {name: value for name, value in fields.items() if not _is_without_effect(name, value)}
    try:
        return RunScript.model_validate(given)
    except ValidationError as error:
        errors = [_field_error(each) for each in error.errors()]
        raise errors[0] if len(errors) == 1 else ScriptErrors(errors) from error


async def _fields(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _json_object(await request.body())
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return dict(await request.form(max_part_size=BODY_LIMIT))
    raise HTTPException(415, "the body is a form or JSON, and its Content-Type says which")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise ScriptError(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ScriptError("the body is a JSON object", hint='{"sql": "select 1 as one as t"}')
    return fields


def _is_without_effect(name: str, value: Any) -> bool:
    """Whether a field of Byzer can be passed over; one that asks for what is not there cannot."""
    if name in NO_EFFECT:
        return True
    if name not in ONLY_DEFAULT:
        return False
    text = value if isinstance(value, str) else json.dumps(value)
    if text.casefold() not in ("", ONLY_DEFAULT[name]):
        raise ScriptError(
            f"the field '{name}' can only be left out in this version", hint=f"'{text}' is not there yet"
        )
    return True


def _field_error(error: Any) -> ScriptError:
    name = str(error["loc"][0])
    match error["type"]:
        case "extra_forbidden":
            known = [each.alias or name for name, each in RunScript.model_fields.items()]
            return UnknownName("field", name, [*known, *NO_EFFECT, *ONLY_DEFAULT])
        case "missing":
            return ScriptError(f"the field '{name}' is missing", hint="it holds the script")
        case _:
            return ScriptError(f"the field '{name}' cannot be read: {error['msg']}")


EngineOf = Annotated[Engine, Depends(_engine)]
RunsOf = Annotated[Runs, Depends(_runs)]
ScriptOf = Annotated[RunScript, Depends(_script_request)]
