"""Whether the server lives."""

from __future__ import annotations

from fastapi import APIRouter

from mlsql.rest.schemas import Liveness

router = APIRouter(tags=["health"])


@router.get("/health/liveness")
async def liveness() -> Liveness:
    """Answers as long as the process does; says nothing of Spark."""
    return Liveness()
