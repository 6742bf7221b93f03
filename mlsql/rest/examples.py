"""Replies as the description of the interface shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

_ID = "4f6b1d0c9a3e4b6f8a52c1d7e9f00b3a"
_URL = f"/api/v1/jobs/{_ID}"

SUBMITTED: Mapping[str, Any] = {"id": _ID, "url": _URL}

JOB: Mapping[str, Any] = {
    "id": _ID,
    "url": _URL,
    "name": "nightly",
    "owner": "ann",
    "state": "succeeded",
    "attempt": 1,
    "priority": 0,
    "timeout": 60_000,
    "cancelRequested": False,
    "submitted": "2026-01-01T02:00:00.000Z",
    "started": "2026-01-01T02:00:00.012Z",
    "ended": "2026-01-01T02:00:41.530Z",
    "statement": {"number": 1, "total": 1, "line": 1, "file": "<script>", "title": "select 1 as one as t"},
    "progress": [],
    "metrics": [],
    "spark": None,
    "error": None,
    "result": {
        "rows": 1,
        "bytes": 8,
        "complete": True,
        "url": f"{_URL}/result",
        "expires": "2026-01-08T02:00:41.530Z",
    },
}

RUNNING_JOB: Mapping[str, Any] = {
    "owner": "ann",
    "jobType": "script",
    "jobName": "nightly",
    "jobContent": "select 1 as one as t;",
    "groupId": _ID,
    "state": "running",
    "progress": {"totalJob": 1, "currentJobIndex": 1, "script": "select 1 as one as t;"},
    "startTime": 1_767_232_800_012,
    "timeout": -1,
}

_DIAGNOSTIC: Mapping[str, Any] = {
    "kind": "UnknownName",
    "message": "no source is called 'jbdc'",
    "file": "<script>",
    "line": 1,
    "column": 6,
    "excerpt": "    load jbdc.`x` as t;\n         ^^^^",
    "hint": "did you mean 'jdbc'?",
}

ERROR: Mapping[str, Any] = {"error": {**_DIAGNOSTIC, "job": _ID, "diagnostics": [_DIAGNOSTIC]}}


def with_example(example: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a model that shows *example*."""
    return ConfigDict(json_schema_extra={"example": dict(example)})
