"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from mlsql.rest.dependencies import ServiceOf
from mlsql.rest.schemas import Liveness, ReadinessReply

router = APIRouter(tags=["health"])


@router.get("/health/liveness")
async def liveness() -> Liveness:
    """Answers as long as the process does; says nothing of Spark."""
    return Liveness()


@router.get("/health/readiness", responses={status: {"model": ReadinessReply} for status in (200, 503)})
def readiness(service: ServiceOf) -> Response:
    """Whether Spark answers within a second, the database writes and results have room.

    A load balancer sends no scripts to a server that replies 503; the part that lacks something
    says what.
    """
    problems = service.readiness.problems()
    is_ready = not any(problems.values())
    body = {"status": "UP" if is_ready else "DOWN", "problems": problems}
    return JSONResponse(body, 200 if is_ready else 503)
