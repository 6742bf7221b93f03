"""Scores to probabilities and means: the inverse links of linear and boosted models."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Link = Literal["none", "logistic", "softmax", "one_vs_rest"]
"""What makes probabilities of a classifier's scores; with ``none`` it tells none."""
MeanLink = Literal["identity", "exp", "logistic"]
"""What makes the mean of a regressor's score."""


def logistic(scores: Any) -> Any:
    """1 / (1 + exp(-score)), which is 0 where that exponential is too large for a double.

    Of that NumPy warns, unless it is told not to by who asks the model: a context costs 1 µs.
    """
    return 1.0 / (1.0 + np.exp(-scores))


def softmax(scores: Any) -> Any:
    """Shares that sum to 1, in proportion to exp(score)."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def one_vs_rest(scores: Any) -> Any:
    """Each class against all others, the results scaled to sum 1; where all are 0 they are alike."""
    apart = logistic(scores)
    sums = apart.sum(axis=-1, keepdims=True)
    return np.where(sums == 0, 1.0 / scores.shape[-1], apart / np.where(sums == 0, 1.0, sums))


def in_two(positive: Any) -> Any:
    """Both probabilities, when there are two classes, of that of the second."""
    return np.stack([1.0 - positive, positive], axis=-1)


def probabilities_of(scores: Any, link: Link) -> Any:
    """The probabilities of the classes; one score decides between two of them."""
    if scores.shape[-1] == 1:
        return in_two(logistic(scores[..., 0]))
    return softmax(scores) if link == "softmax" else one_vs_rest(scores)


def mean_of(scores: Any, link: MeanLink) -> Any:
    """What a regressor expects."""
    if link == "identity":
        return scores
    return np.exp(scores) if link == "exp" else logistic(scores)
