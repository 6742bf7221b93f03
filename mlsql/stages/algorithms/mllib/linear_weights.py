"""The plain form of models that weigh their features: linear ones, naive Bayes, isotonic steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from mlsql.stages.algorithms.mllib.weights import StoredFit
from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.bayes import GaussianBayes, log_priors
from mlsql.udf.predictors.plain.linear import LinearClassifier, LinearRegressor
from mlsql.udf.predictors.plain.means import GeneralizedRegressor, Inverse, IsotonicRegressor


def logistic(fit: StoredFit) -> PlainModel:
    """Of two classes the log odds of the second, of more a score each."""
    return LinearClassifier(
        coefficients=fit.model.coefficientMatrix.toArray(),
        intercepts=np.array(fit.model.interceptVector.toArray()),
        classes=fit.classes,
        link="softmax",
        threshold=_log_odds(fit.model.getThreshold()) if fit.model.numClasses == 2 else 0.0,  # noqa: PLR2004
    )


def _log_odds(probability: float) -> float:
    if probability in (0.0, 1.0):
        return math.inf if probability else -math.inf
    return math.log(probability / (1.0 - probability))


def support_vectors(fit: StoredFit) -> PlainModel:
    """The distance to the plane."""
    return LinearClassifier(
        coefficients=np.array([fit.model.coefficients.toArray()]),
        intercepts=np.array([fit.model.intercept]),
        classes=fit.classes,
        threshold=fit.model.getThreshold(),
    )


def linear_regression(fit: StoredFit) -> PlainModel:
    """The weighted sum; a Huber fit has a scale, which its answers do not need."""
    return LinearRegressor(np.array([fit.model.coefficients.toArray()]), float(fit.model.intercept))


def survival(fit: StoredFit) -> PlainModel:
    """The expected time."""
    coefficients = np.array([fit.model.coefficients.toArray()])
    return LinearRegressor(coefficients, float(fit.model.intercept), link="exp")


def bayes(fit: StoredFit) -> PlainModel:
    """By counts, by yes and no, or by normal distributions, as ``modelType`` says."""
    kind = fit.model.getOrDefault("modelType")
    priors, weights = np.array(fit.model.pi.toArray()), fit.model.theta.toArray()
    if kind == "gaussian":
        variances = fit.model.sigma.toArray()
        return GaussianBayes(weights, variances, log_priors(np.exp(priors), variances), fit.classes)
    if kind == "bernoulli":
        absent = np.log1p(-np.exp(weights))
        weights, priors = weights - absent, priors + absent.sum(axis=1)
    if kind == "complement":
        priors = np.zeros_like(priors)
    return LinearClassifier(weights, priors, fit.classes, link="softmax")


_LEAST_MEAN = 1e-16
_LARGEST = float(np.finfo(np.float64).max)
_CANONICAL: Mapping[str, Inverse] = MappingProxyType(
    {"gaussian": "identity", "binomial": "logit", "poisson": "log", "gamma": "inverse"}
)
_OF_POWERS: Mapping[float, Inverse] = MappingProxyType(
    {0.0: "log", 1.0: "identity", -1.0: "inverse", 0.5: "sqrt"}
)


def generalized(fit: StoredFit) -> PlainModel:
    """The mean through the link, within what the distribution allows."""
    family = fit.model.getFamily().lower()
    link, power = _link(fit.model, family)
    least = -_LARGEST if family == "gaussian" else _LEAST_MEAN
    return GeneralizedRegressor(
        coefficients=np.array([fit.model.coefficients.toArray()]),
        intercept=float(fit.model.intercept),
        link=link,
        least=least,
        most=1.0 - _LEAST_MEAN if family == "binomial" else _LARGEST,
        power=power,
    )


def _link(model: Any, family: str) -> tuple[Inverse, float]:
    """The link, which for tweedie is a power."""
    if family != "tweedie":
        return (model.getLink().lower() if model.isSet("link") else _CANONICAL[family]), 1.0
    power = model.getLinkPower() if model.isSet("linkPower") else 1.0 - model.getVariancePower()
    return (_OF_POWERS[power], 1.0) if power in _OF_POWERS else ("power", power)


def isotonic(fit: StoredFit) -> PlainModel:
    """The boundaries, and the value at each."""
    boundaries, values = (np.array(each.toArray()) for each in (fit.model.boundaries, fit.model.predictions))
    return IsotonicRegressor(boundaries, values, fit.model.getFeatureIndex())
