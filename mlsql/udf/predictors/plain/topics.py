"""The shares of topics in a text (latent Dirichlet allocation), inferred from its counts of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.udf.predictors.plain.base import AnswersOnly, Features, check_finite

_ROUNDS = 1_000
_CLOSE = 1e-6
_FAR = 6.0
"""Above it the series of :func:`digamma` is exact to 1e-12 after the shift below."""


@dataclass(frozen=True, slots=True)
class Topics(AnswersOnly):
    """The expected shares of the topics.

    The inference starts from equal shares, where Spark starts from random ones, and goes on for longer:
    both end at the same shares, Spark within the 1e-3 at which it stops.
    """

    words: Any
    """Topics × words: exp of the expected logarithm of each word's share."""
    prior: Any
    """One a topic."""

    def predict(self, features: Features) -> Any:
        """The shares, which sum to 1; of a text without words they are 0, as in Spark."""
        check_finite(features, features)
        if features.ndim == 1:
            return self._shares(features)
        return (
            np.stack([self._shares(row) for row in features])
            if len(features)
            else np.empty((0, len(self.prior)))
        )

    def _shares(self, counts: Any) -> Any:
        found = np.flatnonzero(counts)
        if not len(found):
            return np.zeros(len(self.prior))
        words, counts = self.words[:, found], counts[found]
        shares = np.ones(len(self.prior))
        for _ in range(_ROUNDS):
            told = np.exp(digamma(shares) - digamma(shares.sum()))
            expected = told @ words + 1e-100
            new = self.prior + told * (words @ (counts / expected))
            change, shares = np.abs(new - shares).mean(), new
            if change < _CLOSE:
                break
        return shares / shares.sum()


def digamma(values: Any) -> Any:
    """The derivative of the log of the gamma function, of positive numbers (Abramowitz, Stegun 6.3.18)."""
    values = np.asarray(values, dtype=float)
    shift = np.zeros_like(values)
    for _ in range(int(_FAR)):
        shift = shift - np.where(values < _FAR, 1.0 / values, 0.0)
        values = np.where(values < _FAR, values + 1.0, values)
    square = 1.0 / values**2
    series = square * (
        1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132))))
    )
    return shift + np.log(values) - 0.5 / values - series
