"""What a training made is told to MLflow, on a real tracking store; what fails there is a warning."""

from __future__ import annotations

import dataclasses

import pytest
from mlflow.tracking import MlflowClient

from mlsql.models import CandidateRecord, Column, DataRecord, Manifest, ModelRef, StoredModel
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
    track(STORED, uri, events.append)
    track(StoredModel(ModelRef("/models/wine", 4), MANIFEST), uri, events.append)
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


def test_nothing_is_told_unless_it_is_asked_for():
    """The setting has no default."""
    events = []
    track(STORED, None, events.append)
    assert events == []
