"""What the service counts, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from mlsql.rest.dependencies import CallerOf, ServiceOf
from mlsql.rest.replies import error_replies

router = APIRouter(tags=["health"])

_TEXT = {
    "description": "The text form of Prometheus.",
    "content": {"text/plain": {"example": '# TYPE mlsql_jobs gauge\nmlsql_jobs{state="running"} 2.0\n'}},
}


@router.get("/metrics", responses={200: _TEXT, **error_replies()}, response_class=Response)
def metrics(service: ServiceOf, caller: CallerOf) -> Response:
    """Counts and durations since the server began; for operators."""
    caller.expect_operator()
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
