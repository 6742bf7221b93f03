"""Networks of Keras, by the code that is stored with each of them."""

from __future__ import annotations

import os
import runpy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsql.udf.predictors.folder import ModelFolder

NETWORK, CODE = "artifacts/network", "answering.py"


@dataclass(frozen=True, slots=True)
class StoredNetwork:
    """The folder of a model that is a network with its code."""

    folder: ModelFolder
    classifies: bool

    @classmethod
    def in_folder(cls, folder: Path, flavor: Mapping[str, Any]) -> StoredNetwork:
        """The network of the MLflow model in *folder*; its code does not run here."""
        return cls(ModelFolder.of(folder), flavor["kind"] == "classifier")

    def load(self) -> NetworkPredictor:
        """The predictor; the content of its files is checked before its code runs."""
        folder = self.folder.checked() / NETWORK
        _start()
        network = runpy.run_path(str(folder / CODE))["load"](str(folder))
        return NetworkPredictor(network, self.classifies)


@dataclass(frozen=True, slots=True)
class NetworkPredictor:
    """A Predictor around a network."""

    network: Any
    has_probabilities: bool

    def predict(self, features: Any) -> Any:
        """One answer per row of *features*, a pandas frame or a matrix."""
        return self.network.predict(features)

    def probabilities(self, features: Any) -> Any:
        """A row for each of *features*: how probable each class is, in the order of the classes."""
        return self.network.probabilities(features)


def _start() -> None:
    """Import TensorFlow: quiet, and with one thread, since Spark runs a task a core already."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    with suppress(RuntimeError):  # it has computed in this process already, and keeps its threads
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.set_visible_devices([], "GPU")
