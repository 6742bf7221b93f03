"""The callbacks of a job: what became of them, and one that is sent once more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from mlsql.jobs.errors import UnknownCallback
from mlsql.rest.callback_fields import CallbackList, CallbackReply
from mlsql.rest.callbacks import callback_reply
from mlsql.rest.dependencies import FoundJob, ServiceOf
from mlsql.rest.replies import JOBS_URL, error_replies

router = APIRouter(prefix=f"{JOBS_URL}/{{job}}/callbacks", tags=["callbacks"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]

_ONE = {
    "number": 1,
    "id": "5f0c1a3e9d2b4c6f8a7e1d3b5c9f0a2e-1",
    "url": "https://hooks.example.com/mlsql",
    "state": "dead",
    "tries": 11,
    "nextTry": None,
    "error": "the receiver answered 500",
}


def _shown(status: int, example: object) -> dict[int | str, dict[str, object]]:
    return {status: {"content": {"application/json": {"example": example}}}}


@router.get("", responses=_shown(200, {"callbacks": [_ONE]}) | error_replies(404))
def list_callbacks(found: FoundJob, service: ServiceOf) -> CallbackList:
    """What became of the callbacks of a job; there are none before it has ended."""
    listed = service.callbacks.outbox.listed(found.id)
    return CallbackList(callbacks=[callback_reply(each) for each in listed])


@router.post(
    "/{number}/replay",
    status_code=202,
    responses=_shown(202, {**_ONE, "state": "pending", "tries": 0, "error": None}) | error_replies(404, 409),
)
def replay(found: FoundJob, number: Number, service: ServiceOf) -> CallbackReply:
    """Send a callback that is delivered or dead once more, under the same id; its tries begin anew."""
    if number not in {each.number for each in service.callbacks.outbox.listed(found.id)}:
        raise UnknownCallback(found.id, number)
    return callback_reply(service.callbacks.replay(found.id, number))
