"""What is nearest: the centre of a cluster (k-means), or that of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, check_finite, distances, labelled, linear
from mlsql.udf.predictors.plain.links import softmax


@dataclass(frozen=True, slots=True)
class Clusters(AnswersOnly):
    """The number of the nearest centre; the length of the features themselves changes nothing in that."""

    centres: Any
    """Clusters × features; for cosines each of length 1."""
    is_cosine: bool = False
    """Whether nearest is by angle; else it is by Euclid."""

    def predict(self, features: Features) -> Any:
        """The numbers, from 0."""
        products = linear(self.centres, features)
        check_finite(features, products)
        if self.is_cosine:
            return products.argmax(axis=-1)
        return ((self.centres**2).sum(axis=-1) - 2.0 * products).argmin(axis=-1)


@dataclass(frozen=True, slots=True)
class NearestCentroid:
    """The class of the nearest centre, by Euclid, and how probable each is by normal distributions."""

    centres: Any
    """Classes × features."""
    variances: Any
    """The same: in their units distances are measured for probabilities."""
    log_priors: Any
    classes: tuple[Label, ...]
    is_even: bool
    """Whether all classes are as probable before: then the nearest wins, else the most probable."""

    def predict(self, features: Features) -> Any:
        """The classes."""
        if self.is_even:
            return labelled(self.classes, self._distances(features).argmin(axis=-1))
        return labelled(self.classes, self._scores(features).argmax(axis=-1))

    @property
    def has_probabilities(self) -> bool:
        """Always."""
        return True

    def probabilities(self, features: Features) -> Any:
        """The densities at the features, scaled to sum 1."""
        return softmax(self._scores(features))

    def _distances(self, features: Features) -> Any:
        """Their squares, with the features' own in them, as in scikit-learn: far off it alone counts."""
        products = linear(self.centres, features)
        check_finite(features, products)
        own = (features**2).sum(axis=-1, keepdims=True)
        squares = own - 2.0 * products + (self.centres**2).sum(axis=-1)
        return np.fmax(squares, 0.0)  # also for the NaN that two infinities make

    def _scores(self, features: Features) -> Any:
        scores = 2.0 * self.log_priors - distances(self.centres, self.variances, features)
        check_finite(features, scores)
        return scores


def unit_length(centres: Any) -> Any:
    """*centres* scaled to length 1, for cosines."""
    return centres / np.sqrt((centres**2).sum(axis=-1, keepdims=True))
