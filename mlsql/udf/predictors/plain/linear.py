"""Linear models: logistic and linear regression, ridge, support vectors, naive Bayes of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, check_finite, labelled, linear
from mlsql.udf.predictors.plain.links import Link, MeanLink, mean_of, probabilities_of


@dataclass(frozen=True, slots=True)
class LinearClassifier:
    """The class with the highest of ``coefficients @ features + intercepts``."""

    takes_sparse: ClassVar[bool] = True
    coefficients: Any
    """Classes × features; of two classes one row is enough, which is above *threshold* for the second."""
    intercepts: Any
    classes: tuple[Label, ...]
    link: Link = "none"
    threshold: float = 0.0
    """Of the one score: what is above it is of the second class."""

    def scores(self, features: Features) -> Any:
        """A score a row of the coefficients, on the last axis."""
        scores = linear(self.coefficients, features) + self.intercepts
        check_finite(features, scores)
        return scores

    def predict(self, features: Features) -> Any:
        """The classes."""
        scores = self.scores(features)
        if scores.shape[-1] > 1:
            return labelled(self.classes, scores.argmax(axis=-1))
        return labelled(self.classes, scores[..., 0] > self.threshold)

    @property
    def has_probabilities(self) -> bool:
        """Where there is a link."""
        return self.link != "none"

    def probabilities(self, features: Features) -> Any:
        """The scores through the link."""
        return probabilities_of(self.scores(features), self.link)


@dataclass(frozen=True, slots=True)
class LinearRegressor(AnswersOnly):
    """The mean at ``coefficients @ features + intercept``."""

    takes_sparse: ClassVar[bool] = True
    coefficients: Any
    """One row."""
    intercept: float
    link: MeanLink = "identity"

    def predict(self, features: Features) -> Any:
        """The means."""
        scores = linear(self.coefficients, features)
        check_finite(features, scores)
        return mean_of(scores[..., 0] + self.intercept, self.link)
