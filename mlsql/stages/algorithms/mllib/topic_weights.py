"""The plain form of topics."""

from __future__ import annotations

import numpy as np

from mlsql.stages.algorithms.mllib.weights import StoredFit
from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.topics import Topics, digamma


def topics(fit: StoredFit) -> PlainModel:
    """How much each word says for each topic, and how much of each topic is expected."""
    counts = fit.model.topicsMatrix().toArray().T
    words = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    return Topics(words, np.array(fit.model.estimatedDocConcentration().toArray()))
