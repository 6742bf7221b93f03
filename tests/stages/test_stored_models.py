"""Trained models where they lie: what their manifest tells, and models in a bucket like those in a folder."""

from __future__ import annotations

import dataclasses
import platform

import pytest

from mlsql.bridge.launcher import LocalLauncher
from mlsql.errors import MissingModel, Refused
from mlsql.models.manifest import CandidateRecord, DataRecord, Manifest, ModelRef
from mlsql.models.store import DirectoryModelStore, PathModelStore
from mlsql.models.summaries import ClassDetail
from mlsql.policy.policy import Policy
from mlsql.registry import Registry
from mlsql.stages.algorithms.external import External
from mlsql.stages.algorithms.report import MOST_DETAILED, _without_too_much
from tests.s3_server import environment_for, s3_server

pytestmark = pytest.mark.spark
COLORS = 'inputCols="x,word" and labelCol="color" and evaluateTable="t"'
TREES = (
    'fitParam.0.alg="DecisionTreeClassifier" and fitParam.0.random_state="0" '
    'and fitParam.1.alg="DummyClassifier" and fitParam.2.alg="GaussianNB" and fitParam.2.priors="[2,3]"'
)
EMPTY = Manifest(
    algorithm="SKLearn",
    kind="regressor",
    form="columns",
    inputs=(),
    features=0,
    output="double",
    candidates=(),
    data=DataRecord(rows=1, bytes=8, checksum="00000000", transport="memory"),
    created="2026-01-02T03:04:05+00:00",
)


@pytest.fixture
def table(scripts):
    """60 rows ``t``: the color is red where x is above 30."""
    rows = [(float(n), "abc"[n % 3], "red" if n > 30 else "blue") for n in range(60)]
    scripts.table("t", rows, "x double, word string, color string")
    return scripts


@pytest.fixture
def bucket(spark, tmp_path, monkeypatch):
    """A bucket that driver and executors find; executors keep their copies elsewhere, as another machine."""
    context, cache = spark.sparkContext, tmp_path / "executor"
    with s3_server() as (address, store):
        settings = environment_for(address)
        for name, value in {**settings, "XDG_CACHE_HOME": str(tmp_path / "driver")}.items():
            monkeypatch.setenv(name, value)
        for name, value in {**settings, "XDG_CACHE_HOME": str(cache)}.items():
            monkeypatch.setitem(context.environment, name, value)
        yield store


def test_a_manifest_tells_of_the_data_the_classes_and_what_trained(table):
    """So does the result, and what ``!model describe`` shows of the candidate that is chosen."""
    tree, dummy, failed = table.rows(f"train t as SKLearn.`m` where {COLORS} and {TREES};")
    assert [(each["class"], each["recall"], each["support"]) for each in tree["detail"]] == [
        ("blue", 1.0, 31),
        ("red", 1.0, 29),
    ]
    assert [each["recall"] for each in dummy["detail"]] == [1.0, 0.0]
    assert (failed["status"], failed["detail"]) == ("fail", None)
    manifest = PathModelStore().open(str(table.path / "m")).manifest
    assert manifest.candidates[1].detail.confusion == ((31, 0), (29, 0))
    x, color = (manifest.data.columns[name] for name in ("x", "color"))
    assert (x.count, x.min, x.max, x.mean, x.nulls) == (60, 0.0, 59.0, 29.5, 0)
    assert color.frequent == (("blue", 31), ("red", 29))
    assert manifest.data.columns["word"].distinct == 3
    assert manifest.evaluation.columns["x"] == x
    assert manifest.engine["python"] == platform.python_version()
    assert {"mlflow", "pyspark"} <= manifest.engine.keys()
    assert (manifest.owner, manifest.job) == ("ann", "0123456789abcdef")
    facts = {row["name"]: row["value"] for row in table.rows("!model describe m;")}
    assert facts["column `x`"].startswith("double, 60 values, min 0, max 59, mean 29.5")
    assert facts["class red"].endswith("recall 1, f1 1, rows 29, taken for red (29)")


def test_a_model_in_a_bucket_does_all_that_one_in_a_folder_does(table, bucket):
    """Train, go by version, register, predict, judge, list, delete; each machine fetches it once."""
    address = "s3://bucket/models/wine"
    options = f'{COLORS} and fitParam.0.alg="DecisionTreeClassifier"'
    for keeps in ("true", "false"):
        (row,) = table.rows(f'train t as SKLearn.`{address}` where {options} and keepVersion="{keeps}";')
        assert row["status"] == "success"
    assert row["modelPath"] == f"{address}/_model_1/model/0"
    assert [each["version"] for each in table.rows(f"!model list `{address}`;")] == [1]
    table(f"register SKLearn.`{address}` as color_of where modelVersion=1;")
    bucket.requests.clear()
    select = "select color = color_of(x, word) as right from t as guessed;"
    assert all(row["right"] for row in table.rows(select))
    assert all(row["right"] for row in table.rows(select))
    (fetched,) = [each for each in bucket.requests if each.startswith("GET") and each.endswith(".pkl")]
    assert fetched.startswith("GET /bucket/models/wine/_model_1/model/0/")
    predicted = table.rows(f"predict t as SKLearn.`{address}` as predicted;")
    assert all(row["prediction"] == row["color"] for row in predicted)
    assert table.rows(f'run t as Evaluate.`{address}` where metrics="accuracy" as score;') == [
        {"accuracy": 1.0}
    ]
    assert table.rows(f"!model delete `{address}` 1;") == [{"removed": f"{address}/_model_1", "version": 1}]
    with pytest.raises(MissingModel, match="s3://bucket/models/wine` holds no model"):
        table(f"!model describe `{address}`;")


def test_the_policy_judges_uris(table, bucket):
    """Below a root only those that it allows."""
    table.run.policy = Policy(table.path, allow=("s3://bucket/shared",))
    for call in ("!model list `s3://bucket/own`;", f"train t as SKLearn.`s3://bucket/own` where {COLORS};"):
        with pytest.raises(Refused, match="leads out of"):
            table(call)
    with pytest.raises(MissingModel, match="holds no model"):
        table("!model list `s3://bucket/shared/m`;")
    assert not [each for each in bucket.requests if "/own" in each]


def test_a_file_uri_is_a_folder_of_this_machine(table):
    """Found as such, whoever has stored it."""
    with PathModelStore().begin(str(table.path / "m")) as draft:
        draft.commit(EMPTY)
    for uri in (f"file://{table.path}/m", f"file:{table.path}/m", "m"):
        (version,) = table.rows(f"!model list `{uri}`;")
        assert version["version"] == 0


def test_only_so_many_candidates_tell_of_each_class():
    """The best ones, so that a manifest of very many stays readable."""
    detail = ClassDetail(classes=(), precision=(), recall=(), f1=(), support=())
    one = CandidateRecord(
        index=0, algorithm="", params={}, status="success", started="", ended="", seconds=0, rows=1
    )
    many = [
        dataclasses.replace(one, index=number, metrics={"f1": number / 1000}, detail=detail)
        for number in range(MOST_DETAILED + 5)
    ]
    kept = [each.index for each in _without_too_much(many, "classifier") if each.detail]
    assert kept == list(range(5, MOST_DETAILED + 5))
    assert _without_too_much(many[:MOST_DETAILED], "classifier") == tuple(many[:MOST_DETAILED])


def test_two_trains_that_keep_no_other_version_are_not_in_each_others_way(table, monkeypatch):
    """What one has deleted, the other need not; a newer one that is not complete stays."""
    store, path = PathModelStore(), str(table.path / "m")
    for _ in range(2):
        with store.begin(path) as draft:
            draft.commit(EMPTY)
    algorithm = External("SKLearn", store, Registry("trainer"), LocalLauncher())
    with store.begin(path) as going_on, store.begin(path) as done:
        stored = done.commit(EMPTY)
        seen = store.versions(path)
        store.delete(ModelRef(path, 0))  # by another, after we have looked
        monkeypatch.setattr(DirectoryModelStore, "versions", lambda *_: seen)
        algorithm._delete_before(stored.ref)
        monkeypatch.undo()
        assert list(store.versions(path)) == [3]
        going_on.commit(EMPTY)
    assert list(store.versions(path)) == [2, 3]
