"""A whole training: from a Spark frame to stored models."""

from __future__ import annotations

import dataclasses
from itertools import count

import pytest

from mlsql.bridge import training
from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.launcher import LocalLauncher
from mlsql.bridge.request import Candidate, Columns, Folds, Selection, TrainingRequest
from mlsql.bridge.trainer import Trainer, builtins
from mlsql.bridge.training import check_candidates, class_of
from mlsql.bridge.transports import open_transport
from mlsql.errors import Cancelled, ScriptErrors
from mlsql.events import Progress
from mlsql.models.manifest import Column
from mlsql.registry import Registry
from mlsql.stop import Stop

FEATURES = (Column("a", "double"), Column("b", "double"))
COLUMNS = Columns("columns", FEATURES, Column("label", "bigint"))


def request_for(output, *params, columns=COLUMNS, prefix=""):
    """A request with a candidate for each of *params*."""
    candidates = tuple(Candidate(index, each, f"{prefix}{index}.") for index, each in enumerate(params))
    return TrainingRequest(
        job="test-job",
        trainer="SKLearn",
        candidates=candidates,
        columns=columns,
        output=output,
        ordered=True,
        parallelism=2,
        timeout=120,
    )


def test_faults_are_named_by_their_whole_key(tmp_path):
    """All candidates are checked before anything starts."""
    trainer = builtins().get("SKLearn")
    good, bad = {"alg": "Ridge"}, {"alg": "Ridge", "alpha": "x"}
    check_candidates(trainer, request_for(tmp_path, good))
    with pytest.raises(OptionFault) as one:
        check_candidates(trainer, request_for(tmp_path, good, bad, prefix="fitParam."))
    assert one.value.option == "fitParam.1.alpha"
    with pytest.raises(ScriptErrors) as several:
        check_candidates(trainer, request_for(tmp_path, bad, {"alg": "Rigde"}, prefix="fitParam."))
    assert [fault.option for fault in several.value.errors] == ["fitParam.0.alpha", "fitParam.1.alg"]
    assert several.value.errors[1].hint == "did you mean 'Ridge'?"


def test_only_clustering_does_without_a_label(tmp_path):
    """The fault is that of labelCol."""
    trainer = builtins().get("SKLearn")
    columns = Columns("columns", FEATURES)
    check_candidates(trainer, request_for(tmp_path, {"alg": "KMeans"}, columns=columns))
    with pytest.raises(OptionFault, match="needs a label column") as caught:
        check_candidates(trainer, request_for(tmp_path, {"alg": "SVC"}, columns=columns))
    assert caught.value.option == "labelCol"


def test_a_training_is_for_models_of_one_kind(tmp_path):
    """The candidate that differs is to blame."""
    request = request_for(tmp_path, {"alg": "SVC"}, {"alg": "SVR"}, prefix="fitParam.")
    with pytest.raises(OptionFault, match="one candidate is a regressor, another a classifier") as caught:
        check_candidates(builtins().get("SKLearn"), request)
    assert caught.value.option == "fitParam.1.alg"


def test_a_trainer_is_named_by_its_class():
    """So that a worker can make it."""
    assert class_of(builtins().get("SKLearn")) == "mlsql.bridge.trainers.sklearn:SKLearn"


@pytest.fixture
def obedient(trainers):
    """A registry in which SKLearn is a trainer that does as it is told."""
    from obedient_trainer import Obedient

    known: Registry[Trainer] = Registry("trainer")
    known.add("SKLearn", Obedient())
    return known


@pytest.fixture
def start(spark, obedient, tmp_path, monkeypatch):
    """A function that trains on rows (a, b, label), through the spool."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()

    outputs = (tmp_path / "out" / str(number) for number in count())

    def run(rows, *params, judging=None, emit=lambda _: None, stop=None, known=obedient, selection=None):
        shape = "a double, b double, label bigint"
        return training.train(
            spark.createDataFrame(rows, shape),
            dataclasses.replace(request_for(next(outputs), *params), selection=selection),
            evaluate=None if judging is None else spark.createDataFrame(judging, shape),
            transport=open_transport("spool", folder=str(tmp_path / "spool")),
            trainers=known,
            launcher=LocalLauncher(),
            message_bytes=1_000_000,
            emit=emit,
            stop=stop or Stop(),
        )

    return run


@pytest.fixture
def nothing_left(tmp_path):
    """A function that says whether streams, files and folders are gone."""

    def look():
        left = [*(tmp_path / "temporary").iterdir(), *(tmp_path / "spool").glob("*/*/*")]
        return left == []

    return look


@pytest.fixture
def rows(points):
    """Rows of Python numbers."""
    matrix, label = points
    return [(float(a), float(b), int(of)) for (a, b, _), of in zip(matrix, label, strict=True)]


@pytest.mark.spark
def test_a_training_reports_and_stores_each_candidate(start, rows, tmp_path, nothing_left):
    """Good ones are judged and stored, the failed one has its message; every row arrived."""
    heard = []
    report = start(
        rows,
        {"alg": "LogisticRegression"},
        {"alg": "SVC", "kernel": "precomputed"},
        {"alg": "GaussianNB"},
        judging=rows[:40],
        emit=heard.append,
        known=builtins(),
    )
    assert [record.status for record in report.candidates] == ["success", "fail", "success"]
    assert report.candidates[1].message.startswith("ValueError: Precomputed matrix must be")
    assert report.candidates[0].metrics["accuracy"] > 0.7
    assert (report.data.rows, report.evaluation.rows, report.data.transport) == (120, 40, "spool")
    assert (report.kind, report.classes, report.features, report.answer) == (
        "classifier",
        (0, 1),
        2,
        "bigint",
    )
    assert "scikit-learn" in report.libraries
    assert sorted(path.name for path in (tmp_path / "out" / "0").iterdir()) == ["0", "2"]
    assert (tmp_path / "out" / "0" / "0" / "MLmodel").exists()
    done = {(event.what, event.share) for event in heard if isinstance(event, Progress)}
    assert {("publish", 1.0), ("publish evaluation", 1.0), ("candidate 0", 1.0), ("candidate 1", 1.0)} <= done
    assert nothing_left()


@pytest.mark.spark
def test_an_ordered_training_is_the_same_whatever_the_order(start, rows):
    """The checksum says that the rows came in the same order."""
    first, second = (start(each, {}) for each in (rows, rows[::-1]))
    assert first.data == second.data


@pytest.mark.spark
@pytest.mark.parametrize(
    ("rows", "message", "option"),
    [
        ([], "the table to train on has no rows", None),
        (
            [(1.0, None, 0), (None, None, 1), (1.0, 1.0, 0)],
            "the table to train on has nulls in 'a' (1 in 3 rows), 'b' (2 in 3 rows)",
            "inputCols",
        ),
        ([(1.0, 1.0, None)], "the table to train on has nulls in 'label' (1 in 1 rows)", "labelCol"),
    ],
)
def test_a_table_that_nothing_can_be_learnt_from_is_refused(start, nothing_left, rows, message, option):
    """Before anything is fitted; says which column and how many rows."""
    with pytest.raises(DataFault) as caught:
        start(rows, {})
    assert (caught.value.message, caught.value.option) == (message, option)
    assert nothing_left()


@pytest.mark.spark
def test_a_table_that_nothing_can_be_judged_on_is_refused(start, rows, nothing_left):
    """The option that names it is to blame."""
    with pytest.raises(DataFault, match="the table to evaluate on has no rows") as caught:
        start(rows, {}, judging=[])
    assert caught.value.option == "evaluateTable"
    assert nothing_left()


@pytest.mark.spark
def test_a_cancelled_training_leaves_nothing(start, rows, tmp_path, nothing_left, gone, signed):
    """Neither worker nor file, and no model."""
    stop, sign = Stop(), tmp_path / "pid"

    def listen(event):
        if getattr(event, "doing", "") == "half way":
            signed(sign)
            stop.cancel()

    with pytest.raises(Cancelled):
        start(rows, {"do": "hang", "sign": str(sign)}, stop=stop, emit=listen)
    assert gone(*signed(sign), within=0)
    assert nothing_left()
    assert not any((tmp_path / "out").glob("*/*"))


@pytest.mark.spark
def test_the_best_of_those_judged_is_fitted_on_all_rows(start, rows, tmp_path, nothing_left):
    """It alone is stored; the others, good and bad, are records."""
    report = start(
        rows,
        {"do": "raise"},
        {},
        {"add": "5"},
        selection=Selection(metric="mae", folds=Folds(3, 0)),
    )
    failed, best, worse = report.candidates
    assert (failed.status, best.status, worse.status) == ("fail", "success", "judged")
    assert failed.message == "fold 1 of 3: ValueError: no fit today"
    assert best.metrics["mae"] < worse.metrics["mae"]
    assert best.deviations["mae"] > 0
    assert best.message.endswith("; the best by mae, fitted again on all rows")
    assert best.rows == len(rows)
    assert [path.name for path in (tmp_path / "out" / "0").iterdir()] == ["1"]
    assert (report.kind, report.libraries) == ("regressor", {"none": "0"})
    assert nothing_left()


@pytest.mark.spark
def test_a_best_that_fails_on_all_rows_is_told(start, rows, tmp_path):
    """No other one takes its place in silence."""
    all_rows = {"do": "raise of many", "most": str(len(rows) - 1)}
    report = start(rows, all_rows, selection=Selection(folds=Folds(2, 0)))
    (record,) = report.candidates
    assert record.status == "fail"
    assert "which failed: ValueError: too many" in record.message
    assert list((tmp_path / "out").glob("*/*")) == []


@pytest.mark.spark
def test_a_metric_that_no_candidate_has_chooses_none(start, rows, nothing_left):
    """The option is to blame, and the hint says what there is."""
    with pytest.raises(DataFault, match="no candidate has the metric 'r2'") as caught:
        start(rows, {}, judging=rows[:1], selection=Selection(metric="r2"))
    assert caught.value.option == "metric"
    assert "mae" in caught.value.hint
    assert nothing_left()
