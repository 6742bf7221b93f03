"""Fitted estimators of scikit-learn as plain models, which answer with NumPy alone.

Runs in the worker that has fitted them, where their objects are at hand and trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.bridge.trainers import plain_boosters, plain_steps, plain_trees
from mlsql.bridge.trainers.boosting import LIBRARIES as BOOSTERS
from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.bridge.trainers.plain_steps import Steps
from mlsql.bridge.trainers.plain_texts import expect_narrow
from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.bayes import GaussianBayes, log_priors
from mlsql.udf.predictors.plain.chain import Chain, Transformer
from mlsql.udf.predictors.plain.clusters import Clusters, NearestCentroid
from mlsql.udf.predictors.plain.linear import LinearClassifier, LinearRegressor
from mlsql.udf.predictors.plain.perceptron import PerceptronClassifier, PerceptronRegressor
from mlsql.udf.predictors.plain.preparation import Binarise

if TYPE_CHECKING:
    from mlsql.udf.predictors.plain.base import PlainModel
    from mlsql.udf.predictors.plain.links import Link

Made = Callable[[Any], "PlainModel"]


def converted(estimator: Any, encoder: Any = None, front: Steps = ()) -> PlainModel:
    """The fitted *estimator* as a plain model behind the *encoder* of its columns, or the steps *front*.

    NoPlainForm tells why there is none.
    """
    model = _behind(front if encoder is None else plain_steps.steps_of(encoder), _converted(estimator))
    if isinstance(model, Chain | Transformer):
        expect_narrow(model.steps, getattr(model, "model", None))
    return model


def _behind(steps: Steps, model: PlainModel) -> PlainModel:
    """*model* behind *steps*, if there are any."""
    if not steps:
        return model
    match model:
        case Chain(steps=more, model=behind):
            return Chain((*steps, *more), behind)
        case Transformer(steps=more):
            return Transformer((*steps, *more))
    return Chain(steps, model)


def _converted(estimator: Any) -> PlainModel:
    kind = type(estimator)
    if kind.__name__ == "Pipeline":
        return _pipeline(estimator)
    is_known = kind.__module__.partition(".")[0] in ("sklearn", *BOOSTERS)
    make = _FAMILIES.get(kind.__name__) if is_known else None
    if make is not None:
        return make(estimator)
    return Transformer(plain_steps.steps_of(estimator))


def _pipeline(pipeline: Any) -> PlainModel:
    *front, (_, last) = pipeline.steps
    steps = tuple(step for _, each in front for step in plain_steps.steps_of(each))
    return _behind(steps, _converted(last))


def labels_of(estimator: Any) -> tuple[Label, ...]:
    """The classes in plain values."""
    return tuple(estimator.classes_.tolist())


def _linear_classifier(link: Link = "none") -> Made:
    def make(estimator: Any) -> PlainModel:
        coefficients = np.ascontiguousarray(np.atleast_2d(estimator.coef_), dtype=np.float64)
        intercepts = np.broadcast_to(np.ravel(estimator.intercept_), len(coefficients)).astype(np.float64)
        return LinearClassifier(coefficients, intercepts, labels_of(estimator), link)

    return make


def _stochastic(estimator: Any) -> PlainModel:
    """SGDClassifier, with probabilities where its loss has a likelihood that we know."""
    if estimator.loss == "modified_huber":
        raise NoPlainForm("the probabilities of the loss modified_huber have no plain form")
    return _linear_classifier("one_vs_rest" if estimator.loss == "log_loss" else "none")(estimator)


def _linear_regressor(estimator: Any) -> PlainModel:
    coefficients = np.atleast_2d(estimator.coef_).astype(np.float64)
    if len(coefficients) != 1:
        raise NoPlainForm("it has several outputs")
    return LinearRegressor(coefficients, float(np.ravel(estimator.intercept_)[0]))


def _generalised(estimator: Any) -> PlainModel:
    """Regressors of counts and amounts, whose link is the identity or a logarithm."""
    model = _linear_regressor(estimator)
    assert isinstance(model, LinearRegressor)
    is_log = type(estimator._base_loss.link).__name__ == "LogLink"  # noqa: SLF001 — it is told nowhere else
    return LinearRegressor(model.coefficients, model.intercept, "exp" if is_log else "identity")


def _gaussian(estimator: Any) -> PlainModel:
    priors = log_priors(estimator.class_prior_, estimator.var_)
    return GaussianBayes(estimator.theta_, estimator.var_, priors, labels_of(estimator))


def _counted(estimator: Any) -> PlainModel:
    """Multinomial naive Bayes."""
    return _joint(estimator, estimator.feature_log_prob_, estimator.class_log_prior_)


def _complement(estimator: Any) -> PlainModel:
    alone = len(estimator.classes_) == 1
    return _joint(estimator, estimator.feature_log_prob_, estimator.class_log_prior_ * alone)


def _bernoulli(estimator: Any) -> PlainModel:
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    priors = estimator.class_log_prior_ + absent.sum(axis=1)
    model = _joint(estimator, estimator.feature_log_prob_ - absent, priors)
    return model if estimator.binarize is None else Chain((Binarise(float(estimator.binarize)),), model)


def _joint(estimator: Any, coefficients: Any, intercepts: Any) -> PlainModel:
    if len(coefficients) == 1:
        raise NoPlainForm("it knows a single class")
    return LinearClassifier(coefficients, intercepts, labels_of(estimator), "softmax")


def _centres(estimator: Any) -> PlainModel:
    return Clusters(np.array(estimator.cluster_centers_, dtype=np.float64))


def _centroids(estimator: Any) -> PlainModel:
    if estimator.metric != "euclidean":
        raise NoPlainForm("only the nearest centroid by Euclid has a plain form")
    spread, priors = estimator.within_class_std_dev_, estimator.class_prior_
    variances = np.broadcast_to(np.where(spread == 0, 1.0, spread) ** 2, estimator.centroids_.shape)
    is_even = bool(np.isclose(priors, 1 / len(priors)).all())
    return NearestCentroid(
        estimator.centroids_, np.array(variances), np.log(priors), labels_of(estimator), is_even
    )


def _perceptron_classifier(estimator: Any) -> PlainModel:
    if estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1:
        raise NoPlainForm("it has several labels a row")
    return PerceptronClassifier(*_layers(estimator), labels_of(estimator))


def _perceptron_regressor(estimator: Any) -> PlainModel:
    if estimator.n_outputs_ > 1:
        raise NoPlainForm("it has several outputs")
    if estimator.out_activation_ not in ("identity", "exp"):
        raise NoPlainForm(f"the activation {estimator.out_activation_} of its output has no plain form")
    return PerceptronRegressor(*_layers(estimator), estimator.out_activation_)


def _layers(estimator: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], Any]:
    weights = tuple(np.ascontiguousarray(each.T, dtype=np.float64) for each in estimator.coefs_)
    return weights, tuple(each.astype(np.float64) for each in estimator.intercepts_), estimator.activation


_FAMILIES: Mapping[str, Made] = MappingProxyType(
    {
        "LogisticRegression": _linear_classifier("softmax"),
        "LogisticRegressionCV": _linear_classifier("softmax"),
        "LinearDiscriminantAnalysis": _linear_classifier("softmax"),
        "SGDClassifier": _stochastic,
        **dict.fromkeys(
            (
                "LinearSVC",
                "Perceptron",
                "PassiveAggressiveClassifier",
                "RidgeClassifier",
                "RidgeClassifierCV",
            ),
            _linear_classifier(),
        ),
        **dict.fromkeys(
            (
                *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV"),
                *(
                    "Lars",
                    "LarsCV",
                    "LassoLars",
                    "LassoLarsCV",
                    "LassoLarsIC",
                    "BayesianRidge",
                    "ARDRegression",
                ),
                *("HuberRegressor", "TheilSenRegressor", "SGDRegressor", "LinearSVR", "QuantileRegressor"),
                *("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor"),
            ),
            _linear_regressor,
        ),
        **dict.fromkeys(("PoissonRegressor", "GammaRegressor", "TweedieRegressor"), _generalised),
        "GaussianNB": _gaussian,
        "MultinomialNB": _counted,
        "ComplementNB": _complement,
        "BernoulliNB": _bernoulli,
        **dict.fromkeys(("KMeans", "MiniBatchKMeans", "BisectingKMeans"), _centres),
        "NearestCentroid": _centroids,
        "MLPClassifier": _perceptron_classifier,
        "MLPRegressor": _perceptron_regressor,
        **dict.fromkeys(
            (
                *("DecisionTreeClassifier", "ExtraTreeClassifier"),
                *("RandomForestClassifier", "ExtraTreesClassifier"),
            ),
            plain_trees.forest_classifier,
        ),
        **dict.fromkeys(
            (
                *("DecisionTreeRegressor", "ExtraTreeRegressor"),
                *("RandomForestRegressor", "ExtraTreesRegressor"),
            ),
            plain_trees.forest_regressor,
        ),
        **dict.fromkeys(("XGBClassifier", "XGBRFClassifier"), plain_boosters.xgboost_classifier),
        **dict.fromkeys(("XGBRegressor", "XGBRFRegressor"), plain_boosters.xgboost_regressor),
        "LGBMClassifier": plain_boosters.lightgbm_classifier,
        "LGBMRegressor": plain_boosters.lightgbm_regressor,
        "VotingClassifier": plain_boosters.numbered,
        "GradientBoostingClassifier": plain_trees.boosted_classifier,
        "GradientBoostingRegressor": plain_trees.boosted_regressor,
        "HistGradientBoostingClassifier": plain_trees.histogram_classifier,
        "HistGradientBoostingRegressor": plain_trees.histogram_regressor,
    }
)
"""What makes the plain model of an estimator, by the name of its class."""
