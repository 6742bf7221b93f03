"""Questions to registered functions over HTTP: the rows of a body, and the answers as a reply."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from mlsql.errors import RunError, ScriptError, UnknownName
from mlsql.jobs.errors import NotAnswered
from mlsql.registrations import Registration
from mlsql.rest.callers import Caller
from mlsql.rest.dependencies import content_type, service_of
from mlsql.rest.invocations import read_csv, read_invocation
from mlsql.rest.lean import known_caller
from mlsql.rest.prediction_rows import RowReader
from mlsql.rest.scorers import Scorers
from mlsql.roles import Role
from mlsql.udf.serving.functions import Companion

ARROW = "application/vnd.apache.arrow.stream"
CSV = "text/csv"
JSON = "application/json"
_COMPANIONS = ("", "proba", "all")
_EXACT = 2**53
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
ReadRows = Callable[[bytes, Registration], list[Any]]


@dataclass(frozen=True, slots=True)
class Meant:
    """A function as *caller* names it to the scorers, and how it is registered."""

    scorers: Scorers
    caller: str
    name: str
    registration: Registration


async def meant_function(request: Request, function: str, owner: str | None) -> Meant:
    """The function that a request names; UnknownFunction, status 404, when the caller may call none such."""
    caller = await known_caller(request)
    if not function:
        raise ScriptError("no function is named", hint="/invocations?function=f, or X-Mlsql-Function: f")
    scorers = service_of(request).scorers
    acting, name = _named(caller, function, owner)
    return Meant(scorers, acting, name, scorers.find(acting, name))


async def answered(
    request: Request, meant: Meant, companion: str, readers: Mapping[str, ReadRows]
) -> Response:
    """The answers for the rows of the body, in the form in which these came."""
    if companion not in _COMPANIONS:
        raise UnknownName("companion", companion, _COMPANIONS[1:])
    which = cast(Companion, companion)
    kind = content_type(request)
    body = await request.body()
    if kind == ARROW:
        return Response(await _asked(meant, body, which), media_type=ARROW)
    if kind not in readers:
        raise HTTPException(415, f"the body is one of {', '.join([*readers, ARROW])}")
    given = readers[kind](body, meant.registration)
    rows = RowReader(meant.name, meant.registration.inputs).read(given)
    answers = await _asked(meant, rows, which) if rows else []
    return Response(predictions(answers), media_type=JSON)


async def _asked(meant: Meant, rows: list[list[object]] | bytes, companion: Companion) -> Any:
    try:
        return await meant.scorers.predict(meant.caller, meant.name, rows, companion=companion)
    except RunError as error:
        if error.retriable:
            raise NotAnswered(error.message) from error
        raise


def predictions(answers: list[Any]) -> str:
    """The answers as JSON, which knows no NaN and rounds large integers, as results say them."""
    try:
        if not any(type(each) is int and abs(each) > _EXACT for each in answers):
            return _encode({"predictions": answers})
    except ValueError:
        pass  # a NaN somewhere
    return _encode({"predictions": [_plain(each) for each in answers]})


def rows_of_json(body: bytes, _: Registration) -> list[Any]:
    """The rows of ``{"rows": […]}``."""
    fields = read_json_object(body)
    if fields.keys() != {"rows"}:
        unknown = next((each for each in fields if each != "rows"), None)
        if unknown is not None:
            raise UnknownName("field", unknown, ["rows"])
        raise ScriptError("the body has no 'rows'", hint='{"rows": [[9.4, 0.56]]}')
    return cast(list[Any], fields["rows"])


def rows_of_invocation(body: bytes, _: Registration) -> list[Any]:
    """The rows of a JSON object as MLflow's clients send it."""
    return read_invocation(read_json_object(body))


def rows_of_csv(body: bytes, registration: Registration) -> list[Any]:
    """The rows of a CSV."""
    try:
        return read_csv(body.decode(), registration.inputs)
    except UnicodeDecodeError as error:
        raise ScriptError("the body is not in UTF-8") from error


def read_json_object(body: bytes) -> dict[str, Any]:
    """The object that a body is."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"the body is not JSON in UTF-8: {error}") from error
    if not isinstance(fields, dict):
        raise ScriptError("the body is a JSON object", hint='{"rows": [[9.4, 0.56]]}')
    return fields


def _named(caller: Caller, function: str, owner: str | None) -> tuple[str, str]:
    """For whom the scorers are asked, and what for: an operator acts for everybody."""
    if not owner or owner == caller.owner:
        return caller.owner, function
    if caller.role is Role.OPERATOR:
        return owner, function
    return caller.owner, f"{owner}.{function}"


def _plain(value: Any) -> Any:
    match value:
        case bool():
            return value
        case float():
            return value if math.isfinite(value) else None
        case int():
            return value if abs(value) <= _EXACT else str(value)
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case _:
            return value
