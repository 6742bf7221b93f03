"""Ask functions of a session about rows that the request brings, as clients of Byzer do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from mlsql.errors import ScriptError
from mlsql.predictions import Given, objects, pipeline_query, texts, vectors
from mlsql.rest.dependencies import CallerOf, PredictionOf, ServiceOf
from mlsql.rest.replies import error_replies
from mlsql.rest.schemas import Predict

router = APIRouter(tags=["models"])

READERS: Mapping[str, Callable[[Sequence[Any]], Given]] = {
    "vector": vectors,
    "string": texts,
    "row": objects,
}
_EXAMPLES = {
    "application/json": {"data": [[9.4, 0.5]], "sql": "select quality(feature) as p"},
    "application/x-www-form-urlencoded": {"data": "[[9.4, 0.5]]", "pipeline": "scale,quality"},
}
_FIELDS = Predict.model_json_schema()
_REQUEST_BODY = {
    "required": True,
    "content": {kind: {"schema": _FIELDS, "example": example} for kind, example in _EXAMPLES.items()},
}
_ROWS = {
    "description": "A row for each that was given.",
    "content": {"application/json": {"example": [{"p": "good"}]}},
}


@router.post(
    "/model/predict",
    responses={200: _ROWS, **error_replies(408, 413, 415, 502)},
    openapi_extra={"requestBody": _REQUEST_BODY},
)
async def model_predict(
    request: Request, asked: PredictionOf, service: ServiceOf, caller: CallerOf
) -> Response:
    """The rows of a query over ``data``, in the session in which the functions were registered.

    It is no job: nothing of it is kept. As many run at once as jobs do, the others wait.
    """
    sql = _query(asked)
    rows = READERS[asked.data_type](asked.data)
    owner = caller.acting_for(asked.owner)
    if not asked.data:
        return Response("[]", media_type="application/json")
    ask = partial(service.cluster.predict, rows, sql, owner, caller.role)
    body = await to_thread.run_sync(ask, limiter=request.app.state.predicting)
    return Response(body, media_type="application/json")


def _query(asked: Predict) -> str:
    if (asked.sql is None) == (asked.pipeline is None):
        raise ScriptError("either 'sql' or 'pipeline' says what to predict", hint="and not both")
    return pipeline_query(asked.pipeline) if asked.pipeline is not None else asked.sql or ""
