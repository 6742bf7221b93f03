"""Models that are MLflow's Python functions: scripts of the user's own, and what no other family knows."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsql.errors import DataError
from mlsql.udf.predictors.folder import ModelFolder

_SCRIPT = "model"
"""The artifact that holds what a script's ``train`` returned, and its ``predict``."""


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """The folder of an MLflow pyfunc; that of a script is loaded without MLflow, which takes 2 s."""

    folder: ModelFolder
    script: str | None
    """The file with what a script has made; None for a model that only MLflow can load."""

    @classmethod
    def in_folder(cls, folder: Path, flavor: Mapping[str, Any]) -> PythonFunction:
        """The function of the MLflow model in *folder*."""
        artifact = flavor.get("artifacts", {}).get(_SCRIPT)
        if flavor.get("loader_module") != "mlflow.pyfunc.model" or artifact is None:
            return cls(ModelFolder.of(folder), None)
        return cls(ModelFolder.of(folder, artifact["path"]), artifact["path"])

    def load(self) -> FunctionPredictor:
        """The predictor; the content of the files is checked first."""
        if self.script is None:
            return FunctionPredictor(_loaded_by_mlflow(self.folder.checked()), None)
        ((name, _),) = self.folder.files
        model, predict = pickle.loads(self.folder.read(name))  # noqa: S301 — of the store's folder, and known by its checksum
        return FunctionPredictor(model, predict)


@dataclass(frozen=True, slots=True)
class FunctionPredictor:
    """A Predictor around an object that predicts, or a function of it."""

    model: Any
    function: Any

    def predict(self, features: Any) -> Any:
        """One answer per row of a frame or a matrix; a matrix of one column is a column."""
        import numpy as np

        given = self.model.predict(features) if self.function is None else self.function(self.model, features)
        answers = np.asarray(given)
        return answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers  # noqa: PLR2004

    @property
    def has_probabilities(self) -> bool:
        """It only has answers."""
        return False

    def probabilities(self, features: Any) -> Any:  # noqa: ARG002
        """None that it could tell."""
        raise DataError("a script's model has answers, and no probabilities")


def _loaded_by_mlflow(folder: Path) -> Any:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder))
