"""Whatever is fitted through a statement's texts equals scikit-learn called by hand on the same rows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainers.estimators import read_table
from mlsql.bridge.trainers.sklearn import TRAINER

PLAIN = (
    "AdaBoostClassifier", "BernoulliNB", "DecisionTreeClassifier", "ExtraTreeClassifier", "GaussianNB",
    "KNeighborsClassifier", "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression",
    "NearestCentroid",
    "Perceptron", "RidgeClassifier", "SGDClassifier", "SVC",
    "BayesianRidge", "DecisionTreeRegressor", "ElasticNet", "HuberRegressor", "KNeighborsRegressor", "Lars",
    "Lasso", "LinearRegression", "Ridge", "SGDRegressor", "SVR",
    "Birch", "BisectingKMeans", "GaussianMixture", "IsolationForest", "KMeans", "MeanShift",
    "MiniBatchKMeans",
    "KBinsDiscretizer", "MinMaxScaler", "Normalizer", "PCA", "PolynomialFeatures", "PowerTransformer",
    "SelectKBest", "StandardScaler", "TfidfTransformer", "TruncatedSVD", "FeatureAgglomeration", "Nystroem",
)  # fmt: skip
"""Estimators that train in milliseconds; all others by --slow."""
OTHERS = sorted(set(read_table()) - set(PLAIN))
_MODEL, _ONE, _TWO = {"estimator": LogisticRegression}, {"n_components": 1}, {"n_components": 2}
GIVEN = {
    **dict.fromkeys(
        ("FixedThresholdClassifier", "OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier"),
        _MODEL,
    ),
    **dict.fromkeys(("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector"), _MODEL),
    **dict.fromkeys(("SelfTrainingClassifier", "TunedThresholdClassifierCV"), _MODEL),
    **dict.fromkeys(("CCA", "PLSCanonical", "PLSSVD"), _ONE),
    **dict.fromkeys(("GaussianRandomProjection", "SparseRandomProjection"), _TWO),
    "LocalOutlierFactor": {"novelty": True},
}
"""Parameters of those that have no answer to these rows without them."""
SHAPED = {
    "GammaRegressor": lambda matrix, label: (matrix, label + 1),
    "IsotonicRegression": lambda matrix, label: (matrix[:, :1], label),
}
"""Rows for those that want others than two clouds of points in two classes: no 0, one feature."""
UNWRITABLE = {"StackingClassifier", "StackingRegressor", "VotingClassifier", "VotingRegressor"}
"""They are put together of a list of estimators, which a script cannot write."""


class Listener:
    """A run to which one may tell anything."""

    def progress(self, doing, share=None):
        """Nothing."""

    def log(self, message, level="info"):
        """Nothing."""


def written(value):
    """How a script writes it."""
    return value.__name__ if isinstance(value, type) else str(value).lower()


def check_equality(name, data, matrix, label):
    """The trainer's answers are those of the class with the same parameters."""
    estimator = read_table()[name]
    given = GIVEN.get(name, {}) | ({"random_state": 3} if "random_state" in estimator.parameters else {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that have not converged
        fitted = TRAINER.train(
            data, {"alg": name, **{key: written(each) for key, each in given.items()}}, Listener()
        )
        answers = fitted.answers(data)
        np.random.seed(0)
        values = {key: each() if isinstance(each, type) else each for key, each in given.items()}
        by_hand = estimator.load()(**values).fit(matrix, label)
        if answers is None:
            assert fitted.estimator.labels_.tolist() == by_hand.labels_.tolist()
            return
        method = "transform" if estimator.kind == "transformer" else "predict"
        guess, expected = answers.guess, getattr(by_hand, method)(matrix)
        if hasattr(expected, "toarray"):
            guess, expected = guess.toarray(), expected.toarray()
        np.testing.assert_allclose(guess, expected, rtol=0, atol=1e-9)
        if answers.probabilities is not None:
            np.testing.assert_allclose(
                answers.probabilities, by_hand.predict_proba(matrix), rtol=0, atol=1e-9
            )


def test_more_than_25_estimators_equal_those_by_hand(labelled, points):
    """Classifiers, regressors, clusterers and transformers, with their defaults, to 1e-9."""
    matrix, label = np.abs(points[0]), points[1]
    data = labelled(matrix, label)
    for name in PLAIN:
        check_equality(name, data, matrix, label)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OTHERS if name not in UNWRITABLE])
def test_every_other_estimator_equals_that_by_hand(labelled, points, name):
    """All of the table that a script can write."""
    matrix, label = SHAPED.get(name, lambda *rows: rows)(np.abs(points[0]), points[1])
    check_equality(name, labelled(matrix, label), matrix, label)


@pytest.mark.parametrize("name", sorted(UNWRITABLE))
def test_what_a_script_cannot_write_is_refused(name):
    """Before a row is read."""
    with pytest.raises(OptionFault, match="needs the parameter 'estimators'") as caught:
        TRAINER.check({"alg": name})
    assert caught.value.hint == "it takes nothing that a script can write"
