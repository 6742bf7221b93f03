"""Models in their plain form, out of MLflow model folders: of scikit-learn, of Spark ML, fitted steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlsql.udf.predictors.folder import ModelFolder
from mlsql.udf.predictors.plain import PLAIN, PlainModel, read_plain


@dataclass(frozen=True, slots=True)
class PlainFolder:
    """The folder ``plain`` of a stored model; its arrays are mapped, so that processes share them."""

    folder: ModelFolder

    @classmethod
    def in_folder(cls, folder: Path, flavor: Mapping[str, Any]) -> PlainFolder:  # noqa: ARG003
        """The plain form of the MLflow model in *folder*."""
        return cls(ModelFolder.of(folder / PLAIN))

    def load(self) -> PlainPredictor:
        """The predictor; the content of the files is checked first."""
        return PlainPredictor(read_plain(self.folder.checked().parent))


@dataclass(frozen=True, slots=True)
class PlainPredictor:
    """A Predictor around a plain model; it warns of no number, however large."""

    model: PlainModel

    @np.errstate(all="ignore")
    def predict(self, features: Any) -> Any:
        """One answer per row of *features*, a pandas frame or a matrix."""
        return self.model.predict(_given(features))

    @property
    def has_probabilities(self) -> bool:
        """Whether the model has."""
        return self.model.has_probabilities

    @np.errstate(all="ignore")
    def probabilities(self, features: Any) -> Any:
        """A row for each of *features*: how probable each class is, in the order of the classes."""
        return self.model.probabilities(_given(features))


def _given(features: Any) -> Any:
    """A frame of numbers as a matrix, any other one as columns."""
    if not hasattr(features, "columns"):
        return np.ascontiguousarray(features, dtype=np.float64)
    if all(kind.kind in "iufb" for kind in features.dtypes):
        return np.ascontiguousarray(features.to_numpy(dtype=np.float64))
    return [features.iloc[:, place].to_numpy() for place in range(features.shape[1])]
