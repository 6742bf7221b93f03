"""What ``train``, ``run`` and ``predict`` give a table to, looked up by name."""

from __future__ import annotations

from mlsql.bridge import trainer
from mlsql.bridge.launcher import LocalLauncher
from mlsql.models import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.descriptions import SKLEARN
from mlsql.stages.algorithms.external import External
from mlsql.stages.algorithms.tools.evaluate import Evaluate
from mlsql.stages.algorithms.tools.jdbc import JdbcStatements
from mlsql.stages.algorithms.tools.sampler import RateSampler


def builtins(store: ModelStore) -> Registry[Algorithm]:
    """The algorithms that come with mlsql; models are kept in *store*."""
    registry: Registry[Algorithm] = Registry("algorithm")
    registry.add("RateSampler", RateSampler())
    registry.add("JDBC", JdbcStatements())
    trainers = trainer.builtins()
    registry.add("Evaluate", Evaluate(store, trainers, LocalLauncher()))
    registry.add("SKLearn", External("SKLearn", store, trainers, LocalLauncher(), SKLEARN))
    return registry
