"""What ``train``, ``run`` and ``predict`` give a table to, looked up by name."""

from __future__ import annotations

from mlsql.bridge import trainer
from mlsql.bridge.launcher import Launcher, LocalLauncher
from mlsql.models.manifest import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms import code, features, mllib, tools
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.descriptions import (
    ATTENTION_LSTM_CLASSIFY,
    CNN_CLASSIFY,
    FC_CLASSIFY,
    FC_REGRESS,
    LSTM_REGRESS,
    PYTHON,
    SKLEARN,
    TENSORFLOW,
)
from mlsql.stages.algorithms.external import External
from mlsql.stages.algorithms.retired import RENAMED, RETIRED
from mlsql.stages.algorithms.tools.evaluate import Evaluate

_NETWORKS = {
    "FCClassify": FC_CLASSIFY,
    "FCRegress": FC_REGRESS,
    "CNNClassify": CNN_CLASSIFY,
    "AttentionLSTMClassify": ATTENTION_LSTM_CLASSIFY,
    "LSTMRegress": LSTM_REGRESS,
}


def builtins(store: ModelStore, launcher: Launcher | None = None) -> Registry[Algorithm]:
    """The algorithms that come with mlsql, and those of installed plug-ins; models are kept in *store*.

    *launcher* starts workers beside the driver, where those of a cluster are not asked for.
    """
    registry: Registry[Algorithm] = Registry("algorithm")
    tools.add_to(registry)
    mllib.add_to(registry, store)
    features.add_to(registry, store)
    code.add_to(registry)
    trainers, launcher = trainer.builtins(), launcher or LocalLauncher()
    registry.add("Evaluate", Evaluate(store, registry))
    registry.add("SKLearn", External("SKLearn", store, trainers, launcher, SKLEARN))
    mllib.add_boosting(registry, store, trainers, launcher)
    own = External("PythonAlg", store, trainers, launcher, PYTHON, takes_script=True)
    registry.add("PythonAlg", own)
    networks = External("TensorFlow", store, trainers, launcher, TENSORFLOW, takes_script=True)
    registry.add("TensorFlow", networks)
    for name, description in _NETWORKS.items():
        registry.add(name, External(name, store, trainers, launcher, description))
    for name in trainers:
        if name not in registry:  # one that a plug-in added
            registry.add(name, External(name, store, trainers, launcher))
    registry.add_plugins("mlsql.algorithms")
    registry.rename(RENAMED)
    registry.retire(RETIRED)
    return registry
