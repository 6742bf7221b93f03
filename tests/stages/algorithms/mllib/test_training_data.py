"""What is known of the rows before anything is fitted, and metrics as scikit-learn has them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlsql.bridge.errors import DataFault
from mlsql.bridge.evaluation import COMPUTED_BY
from mlsql.bridge.trainer import Answers, Traits
from mlsql.events import ignore
from mlsql.models.manifest import METRICS
from mlsql.stages.algorithms.judging_answers import (
    GUESS,
    PROBABILITIES,
    TRUTH,
    judge_classes,
    judge_clusters,
    judge_numbers,
)
from mlsql.stages.algorithms.training_data import examine

pytestmark = pytest.mark.spark

SCHEMA = "x double, v array<double>, t string"
ROWS = [(1.0, [1.0, 2.0], "a"), (2.0, [3.0], "b"), (2.0, [3.0], "b"), (4.0, [], "c")]


def test_the_checksum_tells_rows_apart_but_not_their_order(spark):
    """Equal rows count as often as they come."""

    def checksum(rows):
        frame = spark.createDataFrame(rows, SCHEMA)
        return examine(frame, {"x": None, "v": None, "t": None}).record.checksum

    first = checksum(ROWS)
    assert checksum(ROWS[::-1]) == first
    assert checksum(ROWS[:3]) != first
    assert checksum([ROWS[0], ROWS[1], ROWS[3], ROWS[3]]) != first


def test_nulls_are_named_or_left_out(spark):
    """Also those within an array."""
    frame = spark.createDataFrame([*ROWS, (None, [1.0], "a"), (1.0, [None], "a")], SCHEMA)
    with pytest.raises(DataFault) as caught:
        examine(frame, {"x": "inputCols", "v": "featuresCol"})
    assert "'x' (1 in 6 rows), 'v' (1 in 6 rows)" in caught.value.message
    assert caught.value.option == "inputCols"
    data = examine(frame, {"x": "inputCols", "v": "featuresCol"}, skips_nulls=True)
    assert (data.record.rows, data.record.left_out, data.frame.count()) == (6, 2, 4)
    assert (data.record.columns["x"].count, data.record.columns["x"].max) == (5, 4.0)


def test_an_empty_table_is_refused(spark):
    """Before anything is fitted."""
    with pytest.raises(DataFault, match="no rows"):
        examine(spark.createDataFrame([], SCHEMA), {"x": None})


@pytest.mark.parametrize("classes", [2, 3])
def test_metrics_of_classes_are_those_of_scikit_learn(spark, classes):
    """Every one that the bridge computes, with ties among the probabilities."""
    random = np.random.default_rng(classes)
    truth = random.integers(0, classes, 80)
    raw = random.random((80, classes)).round(1) + 0.05 + np.eye(classes)[truth] / 3
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    guess = probabilities.argmax(axis=1)
    rows = [
        (float(one), float(other), each.tolist())
        for one, other, each in zip(truth, guess, probabilities, strict=True)
    ]
    answers = spark.createDataFrame(rows, f"{TRUTH} double, {GUESS} double, {PROBABILITIES} array<double>")
    judged = judge_classes(answers, tuple(range(classes)), ignore)
    expected = Answers(matrix=None, truth=truth, guess=guess, probabilities=probabilities)
    traits = Traits(kind="classifier", features=1, answer="int", classes=tuple(range(classes)))
    wanted = [metric.name for metric in METRICS.values() if "classifier" in metric.kinds]
    assert dict(judged.metrics) == pytest.approx(
        {name: COMPUTED_BY[name](expected, traits) for name in wanted}, rel=1e-12
    )
    assert sum(judged.detail.support) == 80


def test_metrics_of_numbers_are_those_of_scikit_learn(spark):
    """Every one that the bridge computes, with a truth of 0."""
    random = np.random.default_rng(1)
    truth = np.array([0.0, *random.normal(10, 3, 40)])
    guess = truth + random.normal(0, 1, 41)
    answers = spark.createDataFrame(
        list(zip(truth.tolist(), guess.tolist(), strict=True)), f"{TRUTH} double, {GUESS} double"
    )
    expected = Answers(matrix=None, truth=truth, guess=guess)
    traits = Traits(kind="regressor", features=1, answer="double")
    wanted = [metric.name for metric in METRICS.values() if "regressor" in metric.kinds]
    assert dict(judge_numbers(answers, ignore).metrics) == pytest.approx(
        {name: COMPUTED_BY[name](expected, traits) for name in wanted}, rel=1e-12
    )


def test_the_silhouette_is_that_of_scikit_learn(spark):
    """Of few rows that of all; of a single cluster there is none."""
    from sklearn.metrics import silhouette_score

    points = np.random.default_rng(2).normal(size=(30, 2)) + np.repeat([[0, 0], [4, 4]], 15, axis=0)
    rows = [(each.tolist(), number // 15) for number, each in enumerate(points)]
    answers = spark.createDataFrame(rows, f"features array<double>, {GUESS} int")
    judged = judge_clusters(answers, "features", ignore)
    expected = silhouette_score(points, [cluster for _, cluster in rows])
    assert math.isclose(judged.metrics["silhouette"], expected, rel_tol=1e-12)
