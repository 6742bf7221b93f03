"""Cross-validation: the folds and scores of scikit-learn, for any trainer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_validate
from sklearn.tree import DecisionTreeClassifier

from mlsql.bridge import validation
from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import WorkerError
from mlsql.bridge.request import Columns, Folds
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.models.manifest import Column

SCORERS = {
    "accuracy": "accuracy",
    "f1": "f1_weighted",
    "recall": "recall_weighted",
    "auc": "roc_auc",
    "logLoss": "neg_log_loss",
}


class Listener:
    """A run that keeps what it is told."""

    def __init__(self):
        self.metrics, self.lines, self.steps = {}, [], []

    def progress(self, doing, share=None):
        """Keep it."""
        self.steps.append((doing, share))

    def log(self, message, level="info"):
        """Keep the line."""
        self.lines.append((level, message))

    def metric(self, name, value):
        """Keep the number."""
        self.metrics[name] = value


@pytest.fixture
def dataset(arrow_file):
    """A function that makes a dataset of a matrix and labels."""

    def make(matrix, label, kind="bigint"):
        names = [f"x{number}" for number in range(matrix.shape[1])]
        file = arrow_file(**dict(zip(names, matrix.T, strict=True)), label=label)
        features = tuple(Column(name, "double") for name in names)
        return Dataset.open(file, Columns("columns", features, Column("label", kind)))

    return make


@pytest.fixture
def obedient(trainers):
    """A trainer that does as it is told."""
    from obedient_trainer import Obedient

    return Obedient()


def test_a_grid_has_the_scores_of_grid_search_by_hand(dataset, points):
    """Means and standard deviations over the same stratified folds, to 1e-9."""
    matrix, label = points
    folds = StratifiedKFold(5, shuffle=True, random_state=42)
    grid = {"max_depth": [2, 4, 8]}
    by_hand = GridSearchCV(
        DecisionTreeClassifier(random_state=0), grid, scoring=SCORERS, refit="f1", cv=folds
    )
    expected = by_hand.fit(matrix, label).cv_results_
    data = dataset(matrix, label)
    for number, depth in enumerate(grid["max_depth"]):
        params = {"alg": "DecisionTreeClassifier", "random_state": "0", "max_depth": str(depth)}
        judged = validation.cross_validate(TRAINER, data, params, Folds(5, 42), Listener())
        for name in SCORERS:
            assert judged.metrics[name] == pytest.approx(abs(expected[f"mean_test_{name}"][number]), abs=1e-9)
            assert judged.deviations[name] == pytest.approx(expected[f"std_test_{name}"][number], abs=1e-9)


def test_a_regressor_has_the_scores_of_cross_validation_by_hand(dataset, points):
    """Its folds are shuffled, and take no account of the label."""
    matrix, label = points
    target = matrix @ [1.0, -2.0, 0.5] + label
    scoring = {"rmse": "neg_root_mean_squared_error", "r2": "r2", "mae": "neg_mean_absolute_error"}
    folds = KFold(4, shuffle=True, random_state=7)
    by_hand = cross_validate(Ridge(alpha=2), matrix, target, scoring=scoring, cv=folds)
    params = {"alg": "Ridge", "alpha": "2"}
    judged = validation.cross_validate(
        TRAINER, dataset(matrix, target, "double"), params, Folds(4, 7), Listener()
    )
    assert judged.metrics["rmse"] == pytest.approx(-by_hand["test_rmse"].mean(), abs=1e-9)
    assert judged.metrics["mae"] == pytest.approx(-by_hand["test_mae"].mean(), abs=1e-9)
    assert judged.metrics["r2"] == pytest.approx(by_hand["test_r2"].mean(), abs=1e-9)


def test_labels_may_be_texts(dataset, points):
    """Folds are stratified by them."""
    matrix, label = points
    texts = np.array(["no", "yes"], dtype=object)[label]
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    by_hand = cross_validate(LogisticRegression(), matrix, texts, scoring="accuracy", cv=folds)
    params = {"alg": "LogisticRegression"}
    judged = validation.cross_validate(
        TRAINER, dataset(matrix, texts, "string"), params, Folds(3, 1), Listener()
    )
    assert judged.metrics["accuracy"] == pytest.approx(by_hand["test_score"].mean(), abs=1e-9)


def test_only_means_are_measured_and_progress_is_that_of_all_folds(dataset, points):
    """A person sees which fold is fitted."""
    run = Listener()
    judged = validation.cross_validate(TRAINER, dataset(*points), {"alg": "GaussianNB"}, Folds(4, 0), run)
    assert run.metrics == judged.metrics
    assert run.steps == [(f"fold {number + 1} of 4: fitting", number / 4) for number in range(4)]


def test_a_fold_that_fails_fails_the_candidate(dataset, obedient):
    """The message says which one, and what it raised."""
    data = dataset(np.zeros((6, 1)), np.array([1.0, 1.0, 1.0, 1.0, 1.0, 9.0]), "double")
    with pytest.raises(WorkerError) as caught:
        validation.cross_validate(obedient, data, {"do": "raise of much"}, Folds(3, 0), Listener())
    assert caught.value.message == "fold 2 of 3: ValueError: too much"
    with pytest.raises(ValueError, match="n_splits=7"):
        validation.cross_validate(obedient, data, {}, Folds(7, 0), Listener())


def test_a_metric_that_one_fold_lacks_is_left_out(dataset, obedient):
    """The log says which fold; r2 of a single row is not defined."""
    run = Listener()
    data = dataset(np.zeros((5, 1)), np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "double")
    judged = validation.cross_validate(obedient, data, {}, Folds(4, 0), run)
    assert "mae" in judged.metrics
    assert "r2" not in judged.metrics
    assert ("warning", "fold 2 of 4: no r2: it is not defined on these rows") in run.lines
