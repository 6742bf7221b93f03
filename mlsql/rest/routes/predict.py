"""Ask functions of a session about rows that the request brings, as clients of Byzer do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from mlsql.dialect import DIALECTS
from mlsql.errors import ConfigError, RunError, ScriptError
from mlsql.predictions import Given, answer_as_json, objects, pipeline_query, texts, vectors
from mlsql.rest.dependencies import read_prediction, service_of
from mlsql.rest.lean import LeanRoute, known_caller
from mlsql.rest.replies import error_replies
from mlsql.rest.schemas import Predict
from mlsql.rest.service import Service
from mlsql.udf.serving.translation import NotCarriedOver

log = logging.getLogger(__name__)

LANE_HEADER = "X-Mlsql-Lane"
"""Who answered: ``scorer`` or ``spark``."""
router = APIRouter(tags=["models"], route_class=LeanRoute)

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
    "headers": {LANE_HEADER: {"description": "`scorer` or `spark`.", "schema": {"type": "string"}}},
}


@router.post(
    "/model/predict",
    responses={200: _ROWS, **error_replies(408, 413, 415, 502)},
    openapi_extra={"requestBody": _REQUEST_BODY},
)
async def model_predict(request: Request) -> Response:
    """The rows of a query over ``data``, with the functions of its owner.

    A scorer answers what it answers as Spark does, else Spark, in the session in which the functions
    were registered; the header `X-Mlsql-Lane` says which of the two. It is no job: nothing of it is kept.
    As many run on Spark at once as jobs do, the others wait.
    """
    caller = await known_caller(request)
    asked = await read_prediction(request)
    service = service_of(request)
    sql = _query(asked)
    rows = READERS[asked.data_type](asked.data)
    owner = caller.acting_for(asked.owner)
    if not asked.data:
        return Response("[]", media_type="application/json")
    lane, body = "scorer", await _of_scorer(service, owner, sql, rows)
    if body is None:
        ask = partial(service.cluster.predict, rows, sql, owner, caller.role)
        lane, body = "spark", await to_thread.run_sync(ask, limiter=request.app.state.predicting)
    return Response(body, media_type="application/json", headers={LANE_HEADER: lane})


async def _of_scorer(service: Service, owner: str, sql: str, rows: Given) -> str | None:
    """The rows as a scorer gives them; None when it is for Spark to give them, or to say what is wrong."""
    try:
        answer = await service.scorers.query(owner, sql, rows.asked())
        nulls = not DIALECTS[service.settings.language.dialect].omits_nulls
        return answer_as_json(answer, nulls=nulls)
    except (NotCarriedOver, RunError, ConfigError) as error:
        log.debug("a query is for Spark: %s", error.message)
        return None


def _query(asked: Predict) -> str:
    if (asked.sql is None) == (asked.pipeline is None):
        raise ScriptError("either 'sql' or 'pipeline' says what to predict", hint="and not both")
    return pipeline_query(asked.pipeline) if asked.pipeline is not None else asked.sql or ""
