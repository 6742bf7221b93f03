"""The description of the interface is complete, and what it says is so whatever is sent."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.engine import check_script
from mlsql.events import Log
from mlsql.rest import create_app
from mlsql.rest.cluster import NoCluster
from mlsql.rest.metrics import Metrics
from mlsql.rest.service import open_service, result_folders
from mlsql.spans import Script
from tests.rest.conftest import answering

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HEALTH = ("/health/liveness", "/health/readiness")
INTERFACE = create_app(
    SimpleNamespace(settings=Settings(), tokens=None, metrics=Metrics())  # nothing is asked of it here
).openapi()
OPERATIONS = [
    (method.upper(), path) for path, operations in INTERFACE["paths"].items() for method in operations
]


def named(operation):
    """``GET /path``."""
    return " ".join(operation)


def resolved(schema):
    """What a reference stands for."""
    *_, name = schema.get("$ref", "/").split("/")
    return INTERFACE["components"]["schemas"][name] if name else schema


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_an_operation_describes_its_replies(operation):
    """A sentence, a model or a text with an example for each success, and the form of every error."""
    method, path = operation
    described = INTERFACE["paths"][path][method.lower()]
    assert described["description"]
    replies = described["responses"]
    for status, reply in replies.items():
        assert reply["description"], status
        for kind, content in reply["content"].items():
            shown = [content, resolved(content.get("schema", {}))]
            items = content.get("schema", {}).get("additionalProperties")
            shown += [resolved(items)] if isinstance(items, dict) else []
            is_told = any("example" in each or "examples" in each for each in shown)
            assert is_told or int(status) >= 400 or path.endswith("/result"), (status, kind)
    if path not in HEALTH:
        assert {"400", "401", "403", "429", "500"} <= replies.keys()
        assert all("application/json" in reply["content"] for s, reply in replies.items() if s >= "400")


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_an_operation_describes_what_it_takes(operation):
    """Each field of a body has a type, each body an example."""
    method, path = operation
    body = INTERFACE["paths"][path][method.lower()].get("requestBody")
    for content in body["content"].values() if body else ():
        assert "example" in content
        schema = resolved(content["schema"])
        assert schema["type"] == "string" or schema["properties"]


class Predicts(NoCluster):
    """Spark, for a request that has passed everything before it."""

    def predict(self, given, sql, owner, role):
        """No rows."""
        return "[]"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a server whose jobs end soon, and the ids of some of them."""
    state = tmp_path_factory.mktemp("openapi") / "state"
    chosen = Settings(server=ServerSettings(state=state), jobs=JobSettings(concurrency=2, queue=100_000))
    results = result_folders(chosen)

    def work(job, stop, sink):
        sink(Log("a line"))
        stop.wait(0.001)
        rows = pa.record_batch([pa.array([1, 2])], ["id"])
        return results.keep(job, rows.schema, [rows])

    def check(text, **asked):
        return check_script(Script("<script>", text), chosen, parameters=asked["parameters"], complete=True)

    with open_service(chosen, work, check, Predicts()) as service, answering(service) as client:
        body = {"script": "select 1 as id as t;"}
        jobs = [client.post("/api/v1/jobs", json=body).json()["id"] for _ in range(3)]
        yield str(client.base_url).rstrip("/"), jobs


@pytest.mark.parametrize(
    "examples", [8, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_whatever_is_sent_is_answered_as_described(operation, examples, served):
    """No reply is an error of the server, and each has a status, a type and a form that are described."""
    address, jobs = served
    method, path = operation
    cases = schemathesis.openapi.from_dict(INTERFACE)[path][method].as_strategy()

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, job=st.sampled_from([*jobs, None]))
    def law(case, job):
        if job is not None and "job" in case.path_parameters:
            case.path_parameters["job"] = job
        case.validate_response(case.call(base_url=address, timeout=60), checks=CHECKS)

    law()
