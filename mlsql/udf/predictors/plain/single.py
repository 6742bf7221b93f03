"""Gradient boosted trees that add in single precision, as XGBoost does: the same doubles to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, MostProbable
from mlsql.udf.predictors.plain.boosting import boosted
from mlsql.udf.predictors.plain.links import MeanLink
from mlsql.udf.predictors.plain.trees import Trees

_LEAST = np.float32(1e-16)
"""What XGBoost adds below a fraction, so that it is never a division by 0."""
_MOST = np.float32(88.7)
"""The exponential of more is beyond single precision."""
_BEYOND = 150.0
"""As is that of this, and that of its negative is 0."""
_ROOTS = np.exp2(np.arange(32) / 32)
_CUBIC, _SQUARE, _LINEAR = (
    float.fromhex("0x1.c6af84b912394p-5") / 32**3,
    float.fromhex("0x1.ebfce50fac4f3p-3") / 32**2,
    float.fromhex("0x1.62e42ff0c52d6p-1") / 32,
)


@dataclass(frozen=True, slots=True)
class SingleBoostedClassifier(MostProbable):
    """The class with the highest probability; a score alone is that of the second of two classes."""

    trees: Trees
    """Stage by stage, a tree an output; their values and the baseline are of single precision."""
    baseline: Any
    classes: tuple[Label, ...]

    def probabilities(self, features: Features) -> Any:
        """The scores through their link."""
        scores = boosted(self.trees, self.baseline, features)
        if scores.shape[-1] > 1:
            return single_softmax(scores).astype(np.float64)
        positive = single_logistic(scores[..., 0])
        return np.stack([np.float32(1) - positive, positive], axis=-1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class SingleBoostedRegressor(AnswersOnly):
    """A baseline plus the values of the trees, through the link."""

    trees: Trees
    """As in :class:`SingleBoostedClassifier`."""
    baseline: Any
    link: MeanLink = "identity"

    def predict(self, features: Features) -> Any:
        """The means."""
        scores = boosted(self.trees, self.baseline, features)[..., 0]
        if self.link != "identity":
            scores = single_exp(scores) if self.link == "exp" else single_logistic(scores)
        return scores.astype(np.float64)


def single_exp(scores: Any) -> Any:
    """Exponentials as the C library rounds them, which neither NumPy's own nor rounded doubles are.

    By a table of 32 roots of 2 and a polynomial, as ``expf`` of glibc and musl, which are
    https://github.com/ARM-software/optimized-routines (MIT).
    """
    given = np.clip(scores.astype(np.float64), -_BEYOND, _BEYOND) * (32 / np.log(2.0))
    steps = np.rint(given)
    rest, whole = given - steps, steps.astype(np.int64)
    power = (_CUBIC * rest + _SQUARE) * (rest * rest) + (_LINEAR * rest + 1.0)
    return (power * np.ldexp(_ROOTS.take(whole & 31), (whole >> 5).astype(np.int32))).astype(np.float32)


def single_logistic(scores: Any) -> Any:
    """``common::Sigmoid`` of XGBoost: https://github.com/dmlc/xgboost/blob/master/src/common/math.h."""
    return np.float32(1) / (single_exp(np.minimum(-scores, _MOST)) + np.float32(1) + _LEAST)


def single_softmax(scores: Any) -> Any:
    """``common::Softmax`` of the same file, which adds in double precision."""
    powers = single_exp(scores - scores.max(axis=-1, keepdims=True))
    sums = np.add.accumulate(powers.astype(np.float64), axis=-1)[..., -1:]
    return powers / sums.astype(np.float32)
