"""The end of an owner's session, and what the cluster has; as Byzer names them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from mlsql.rest.dependencies import CallerOf, ServiceOf, fields_of
from mlsql.rest.replies import error_replies
from mlsql.rest.schemas import LoggedOut, Resources

router = APIRouter(tags=["owners"])

_FIELDS = {"type": "object", "properties": {"owner": {"type": "string"}}}
_LOGOUT: dict[str, Any] = {
    "required": False,
    "content": {
        kind: {"schema": _FIELDS, "example": {"owner": "ann"}}
        for kind in ("application/json", "application/x-www-form-urlencoded")
    },
}


@router.post("/user/logout", responses=error_replies(409, 413, 415), openapi_extra={"requestBody": _LOGOUT})
async def log_out(request: Request, service: ServiceOf, caller: CallerOf) -> LoggedOut:
    """Forget the caller's session: its tables, functions, variables and connections.

    A conflict while scripts run in it. Tables of the owner's database stay, and the token stays
    good. With ``owner`` an operator closes another's session.
    """
    fields = await fields_of(request) if await request.body() else {}
    owner = caller.acting_for(fields.get("owner"))
    await run_in_threadpool(service.cluster.log_out, owner)
    return LoggedOut()


@router.get("/instance/resource", responses=error_replies())
def instance_resource(service: ServiceOf, caller: CallerOf) -> Resources:
    """The cores, running tasks and storage memory of the cluster; for operators."""
    caller.expect_operator()
    return Resources(**service.cluster.resources())
