"""Algorithms of Spark ML, fitted in the driver and its executors; and two that have gone to the bridge."""

from __future__ import annotations

from mlsql.models.manifest import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.mllib.algorithm import SparkAlgorithm
from mlsql.stages.algorithms.mllib.automl import AutoML
from mlsql.stages.algorithms.mllib.boosting import add_boosting
from mlsql.stages.algorithms.mllib.catalogue import ESTIMATORS
from mlsql.stages.algorithms.mllib.patterns import Patterns
from mlsql.stages.algorithms.mllib.ranking import Ranking
from mlsql.stages.algorithms.mllib.recommending import Recommender

__all__ = ["add_boosting", "add_to"]


def add_to(registry: Registry[Algorithm], store: ModelStore) -> None:
    """Add those of Spark ML; models are kept in *store*."""
    for declared in ESTIMATORS:
        registry.add(declared.name, SparkAlgorithm(declared, store))
    registry.add("ALSInPlace", Recommender(store))
    registry.add("FPGrowth", Patterns(store))
    registry.add("PageRank", Ranking(store))
    registry.add("AutoML", AutoML(store))
