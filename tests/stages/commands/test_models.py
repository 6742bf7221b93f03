"""``!model``: the versions of a model, what is known of one, and its end."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from mlsql.errors import MissingModel, ScriptError
from mlsql.grammar import parse
from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest
from mlsql.models.store import DirectoryModelStore
from mlsql.models.summaries import ClassDetail, ColumnSummary
from mlsql.policy.policy import Policy
from mlsql.spans import Script
from tests.stages.jobs import jobs_of

START, END = "2026-01-02T03:04:05.000+00:00", "2026-01-02T03:04:06.500+00:00"
GOOD = CandidateRecord(
    index=0,
    algorithm="GaussianNB",
    params={"alg": "GaussianNB", "var_smoothing": "1e-9"},
    status="success",
    metrics={"f1": 0.75, "accuracy": 0.5},
    detail=ClassDetail(
        classes=("a", "b"),
        precision=(0.8, 2 / 3),
        recall=(0.5, 1.0),
        f1=(0.6154, 0.8),
        support=(8, 4),
        confusion=((4, 4), (0, 4)),
    ),
    started=START,
    ended=END,
    seconds=1.5,
    rows=12,
)
WORSE = dataclasses.replace(GOOD, index=1, algorithm="DummyClassifier", params={}, metrics={"f1": 0.25})
FAILED = dataclasses.replace(GOOD, index=2, status="fail", message="it would not", metrics={})
MANIFEST = Manifest(
    algorithm="SKLearn",
    kind="classifier",
    form="columns",
    inputs=(Column("x", "int"), Column("the y", "string")),
    features=2,
    output="string",
    label=Column("kind", "string"),
    classes=("a", "b"),
    candidates=(GOOD, WORSE, FAILED),
    data=DataRecord(
        rows=12,
        bytes=96,
        checksum="0a1b2c3d",
        transport="spool",
        columns={
            "x": ColumnSummary(type="int32", count=11, nulls=1, min=-1.0, max=1e6, mean=3.5, deviation=2.0),
            "kind": ColumnSummary(type="string", count=12, distinct=2, frequent=(("a", 8), ("b", 4))),
        },
    ),
    libraries={"scikit-learn": "1.7.2"},
    engine={"python": "3.11.7", "mlsql": "0.1.0"},
    statement="train t as SKLearn.`m` where …",
    owner="ann",
    created=END,
)


@pytest.fixture
def model(scripts):
    """Scripts, and a model of two versions at ``my m``: the older one is a regressor that nobody judged."""
    judged = dataclasses.replace(GOOD, metrics={}, detail=None)
    older = dataclasses.replace(MANIFEST, kind="regressor", classes=None, label=None, candidates=(judged,))
    for manifest in (older, MANIFEST):
        with DirectoryModelStore().begin(str(scripts.path / "my m")) as draft:
            draft.commit(manifest)
    return scripts


def test_history_is_a_row_a_candidate_and_begins_with_the_newest(model):
    """With where it lies, unless it failed, how it went and what it was told."""
    rows = model.rows("!model history `my m`;")
    assert [(row["version"], row["algIndex"], row["status"]) for row in rows] == [
        (1, 0, "success"),
        (1, 1, "success"),
        (1, 2, "fail"),
        (0, 0, "success"),
    ]
    assert rows[0] == {
        "version": 1,
        "modelPath": str(model.path / "my m/_model_1/model/0"),
        "algIndex": 0,
        "alg": "GaussianNB",
        "metrics": [{"name": "f1", "value": 0.75}, {"name": "accuracy", "value": 0.5}],
        "status": "success",
        "message": "",
        "startTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None),
        "endTime": datetime(2026, 1, 2, 3, 4, 6, 500000, tzinfo=UTC).replace(tzinfo=None),
        "trainParams": {"alg": "GaussianNB", "var_smoothing": "1e-9"},
    }
    assert (rows[2]["modelPath"], rows[2]["message"], rows[2]["metrics"]) == (None, "it would not", [])


def test_the_list_is_a_row_a_version(model):
    """With the best of its candidates by the usual metric, where that was measured."""
    rows = model.rows("!model list `my m` named versions;")
    assert [row.pop("created").isoformat() for row in rows] == ["2026-01-02T03:04:06.500000"] * 2
    first, second = rows
    assert list(first.items()) == [
        ("version", 1),
        ("algorithm", "SKLearn"),
        ("kind", "classifier"),
        ("candidates", 3),
        ("metric", "f1"),
        ("best", 0.75),
    ]
    assert (second["version"], second["kind"], second["metric"], second["best"]) == (
        0,
        "regressor",
        None,
        None,
    )


def test_a_version_is_described(model):
    """The newest unless one is asked for; what does not apply is null."""
    newest = facts(model, "!model describe `my m`;")
    assert newest == {
        "path": str(model.path / "my m/_model_1"),
        "signature": "f(x double, `the y` string) -> string",
        "columns": "`x` int, `the y` string",
        "label": "`kind` string",
        "classes": "a, b",
        "algorithm": "SKLearn",
        "kind": "classifier",
        "candidates": "3",
        "chosen": "0: GaussianNB",
        "metrics": "f1 0.75, accuracy 0.5",
        "rows": "12",
        "evaluated": None,
        "checksum": "0a1b2c3d",
        "libraries": "scikit-learn 1.7.2",
        "engine": "python 3.11.7, mlsql 0.1.0",
        "owner": "ann",
        "job": None,
        "created": END,
        "statement": "train t as SKLearn.`m` where …",
        "example": "register SKLearn.`my m` as f; select *, f(`x`, `the y`) as answer from t as answered;",
        "column `x`": "int32, 11 values, 1 null, min -1, max 1e+06, mean 3.5, deviation 2",
        "column `kind`": "string, 12 values, 2 distinct: a (8), b (4)",
        "class a": "precision 0.8, recall 0.5, f1 0.6154, rows 8, taken for a (4), b (4)",
        "class b": "precision 0.6667, recall 1, f1 0.8, rows 4, taken for b (4)",
    }
    older = facts(model, "!model describe 'my m' 0;")
    assert (older["kind"], older["classes"], older["label"], older["metrics"]) == (
        "regressor",
        None,
        None,
        None,
    )
    assert older["example"].startswith("register SKLearn.`my m` as f where modelVersion=0; ")


def test_the_example_call_is_a_script(model):
    """That can be copied as it stands."""
    example = facts(model, "!model describe `my m` 0;")["example"]
    assert len(parse(Script("example", example))) == 2


def test_a_deleted_version_is_gone_and_told(model):
    """The others stay; its number is not given again while a newer one is there."""
    removed = str(model.path / "my m/_model_0")
    assert model.rows("!model delete `my m` 0;") == [{"removed": removed, "version": 0}]
    assert DirectoryModelStore().versions(str(model.path / "my m")) == [1]
    assert not (model.path / "my m/_model_0").exists()


@pytest.mark.parametrize("call", ["history 'my m'", "list 'my m'", "describe 'my m' 1", "delete 'my m' 1"])
def test_no_spark_job_is_started(model, call):
    """Also to look at the rows."""
    assert jobs_of(model.run.spark, lambda: model.rows(f"!model {call};")) == 0


@pytest.mark.parametrize("call", ["history", "list", "describe", "delete"])
def test_a_path_without_a_model_is_told_with_what_is_there(scripts, call):
    """In its place."""
    (scripts.path / "data").mkdir()
    (scripts.path / "data" / "a.csv").touch()
    with pytest.raises(MissingModel, match="data` holds no") as caught:
        scripts(f"!model {call} data{' 3' if call == 'delete' else ''};")
    assert caught.value.span.text == ("3" if call == "delete" else "data")
    assert "'a.csv'" in caught.value.hint


@pytest.mark.parametrize("call", ["describe", "delete"])
def test_a_version_that_does_not_exist_is_told_with_those_that_do(model, call):
    """And nothing is deleted."""
    with pytest.raises(MissingModel, match="no version 7") as caught:
        model(f"!model {call} `my m` 7;")
    assert (caught.value.span.text, "it has the versions 0, 1" in caught.value.hint) == ("7", True)
    assert len(model.rows("!model list `my m`;")) == 2


@pytest.mark.parametrize(
    ("call", "message", "span"),
    [
        ("describe m newest", "a version is a whole number of at least 0, not 'newest'", "newest"),
        ("delete m -1", "a version is a whole number of at least 0, not '-1'", "-1"),
        ("delete m", "`!model` is called as !model delete PATH VERSION", ""),
        ("drop m", "`!model` is not called so", "drop"),
    ],
)
def test_a_wrong_call_is_told_at_the_word(scripts, call, message, span):
    """Before anything is looked at."""
    with pytest.raises(ScriptError) as caught:
        scripts(f"!model {call};")
    assert (caught.value.message, caught.value.span.text) == (message, span)


@pytest.mark.parametrize("call", ["history", "list", "describe", "delete"])
def test_a_path_that_the_policy_refuses_is_refused(model, call):
    """Also to look at."""
    model.run.policy = Policy(model.path / "elsewhere")
    with pytest.raises(ScriptError, match="leads out of") as caught:
        model(f"!model {call} `../my m`{' 0' if call == 'delete' else ''};")
    assert caught.value.span.text == "`../my m`"
    assert DirectoryModelStore().versions(str(model.path / "my m")) == [0, 1]


def facts(scripts, text):
    """The rows of name and value."""
    return {row["name"]: row["value"] for row in scripts.rows(text)}
