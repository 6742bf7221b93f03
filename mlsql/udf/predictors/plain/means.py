"""Regressors of Spark ML that scikit-learn has not: generalized linear ones, and isotonic steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from mlsql.udf.predictors.plain.base import AnswersOnly, Features, check_finite, linear
from mlsql.udf.predictors.plain.links import logistic

Inverse = Literal["identity", "log", "inverse", "logit", "probit", "cloglog", "sqrt", "power"]
_ROOT_OF_TWO = math.sqrt(2.0)
_erfc = np.frompyfunc(math.erfc, 1, 1)
_INVERSES: Mapping[Inverse, Callable[[Any], Any]] = MappingProxyType(
    {
        "identity": lambda scores: scores,
        "log": np.exp,
        "inverse": lambda scores: 1.0 / scores,
        "logit": logistic,
        "probit": lambda scores: np.asarray(_erfc(-scores / _ROOT_OF_TWO), dtype=float) / 2.0,
        "cloglog": lambda scores: 1.0 - np.exp(-np.exp(scores)),
        "sqrt": np.square,
    }
)
"""What makes the mean of the score, by the link."""


@dataclass(frozen=True, slots=True)
class GeneralizedRegressor(AnswersOnly):
    """The mean of a distribution, whose link is linear in the features."""

    coefficients: Any
    """One row."""
    intercept: float
    link: Inverse
    least: float
    """Means stay from here …"""
    most: float
    """… to there, as the distribution has it."""
    power: float = 1.0
    """Of the link ``power``: the mean is the score to the power of 1/power."""

    def predict(self, features: Features) -> Any:
        """The means."""
        scores = linear(self.coefficients, features)[..., 0] + self.intercept
        check_finite(features, scores)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            means = scores ** (1.0 / self.power) if self.link == "power" else _INVERSES[self.link](scores)
        return np.clip(means, self.least, self.most)


@dataclass(frozen=True, slots=True)
class IsotonicRegressor(AnswersOnly):
    """The value on the line between the nearest boundaries; beyond them all that of the outermost."""

    boundaries: Any
    """Of one feature, in ascending order."""
    values: Any
    """One at each boundary."""
    feature: int = 0
    """The feature's number, from 0."""

    def predict(self, features: Features) -> Any:
        """The values."""
        wanted = features[..., self.feature]
        check_finite(features, features)
        return np.interp(wanted, self.boundaries, self.values)
