"""Fits in batches, and fits that go on from a stored model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.errors import ScriptErrors


class Listener:
    """A run that keeps what it is told."""

    def __init__(self):
        self.lines, self.steps = [], []

    def log(self, message, level="info"):
        """Keep the line."""
        self.lines.append(message)

    def progress(self, doing, share=None):
        """Keep the step."""
        self.steps.append((doing, share))


def test_batches_are_those_of_partial_fit(labelled, points):
    """In the order that the seed draws, with all classes known from the first batch on, texts too."""
    matrix, label = points[0], np.where(points[1] == 1, "yes", "no").astype(object)
    data, run = labelled(matrix, label.tolist(), "string"), Listener()
    params = {"alg": "SGDClassifier", "random_state": "1", "batchSize": "32", "epochs": "3", "seed": "5"}
    fitted = TRAINER.train(data, params, run)
    by_hand = SGDClassifier(random_state=1)
    for batch, answers in data.batches(32, epochs=3, shuffle=True, seed=5):
        by_hand.partial_fit(batch, answers, classes=["no", "yes"])
    np.testing.assert_array_equal(fitted.estimator.coef_, by_hand.coef_)
    assert fitted.traits.classes == ("no", "yes")
    assert run.steps == [("epoch 1 of 3", 1 / 3), ("epoch 2 of 3", 2 / 3), ("epoch 3 of 3", 1.0)]


def test_batches_of_weighed_rows_and_of_transformers(labelled, points):
    """Weights go with their rows; a scaler needs no classes."""
    weight = np.linspace(0, 2, len(points[1]))
    data = labelled(*points, weight=weight)
    fitted = TRAINER.train(data, {"alg": "StandardScaler", "batchSize": "50"}, Listener())
    expected = StandardScaler().fit(points[0], sample_weight=weight)
    np.testing.assert_allclose(fitted.estimator.mean_, expected.mean_, rtol=0, atol=1e-9)


def test_the_loss_is_told_where_it_is_known(labelled, points):
    """A perceptron of several layers keeps it."""
    run = Listener()
    TRAINER.train(labelled(*points), {"alg": "MLPClassifier", "epochs": "2", "random_state": "0"}, run)
    assert [step.partition(", loss ")[0] for step, _ in run.steps] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert all(", loss 0." in step for step, _ in run.steps)


def test_batches_have_no_effect_without_partial_fit(labelled, points):
    """One line says so, and the model is that of one fit."""
    run = Listener()
    TRAINER.train(labelled(*points), {"alg": "LogisticRegression", "batchSize": "10"}, run)
    assert run.lines == ["LogisticRegression is fitted on all rows at once: batches have no effect"]


def test_what_batches_cannot_be_is_told_with_all_else():
    """Sizes are whole numbers of at least 1."""
    with pytest.raises(ScriptErrors) as caught:
        TRAINER.check({"alg": "SGDClassifier", "batchSize": "0", "epochs": "x", "penalty": "l3"})
    assert [fault.option for fault in caught.value.errors] == ["penalty", "batchSize", "epochs"]


def test_texts_among_the_columns_are_encoded_before_the_batches(arrow_file):
    """Once for all rows, so that every batch has the same columns."""
    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.request import Columns
    from mlsql.models.manifest import Column

    file = arrow_file(city=["a", "b", "c"] * 20, size=np.arange(60.0), label=[0, 1, 1] * 20)
    uses = Columns("columns", (Column("city", "string"), Column("size", "double")), Column("label", "int"))
    fitted = TRAINER.train(Dataset.open(file, uses), {"alg": "SGDClassifier", "batchSize": "7"}, Listener())
    assert fitted.estimator.coef_.shape == (1, 4)
    assert fitted.estimator.t_ == 61


def test_what_can_go_on_is_known_without_the_library():
    """``partial_fit`` or ``warm_start``."""
    going = {
        name: TRAINER.continues({"alg": name}) for name in ("SGDRegressor", "RandomForestClassifier", "SVC")
    }
    assert going == {"SGDRegressor": True, "RandomForestClassifier": True, "SVC": False}


def test_a_fit_goes_on_with_a_pass_or_a_warm_start(labelled, points):
    """An estimator with ``partial_fit`` sees the new rows once, a forest gets more trees."""
    data = labelled(*points)
    first = TRAINER.train(data, {"alg": "SGDClassifier", "batchSize": "50"}, Listener())
    assert TRAINER.train(data, {"alg": "SGDClassifier"}, Listener(), first).estimator.t_ == 241
    params = {"alg": "RandomForestRegressor", "n_estimators": "4", "random_state": "0"}
    forest = TRAINER.train(data, params, Listener())
    more = TRAINER.train(data, {**params, "n_estimators": "7"}, Listener(), forest)
    by_hand = RandomForestRegressor(n_estimators=7, random_state=0).fit(*points)
    np.testing.assert_allclose(more.answers(data).guess, by_hand.predict(points[0]), rtol=0, atol=1e-9)
    assert not more.estimator.warm_start
    with pytest.raises(
        OptionFault, match="n_estimators is what the model has after it: the stored one has 7"
    ):
        TRAINER.train(data, {**params, "n_estimators": "7"}, Listener(), more)


def test_other_features_and_classes_stop_a_fit_that_goes_on(labelled, points):
    """Each with what is there and what is known."""
    first = TRAINER.train(labelled(*points), {"alg": "GaussianNB"}, Listener())
    narrow = labelled(points[0][:, :2], points[1])
    with pytest.raises(DataFault, match="stored model has 3 features, the table 2"):
        TRAINER.train(narrow, {"alg": "GaussianNB"}, Listener(), first)
    other = labelled(points[0], points[1] + 1)
    with pytest.raises(DataFault, match="the label has '2', which the stored model does not know"):
        TRAINER.train(other, {"alg": "GaussianNB"}, Listener(), first)


def test_sparse_rows_in_batches_are_those_of_one_csr(sparse_rows):
    """The same weights as by hand on the same rows."""
    data, matrix, label = sparse_rows(width=64)
    params = {"alg": "SGDClassifier", "random_state": "1", "batchSize": "16", "epochs": "2"}
    fitted = TRAINER.train(data, params, Listener())
    by_hand = SGDClassifier(random_state=1)
    for epoch in range(2):
        order = np.random.default_rng([0, epoch]).permutation(len(label))
        for start in range(0, len(label), 16):
            rows = order[start : start + 16]
            by_hand.partial_fit(csr_matrix(matrix)[rows], label[rows], classes=[0, 1])
    np.testing.assert_array_equal(fitted.estimator.coef_, by_hand.coef_)
    assert fitted.is_sparse
