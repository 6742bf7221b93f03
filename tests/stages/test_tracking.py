"""What a training made is told to MLflow, on a real tracking store; what fails there is a warning."""

from __future__ import annotations

import dataclasses
import socket
import threading

import pytest
from mlflow.tracking import MlflowClient

from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, ModelRef, StoredModel
from mlsql.stages.algorithms.report import noted
from mlsql.stages.algorithms.tracking import track

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow, about what it does itself

GOOD = CandidateRecord(
    index=0,
    algorithm="GaussianNB",
    params={f"p{number}": str(number) for number in range(120)},
    status="success",
    metrics={"f1": 0.75, "accuracy": 0.5},
    started="2026-01-02T03:04:05.000+00:00",
    ended="2026-01-02T03:04:06.500+00:00",
    seconds=1.5,
    rows=12,
)
FAILED = dataclasses.replace(GOOD, index=2, params={}, status="fail", message="it would not", metrics={})
MANIFEST = Manifest(
    algorithm="SKLearn",
    kind="classifier",
    form="columns",
    inputs=(Column("x", "int"),),
    features=1,
    output="string",
    candidates=(GOOD, FAILED),
    data=DataRecord(rows=12, bytes=96, checksum="0a1b2c3d", transport="spool"),
    owner="ann",
    script="churn.mlsql",
    job="0123",
)
STORED = StoredModel(ModelRef("/models/wine", 3), MANIFEST)


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """A new tracking store in a file of SQLite."""
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


def test_each_candidate_is_a_run_of_the_experiment_of_its_path(uri):
    """With all its parameters, its metrics, and where its model lies; another version joins them."""
    events = []
    track(STORED, uri, events.append, seconds=300)
    track(StoredModel(ModelRef("/models/wine", 4), MANIFEST), uri, events.append, seconds=300)
    assert events == []
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("/models/wine").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert sorted(runs) == [f"version {version}, model {index}" for version in (3, 4) for index in (0, 2)]
    good, failed = runs["version 3, model 0"], runs["version 3, model 2"]
    assert (good.data.params, good.data.metrics) == (dict(GOOD.params), dict(GOOD.metrics))
    assert (
        good.data.tags.items()
        >= {
            "mlsql.path": "/models/wine",
            "mlsql.version": "3",
            "mlsql.algIndex": "0",
            "mlsql.algorithm": "GaussianNB",
            "mlflow.user": "ann",
        }.items()
    )
    assert (good.info.status, good.info.end_time - good.info.start_time) == ("FINISHED", 1500)
    assert (failed.info.status, failed.data.tags["mlsql.message"]) == ("FAILED", "it would not")


def test_a_store_that_fails_is_a_warning_without_its_password():
    """The model is stored all the same."""
    events = []
    track(STORED, "nothing://ann:topsecret@host/db", events.append)
    (event,) = events
    assert event.level == "warning"
    assert "was not told of /models/wine/_model_3" in event.message
    assert "topsecret" not in event.message


def test_what_lies_where_is_told_and_what_is_too_long_is_cut(uri):
    """A model that failed lies nowhere; some stores refuse long texts."""
    long = dataclasses.replace(GOOD, params={"script": "x" * 10_000}, message="y" * 10_000)
    candidates = (long, FAILED, dataclasses.replace(FAILED, index=3, status="skipped"))
    stored = StoredModel(ModelRef("/models/other", 0), dataclasses.replace(MANIFEST, candidates=candidates))
    events = []
    assert track(stored, uri, events.append, seconds=300) == ""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("/models/other").experiment_id
    runs = {run.data.tags["mlsql.algIndex"]: run for run in client.search_runs([experiment])}
    assert runs["0"].data.tags["mlsql.modelPath"] == "/models/other/_model_0/model/0"
    assert "mlsql.modelPath" not in runs["2"].data.tags
    assert len(runs["0"].data.params["script"]) == len(runs["0"].data.tags["mlsql.message"]) == 5000
    assert [runs[index].info.status for index in "023"] == ["FINISHED", "FAILED", "KILLED"]


def test_a_server_that_does_not_answer_does_not_hold_what_is_done(monkeypatch):
    """It takes the connection and says nothing: the training ends soon, and its result says why."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    events = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://ann:topsecret@127.0.0.1:{server.getsockname()[1]}"
        told = track(STORED, uri, events.append, seconds=0.3)
    assert "was not told of /models/wine/_model_3: it did not take all within 0.3 s" in told
    assert "topsecret" not in told
    assert [event.message for event in events] == [told]
    for thread in threading.enumerate():  # its tries again would disturb other tests
        if thread.name == "mlsql-mlflow":
            thread.join(60)
            assert not thread.is_alive()


def test_a_server_that_is_not_there_is_told_at_once():
    """Without the tries of MLflow, which take minutes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    told = track(STORED, f"http://127.0.0.1:{port}", [].append)
    assert "refused" in told


def test_what_mlflow_was_not_told_stands_in_the_result():
    """Behind what each candidate had to say; the manifest stays as it was."""
    with_note = noted(STORED, "MLflow was not told")
    messages = [one.message for one in with_note.manifest.candidates]
    assert messages == ["MLflow was not told", "it would not; MLflow was not told"]
    assert noted(STORED, "") is STORED


def test_nothing_is_told_unless_it_is_asked_for():
    """The setting has no default."""
    events = []
    track(STORED, None, events.append)
    assert events == []
