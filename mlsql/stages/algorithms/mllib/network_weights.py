"""The plain form of Spark ML's perceptron."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from mlsql.stages.algorithms.mllib.weights import StoredFit
from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.perceptron import PerceptronClassifier


def perceptron(fit: StoredFit) -> PlainModel:
    """Layers of sigmoids, the last a softmax."""
    weights, intercepts = zip(*_layers(fit.model.weights.toArray(), fit.model.getLayers()), strict=True)
    return PerceptronClassifier(tuple(weights), tuple(intercepts), "logistic", fit.classes)


def _layers(numbers: Any, sizes: list[int]) -> Iterator[tuple[Any, Any]]:
    """Layer after layer stands in one array: its weights by columns, then its intercepts."""
    start = 0
    for before, units in pairwise(sizes):
        end = start + before * units
        yield (
            np.array(numbers[start:end].reshape(units, before, order="F")),
            np.array(numbers[end : end + units]),
        )
        start = end + units
