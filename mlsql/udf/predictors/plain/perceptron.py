"""Small networks of layers, each connected with the next in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, MostProbable, check_finite, linear
from mlsql.udf.predictors.plain.links import MeanLink, in_two, logistic, mean_of, softmax

Activation = Literal["identity", "logistic", "tanh", "relu"]
_ACTIVATIONS: Mapping[Activation, Callable[[Any], Any]] = MappingProxyType(
    {
        "identity": lambda scores: scores,
        "logistic": logistic,
        "tanh": np.tanh,
        "relu": lambda scores: np.maximum(scores, 0.0),
    }
)


@dataclass(frozen=True, slots=True)
class PerceptronClassifier(MostProbable):
    """The class with the highest output; a single output is the probability of the second class."""

    weights: tuple[Any, ...]
    """Of each layer: its units × those before it."""
    intercepts: tuple[Any, ...]
    activation: Activation
    """Of all layers but the last."""
    classes: tuple[Label, ...]

    def probabilities(self, features: Features) -> Any:
        """The outputs, which sum to 1."""
        scores = outputs(self.weights, self.intercepts, self.activation, features)
        return in_two(logistic(scores[..., 0])) if scores.shape[-1] == 1 else softmax(scores)


@dataclass(frozen=True, slots=True)
class PerceptronRegressor(AnswersOnly):
    """The one output."""

    weights: tuple[Any, ...]
    intercepts: tuple[Any, ...]
    activation: Activation
    link: MeanLink = "identity"

    def predict(self, features: Features) -> Any:
        """The means."""
        scores = outputs(self.weights, self.intercepts, self.activation, features)
        return mean_of(scores[..., 0], self.link)


def outputs(
    weights: tuple[Any, ...], intercepts: tuple[Any, ...], activation: Activation, features: Features
) -> Any:
    """What the last layer gives before its own activation."""
    check_finite(features, features)
    *inner, (last, bias) = zip(weights, intercepts, strict=True)
    for layer, shift in inner:
        features = _ACTIVATIONS[activation](linear(layer, features) + shift)
    return linear(last, features) + bias
