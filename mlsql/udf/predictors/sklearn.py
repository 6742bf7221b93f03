"""Estimators of scikit-learn out of MLflow model folders, without importing MLflow, which takes 2 s."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsql.errors import DataError
from mlsql.models.manifest import ANSWERS_BY, FITTED_ON_SPARSE
from mlsql.udf.predictors.folder import ModelFolder, read_description


@dataclass(frozen=True, slots=True)
class PickledEstimator:
    """The file with an estimator in a model's folder."""

    folder: ModelFolder
    method: str = "predict"
    """What it answers with; a transformer has ``transform``."""
    sparse: bool = False
    """Whether it was fitted on a sparse matrix."""

    @classmethod
    def in_folder(cls, folder: Path, flavor: Mapping[str, Any]) -> PickledEstimator:
        """The estimator of the MLflow model in *folder*; nothing outside of it is ever unpickled."""
        if flavor.get("serialization_format") != "cloudpickle":
            raise DataError(f"the model in {folder} is no pickled estimator of scikit-learn")
        told = read_description(folder).get("metadata") or {}
        method, sparse = told.get(ANSWERS_BY, "predict"), bool(told.get(FITTED_ON_SPARSE))
        return cls(ModelFolder.of(folder, flavor["pickled_model"]), method, sparse)

    def load(self) -> EstimatorPredictor:
        """The predictor; the content of the file is checked first."""
        ((name, _),) = self.folder.files
        estimator = pickle.loads(self.folder.read(name))  # noqa: S301 — of the store's folder, and known by its checksum
        if not hasattr(estimator, self.method):
            raise DataError(f"{type(estimator).__name__} has answers only for the rows that it was fitted on")
        estimator, names = _without_numbers_step(_in_one_thread(estimator))
        estimator, column = _without_column_step(estimator)
        return EstimatorPredictor(estimator, self.method, self.sparse, names, column)


@dataclass(frozen=True, slots=True)
class EstimatorPredictor:
    """A Predictor around a fitted estimator."""

    estimator: Any
    method: str = "predict"
    takes_sparse: bool = False
    names: tuple[str, ...] | None = None
    """The columns of a frame that its matrix is made of; without names it is made of all."""
    column: str | None = None
    """The one column of a frame that it takes as it is."""

    def predict(self, features: Any) -> Any:
        """One answer per row of *features*, a pandas frame, a matrix or a SciPy CSR.

        An estimator that was fitted on a frame gets its columns by name, any other one the bare
        numbers in the columns' order.
        """
        answers = getattr(self.estimator, self.method)(self._as_fitted(features))
        return answers.toarray() if hasattr(answers, "toarray") else answers

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
        if self.column is not None:
            return features[self.column]
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is not None:
            return features[list(names)]
        if self.names not in (None, tuple(features.columns)):
            features = features[list(self.names)]
        return features.to_numpy(dtype=float)


def _without_numbers_step(estimator: Any) -> tuple[Any, tuple[str, ...] | None]:
    """A pipeline that only makes a matrix of doubles first, as the estimator in it and the columns' names.

    We make that matrix ourselves, in a fifth of the time.
    """
    if not hasattr(estimator, "steps"):
        return estimator, None
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    match estimator:
        case Pipeline(
            steps=[
                (
                    _,
                    ColumnTransformer(
                        transformers=[
                            (_, FunctionTransformer(func=np.asarray, kw_args={"dtype": "float64"}), [*names])
                        ],
                        remainder="drop",
                    ),
                ),
                (_, behind),
            ]
        ):
            return behind, tuple(names)
    return estimator, None


def _without_column_step(estimator: Any) -> tuple[Any, str | None]:
    """A pipeline that only hands over a column of texts first as what is behind that, and the column's name.

    For one row that step takes more time than all others.
    """
    if not hasattr(estimator, "steps"):
        return estimator, None
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    match estimator:
        case Pipeline(
            steps=[
                (
                    _,
                    ColumnTransformer(
                        transformers_=[(name, step, str(column)), *others], sparse_output_=is_sparse
                    ),
                ),
                *behind,
            ]
        ) if is_sparse and all(isinstance(made, str) and made == "drop" for _, made, _ in others):
            return Pipeline([(name, step), *behind]), column
    return estimator, None


def _in_one_thread(estimator: Any) -> Any:
    """Spark runs a task a core already: threads of the estimator would fight over them."""
    threads = {name for name in estimator.get_params() if name.split("__")[-1] == "n_jobs"}
    return estimator.set_params(**dict.fromkeys(threads, 1))
