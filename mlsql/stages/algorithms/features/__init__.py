"""Feature steps: fitted on a table, and the same afterwards as a function."""

from __future__ import annotations

from mlsql.models.manifest import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.features import (
    bucketing,
    indexing,
    maps,
    reduction,
    scaling,
    terms,
    tokens,
    vectors,
    words,
)
from mlsql.stages.algorithms.features.pipeline import Pipeline

STEPS = (
    indexing.StringIndex,
    vectors.OneHot,
    vectors.VectorAssemble,
    vectors.VectorIndex,
    scaling.Imputer,
    bucketing.QuantileDiscretize,
    bucketing.Discretizer,
    vectors.PolynomialExpansion,
    reduction.ChiSqSelector,
    reduction.PCA,
    reduction.MinHashLSH,
    terms.HashTfIdf,
    terms.VocabularyTfIdf,
    terms.TfIdfInPlace,
    words.Word2vec,
    words.Word2VecInPlace,
    tokens.TokenExtract,
    tokens.TokenAnalysis,
    tokens.FeatureExtractInPlace,
    scaling.ScalerInPlace,
    scaling.NormalizeInPlace,
    scaling.StandardScaler,
    maps.VecMapInPlace,
    maps.MapValues,
    maps.TableToMap,
)
"""All of them, by subject."""


def add_to(registry: Registry[Algorithm], store: ModelStore) -> None:
    """Add the feature steps; models are kept in *store*."""
    for step in STEPS:
        registry.add(step.name, step(store))
    registry.add("Pipeline", Pipeline(registry, store))
