"""Estimators of scikit-learn out of MLflow model folders, without importing MLflow, which takes 2 s."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlsql.errors import DataError
from mlsql.names import listed

KEPT_MODELS = 64
"""So many models stay loaded in one process: as many as one ``f_all`` asks, or each batch loads them anew."""


@dataclass(frozen=True, slots=True)
class PickledEstimator:
    """A file with an estimator, and the content that it is known to have."""

    file: str
    sha256: str

    @classmethod
    def in_folder(cls, folder: Path) -> PickledEstimator:
        """The estimator of the MLflow model in *folder*; nothing outside of it is ever unpickled."""
        flavor = _flavor(folder)
        file = (folder / flavor["pickled_model"]).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise DataError(f"the model in {folder} points at {file}, which is not a part of it")
        return cls(str(file), hashlib.sha256(_read(file)).hexdigest())


@dataclass(frozen=True, slots=True)
class EstimatorPredictor:
    """A Predictor around a fitted estimator."""

    estimator: Any

    def predict(self, features: Any) -> Any:
        """One answer per row of *features*, a pandas frame or a matrix.

        An estimator that was fitted on a frame gets its columns by name, any other one the bare
        numbers in the columns' order.
        """
        return self.estimator.predict(self._as_fitted(features))

    @property
    def has_probabilities(self) -> bool:
        """Whether it is a classifier that can tell :meth:`probabilities`; with some a parameter decides."""
        return hasattr(self.estimator, "predict_proba")

    def probabilities(self, features: Any) -> Any:
        """A row for each of *features*: how probable each class is, in the order of the classes."""
        return self.estimator.predict_proba(self._as_fitted(features))

    def _as_fitted(self, features: Any) -> Any:
        if not hasattr(features, "columns"):
            return features
        names = getattr(self.estimator, "feature_names_in_", None)
        return features.to_numpy(dtype=float) if names is None else features[list(names)]


@lru_cache(maxsize=KEPT_MODELS)
def load(model: PickledEstimator) -> EstimatorPredictor:
    """The predictor of *model*, kept for the life of this process; its content is checked first."""
    content = _read(Path(model.file))
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise DataError(f"{model.file} is not what it was when its function was registered")
    estimator = pickle.loads(content)  # noqa: S301 — of the store's folder, and known by its checksum
    if not hasattr(estimator, "predict"):
        raise DataError(f"{type(estimator).__name__} has answers only for the rows that it was fitted on")
    return EstimatorPredictor(_in_one_thread(estimator))


def _flavor(folder: Path) -> dict[str, str]:
    """What ``MLmodel`` says of the estimator."""
    import yaml  # type: ignore[import-untyped]  # it ships no types

    flavors = yaml.safe_load(_read(folder / "MLmodel"))["flavors"]
    flavor: dict[str, str] = flavors.get("sklearn", {})
    if flavor.get("serialization_format") != "cloudpickle":
        raise DataError(
            f"the model in {folder} is no pickled estimator of scikit-learn, but {listed(flavors)}"
        )
    return flavor


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"a part of the model cannot be read: {file}: {error.strerror}") from error


def _in_one_thread(estimator: Any) -> Any:
    """Spark runs a task a core already: threads of the estimator would fight over them."""
    threads = {name for name in estimator.get_params() if name.split("__")[-1] == "n_jobs"}
    return estimator.set_params(**dict.fromkeys(threads, 1))
