"""``/metrics``: what is counted, under names and in a form that Prometheus takes."""

from __future__ import annotations

import asyncio
import re
import time

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.engine import check_script
from mlsql.errors import DataError, Refused
from mlsql.events import Carried, WorkerEnded, WorkerStarted
from mlsql.registrations import UnknownFunction
from mlsql.rest.callers import Caller
from mlsql.rest.counted_scorers import CountedScorers
from mlsql.rest.metrics import Counts, Metrics
from mlsql.rest.routes.metrics import metrics as read
from mlsql.rest.scorers import NoScorers
from mlsql.rest.service import open_service, result_folders
from mlsql.roles import Role
from mlsql.spans import Script
from mlsql.udf.serving.keeper import ScorerFigures
from mlsql.udf.serving.translation import NotCarriedOver

JOBS = "/api/v1/jobs"
SECONDS = 60


@pytest.fixture
def client(tmp_path, client_of_service):
    """A server whose jobs carry three rows to a worker, and fail when their script says so."""
    settings = Settings(
        server=ServerSettings(state=tmp_path / "state"), jobs=JobSettings(concurrency=1, queue=2)
    )
    results = result_folders(settings)

    def work(job, stop, sink):
        sink(WorkerStarted())
        sink(Carried(3, 24))
        if "fail" in job.submission.script:
            sink(WorkerEnded())
            raise DataError("nothing lies there")
        while "wait" in job.submission.script:
            stop.wait(0.01)
        rows = pa.record_batch([pa.array([1])], ["id"])
        sink(WorkerEnded())
        return results.keep(job, rows.schema, [rows])

    def check(text, **asked):
        return check_script(Script("<script>", text), settings, parameters=asked["parameters"], complete=True)

    with open_service(settings, work, check) as service, client_of_service(service) as client:
        yield client


def measured(client):
    """The samples by name and labels."""
    return samples(client.get("/metrics").text)


def samples(text):
    """The samples of a text of Prometheus by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def until(client, name, value):
    """The samples, when one of them is what it has to become."""
    deadline = time.monotonic() + SECONDS
    while (found := measured(client)).get(name) != value:
        assert time.monotonic() < deadline, found.get(name)
        time.sleep(0.02)
    return found


def test_scorers_are_measured_and_told_by_name():
    """How they stand as their keeper knows it, how long they took, and what they did not answer."""
    measures = Metrics()
    figures = ScorerFigures("shared-0", is_ready=True, restarts=1, models=2, bytes=300, evictions=4)
    measures.count(Counts(dict, dict, lambda: 0, lambda: [figures]))
    asked = CountedScorers(NoScorers(), measures)
    with pytest.raises(UnknownFunction):
        asyncio.run(asked.predict("ann", "f", [[1.0]]))
    with pytest.raises(NotCarriedOver):
        asyncio.run(asked.query("ann", "select 1", b""))
    found = samples(measures.text().decode())
    assert found["mlsql_scorer_request_seconds_count",] == 2
    assert found["mlsql_scorer_failures_total", "UnknownFunction"] == 1
    assert found["mlsql_scorer_failures_total", "NotCarriedOver"] == 1
    names = ("up", "restarts_total", "models", "models_bytes", "evictions_total")
    assert [found[f"mlsql_scorer_{name}", "shared-0"] for name in names] == [1, 1, 2, 300, 4]


def test_jobs_are_counted_by_state_and_measured(client):
    """What they carried and how long they took, too."""
    client.post("/run/script", json={"sql": "select 1 as id as t;"})
    client.post("/run/script", json={"sql": "set fail=1;"})
    found = until(client, ("mlsql_job_run_seconds_count", "failed"), 1)
    assert found["mlsql_jobs", "succeeded"] == found["mlsql_jobs", "failed"] == 1
    assert found["mlsql_jobs", "running"] == found["mlsql_jobs", "queued"] == 0
    assert found["mlsql_job_run_seconds_count", "succeeded"] == 1
    assert found["mlsql_job_wait_seconds_count",] == found["mlsql_submissions_total",] == 2
    assert (found["mlsql_bridge_rows_total",], found["mlsql_bridge_bytes_total",]) == (6, 48)
    assert found["mlsql_workers",] == found["mlsql_sessions",] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_what_waits_and_runs_now_is_told(client):
    """And the worker that lives."""
    jobs = [client.post(JOBS, json={"script": "set wait=1;"}).json()["id"] for _ in range(2)]
    found = until(client, ("mlsql_workers",), 1)
    assert (found["mlsql_jobs", "running"], found["mlsql_jobs", "queued"]) == (1, 1)
    for job in reversed(jobs):
        client.post(f"{JOBS}/{job}/cancel")
    until(client, ("mlsql_jobs", "cancelled"), 2)


def test_refused_submissions_are_counted_by_reason(client):
    """The class of the error that was told."""
    client.post(JOBS, json={"script": "load cvs.`x` as t;"})
    for _ in range(4):
        client.post(JOBS, json={"script": "set wait=1;"})
    found = measured(client)
    assert found["mlsql_submissions_refused_total", "UnknownName"] == 1
    assert found["mlsql_submissions_refused_total", "QueueFull"] >= 1


def test_requests_are_measured_by_route_and_never_by_path(client):
    """However many jobs and nonsense are asked for, there are only so many series."""
    for number in range(3):
        client.get(f"{JOBS}/{number}")
        client.get(f"/nothing/{number}")
    client.request("PROPFIND", "/coffee")  # one that every parser lets through
    found = measured(client)
    assert found["mlsql_http_request_seconds_count", "GET", f"{JOBS}/{{job}}", "404"] == 3
    assert found["mlsql_http_request_seconds_count", "GET", "unmatched", "404"] == 3
    assert found["mlsql_http_request_seconds_count", "other", "unmatched", "404"] == 1


def test_every_measure_has_a_help_and_a_name_by_the_conventions(client):
    """Counters end in _total, and units are base units."""
    text = client.get("/metrics").text
    families = list(text_string_to_metric_families(text))
    assert all(each.documentation.endswith(".") for each in families if each.name.startswith("mlsql_"))
    for each in families:
        assert re.fullmatch(r"(mlsql|process)(_[a-z]+)*", each.name), each.name
        assert not each.name.endswith(("_ms", "_milliseconds", "_mb"))


def test_only_operators_read_them(client):
    """They tell what others do."""
    with pytest.raises(Refused, match="operators"):
        read(None, Caller("ann", Role.ANALYST))


def test_two_services_count_apart():
    """A registry is a service's."""
    one, other = Metrics(), Metrics()
    one.take(Carried(5, 5))
    assert b"mlsql_bridge_rows_total 5.0" in one.text()
    assert b"mlsql_bridge_rows_total 0.0" in other.text()
