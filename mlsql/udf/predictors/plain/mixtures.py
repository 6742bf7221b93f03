"""Clusters as Spark ML finds them: mixtures of normal distributions, and bisections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.udf.predictors.plain.base import AnswersOnly, Features, check_finite, linear

_LEAST = 2.0**-52
"""The share that each distribution has in any case, as in Spark."""


@dataclass(frozen=True, slots=True)
class Mixture(AnswersOnly):
    """The number of the distribution that the features most probably come from."""

    weights: Any
    """One a distribution."""
    means: Any
    """Distributions × features."""
    roots: Any
    """Distributions × features × features: the inverse of the covariance's root."""
    log_norms: Any
    """One a distribution: the logarithm of its density at its mean."""

    def shares(self, features: Features) -> Any:
        """How probable each distribution is, on the last axis."""
        apart = features[..., None, :] - self.means
        distances = (np.matmul(self.roots, apart[..., None])[..., 0] ** 2).sum(axis=-1)
        check_finite(features, distances)
        densities = _LEAST + self.weights * np.exp(self.log_norms - 0.5 * distances)
        return densities / densities.sum(axis=-1, keepdims=True)

    def predict(self, features: Features) -> Any:
        """The numbers, from 0."""
        return self.shares(features).argmax(axis=-1)


@dataclass(frozen=True, slots=True)
class Bisection(AnswersOnly):
    """The leaf of a tree of centres, in which the way goes from each node to the nearer of its children."""

    centres: Any
    """Nodes × features, the root first; for cosines each of length 1."""
    left: Any
    """The children of each node; a leaf is its own."""
    right: Any
    numbers: Any
    """The cluster that each leaf is."""
    depth: int
    is_cosine: bool = False

    def predict(self, features: Features) -> Any:
        """The numbers, from 0."""
        products = linear(self.centres, features)
        check_finite(features, products)
        costs = -products if self.is_cosine else (self.centres**2).sum(axis=-1) - 2.0 * products
        nodes = np.zeros(features.shape[:-1], dtype=np.intp)
        for _ in range(self.depth):
            left, right = self.left[nodes], self.right[nodes]
            nodes = np.where(_at(costs, left) <= _at(costs, right), left, right)
        return self.numbers[nodes]


def _at(costs: Any, nodes: Any) -> Any:
    return np.take_along_axis(costs, nodes[..., None], axis=-1)[..., 0]
