"""Metrics: by the kind of the model, with scikit-learn's functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as by_hand

from mlsql.bridge.evaluation import COMPUTED_BY, evaluate
from mlsql.bridge.trainer import Answers, Traits
from mlsql.models.manifest import METRICS


class Listener:
    """A run that keeps metrics and log lines."""

    def __init__(self):
        self.metrics, self.lines = {}, []

    def metric(self, name, value):
        """Keep the number."""
        self.metrics[name] = value

    def log(self, message, level="info"):
        """Keep the line."""
        self.lines.append((level, message))


@dataclass(frozen=True)
class Said:
    """A fitted model whose answers are given."""

    traits: Traits
    said: Answers | None

    def answers(self, data):
        """The answers."""
        return self.said


def judge(kind, *, truth=None, guess=None, probabilities=None, classes=None, matrix=None):
    """The metrics of the given answers, and what was told."""
    run = Listener()
    arrays = [None if each is None else np.asarray(each) for each in (matrix, truth, guess, probabilities)]
    answers = Answers(matrix=arrays[0], truth=arrays[1], guess=arrays[2], probabilities=arrays[3])
    traits = Traits(kind=kind, features=1, answer="double", classes=classes)
    found = evaluate(Said(traits, answers), None, run)
    assert found == run.metrics
    return found, run.lines


def test_every_metric_can_be_computed():
    """And nothing else is."""
    assert set(COMPUTED_BY) == set(METRICS)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.01, 0.99)), min_size=2, max_size=30))
def test_two_classes_are_judged_as_by_hand(rows):
    """Auc is that of the second class's probability; it is left out where there is but one class."""
    truth = np.array([label for label, _ in rows])
    positive = np.array([share for _, share in rows])
    guess = (positive > 0.5).astype(int)
    probabilities = np.column_stack([1 - positive, positive])
    found, told = judge("classifier", truth=truth, guess=guess, probabilities=probabilities, classes=(0, 1))
    assert found["accuracy"] == by_hand.accuracy_score(truth, guess)
    assert found["f1"] == by_hand.f1_score(truth, guess, average="weighted", zero_division=0)
    assert found["precision"] == by_hand.precision_score(truth, guess, average="weighted", zero_division=0)
    assert found["recall"] == by_hand.recall_score(truth, guess, average="weighted", zero_division=0)
    assert found["logLoss"] == by_hand.log_loss(truth, probabilities, labels=[0, 1])
    if len(set(truth)) == 2:
        assert found["auc"] == by_hand.roc_auc_score(truth, positive)
        assert told == []
    else:
        assert "auc" not in found
        assert [(level, line[:6]) for level, line in told] == [("warning", "no auc")]


def test_more_classes_are_judged_one_against_the_rest():
    """Labels may be texts; a class that no row has leaves auc out, not the others."""
    classes = ("a", "b", "c")
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([1, 1, 1], 60)
    truth = random.choice(classes, 60)
    guess = np.array(classes)[probabilities.argmax(axis=1)]
    found, told = judge("classifier", truth=truth, guess=guess, probabilities=probabilities, classes=classes)
    assert found["auc"] == by_hand.roc_auc_score(
        truth, probabilities, multi_class="ovr", labels=list(classes)
    )
    assert told == []
    few = truth != "c"
    found, told = judge(
        "classifier", truth=truth[few], guess=guess[few], probabilities=probabilities[few], classes=classes
    )
    assert set(found) == {"accuracy", "f1", "precision", "recall", "logLoss"}
    assert len(told) == 1


def test_without_probabilities_there_is_no_log_loss_and_no_auc():
    """That is no fault, so nothing is told."""
    found, told = judge("classifier", truth=[0, 1], guess=[0, 1], classes=(0, 1))
    assert found == {"accuracy": 1.0, "f1": 1.0, "precision": 1.0, "recall": 1.0}
    assert told == []


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=30))
def test_numbers_are_judged_as_by_hand(rows):
    """Root of the mean square, mean square, mean absolute, share explained, mean percentage."""
    truth, guess = np.array(rows).T
    found, _ = judge("regressor", truth=truth, guess=guess)
    assert found["mse"] == by_hand.mean_squared_error(truth, guess)
    assert found["rmse"] == by_hand.root_mean_squared_error(truth, guess)
    assert found["mae"] == by_hand.mean_absolute_error(truth, guess)
    assert found["r2"] == by_hand.r2_score(truth, guess)
    assert found["mape"] == by_hand.mean_absolute_percentage_error(truth, guess)


def test_clusters_are_judged_by_their_silhouette():
    """One cluster has none, which is told."""
    matrix = [[0.0], [0.1], [5.0], [5.1]]
    found, _ = judge("clusterer", matrix=matrix, guess=[0, 0, 1, 1])
    assert found == {"silhouette": by_hand.silhouette_score(matrix, [0, 0, 1, 1])}
    found, told = judge("clusterer", matrix=matrix, guess=[0, 0, 0, 0])
    assert found == {}
    assert "no silhouette" in told[0][1]


def test_a_metric_that_is_not_a_number_is_left_out():
    """r2 of one row is not defined."""
    found, told = judge("regressor", truth=[1.0], guess=[2.0])
    assert found["mae"] == 1.0
    assert "r2" not in found
    assert told == [("warning", "no r2: it is not defined on these rows")]


def test_a_model_that_only_judges_its_own_rows_is_not_evaluated():
    """And it says so."""
    run = Listener()
    assert evaluate(Said(Traits(kind="clusterer", features=1, answer="int"), None), None, run) == {}
    assert run.lines == [
        ("warning", "not evaluated: the model can only judge the rows that it was fitted on")
    ]
