"""Whatever is fitted through a statement's texts equals scikit-learn called by hand on the same rows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

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
UNFIT = {
    "ClassifierChain", "IsotonicRegression", "MultiOutputClassifier", "MultiOutputRegressor",
    "MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "RegressorChain",
    "SelfTrainingClassifier", "GammaRegressor", "TargetEncoder", "CCA", "PLSCanonical", "PLSSVD",
    "GaussianRandomProjection", "SparseRandomProjection", "LocalOutlierFactor",
}  # fmt: skip
"""They want other parameters, or rows of another shape than two clouds of points with two classes."""


class Listener:
    """A run to which one may tell anything."""

    def progress(self, doing, share=None):
        """Nothing."""

    def log(self, message, level="info"):
        """Nothing."""


def check_equality(name, data, matrix, label):
    """The trainer's answers are those of the class with the same parameters."""
    estimator = read_table()[name]
    seed = {"random_state": "3"} if "random_state" in estimator.parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that have not converged
        fitted = TRAINER.train(data, {"alg": name, **seed}, Listener())
        answers = fitted.answers(data)
        np.random.seed(0)
        by_hand = estimator.load()(**{key: int(value) for key, value in seed.items()}).fit(matrix, label)
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
@pytest.mark.parametrize("name", OTHERS)
def test_every_other_estimator_equals_that_by_hand(labelled, points, name):
    """All of the table that need no other estimator."""
    estimator = read_table()[name]
    if name in UNFIT or any(each.default is None for each in estimator.parameters.values()):
        pytest.skip("it needs other parameters, or rows of another shape")
    matrix, label = np.abs(points[0]), points[1]
    check_equality(name, labelled(matrix, label), matrix, label)
