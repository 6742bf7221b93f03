"""Gaussian naive Bayes; that of counts and of yes and no is a linear classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import Features, check_finite, distances, labelled
from mlsql.udf.predictors.plain.links import softmax


@dataclass(frozen=True, slots=True)
class GaussianBayes:
    """The class whose normal distributions, one a feature, make the features most likely."""

    means: Any
    """Classes × features."""
    variances: Any
    """The same."""
    log_priors: Any
    """One a class; with the norms of the distributions in it."""
    classes: tuple[Label, ...]

    def scores(self, features: Features) -> Any:
        """The logarithms of the joint likelihoods, a class each on the last axis."""
        scores = self.log_priors - 0.5 * distances(self.means, self.variances, features)
        check_finite(features, scores)
        return scores

    def predict(self, features: Features) -> Any:
        """The classes."""
        return labelled(self.classes, self.scores(features).argmax(axis=-1))

    @property
    def has_probabilities(self) -> bool:
        """Always."""
        return True

    def probabilities(self, features: Features) -> Any:
        """The likelihoods, scaled to sum 1."""
        return softmax(self.scores(features))


def log_priors(priors: Any, variances: Any) -> Any:
    """What :class:`GaussianBayes` adds for each class: its share, and the norms of its distributions."""
    return np.log(priors) - 0.5 * np.log(2.0 * np.pi * variances).sum(axis=-1)
