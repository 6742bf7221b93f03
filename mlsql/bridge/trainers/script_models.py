"""What a script's ``train`` returned: how it answers, and how it is stored so that it loads without us.

An estimator of scikit-learn and a module of PyTorch are stored as what they are. Anything else is
stored together with the script's ``predict``, pickled with their code.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlsql.bridge.errors import WorkerError
from mlsql.models.manifest import ModelKind

PICKLED = "model.pkl"
METADATA = "mlsql"
"""Where ``MLmodel`` says what our traits of the model are."""


class Returned(Protocol):
    """A model that a script has made."""

    @property
    def packages(self) -> tuple[str, ...]:
        """What its stored form needs, beside what the script imports."""
        ...

    def answers(self, features: Any) -> Any:
        """What it says of a frame or a matrix, as the script gives it."""
        ...

    def save(self, directory: Path, described: Mapping[str, Any]) -> None:
        """Store it as an MLflow model; *described* are the arguments that every flavor takes."""
        ...


@dataclass(frozen=True, slots=True)
class Answering:
    """Any object, with the script's ``predict`` or a method of that name."""

    model: Any
    predict: Any = None
    packages: tuple[str, ...] = ("mlflow", "cloudpickle", "numpy", "pandas")

    def answers(self, features: Any) -> Any:
        """By the function of the script, or the method of the object."""
        return self.model.predict(features) if self.predict is None else self.predict(self.model, features)

    def save(self, directory: Path, described: Mapping[str, Any]) -> None:
        """As a pickle with its code, which an MLflow pyfunc loads."""
        import cloudpickle
        import mlflow.pyfunc

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / PICKLED
            try:
                file.write_bytes(cloudpickle.dumps((self.model, self.predict)))
            except Exception as error:
                message = f"what train returned cannot be pickled: {type(error).__name__}: {error}"
                raise WorkerError(message) from error
            with _quiet():
                mlflow.pyfunc.save_model(
                    str(directory), python_model=_stored_form(), artifacts={"model": str(file)}, **described
                )


@dataclass(frozen=True, slots=True)
class ReturnedEstimator:
    """An estimator of scikit-learn, as it is."""

    estimator: Any
    packages: tuple[str, ...] = ("mlflow", "cloudpickle", "scikit-learn", "numpy", "scipy", "pandas")

    def answers(self, features: Any) -> Any:
        """As it was fitted: a frame by its names, else the bare numbers."""
        return self.estimator.predict(self._as_fitted(features))

    def probabilities(self, features: Any) -> Any:
        """A column a class; None where it has none."""
        if not hasattr(self.estimator, "predict_proba"):
            return None
        return self.estimator.predict_proba(self._as_fitted(features))

    def kind(self, otherwise: ModelKind) -> ModelKind:
        """What it says that it is."""
        from sklearn.base import is_classifier, is_clusterer, is_regressor

        if is_classifier(self.estimator):
            return "classifier"
        if is_regressor(self.estimator):
            return "regressor"
        return "clusterer" if is_clusterer(self.estimator) else otherwise

    def save(self, directory: Path, described: Mapping[str, Any]) -> None:
        """As an MLflow model of scikit-learn."""
        import mlflow.sklearn

        with _quiet():
            mlflow.sklearn.save_model(
                self.estimator, str(directory), serialization_format="cloudpickle", **described
            )

    def _as_fitted(self, features: Any) -> Any:
        if not hasattr(features, "columns"):
            return features
        names = getattr(self.estimator, "feature_names_in_", None)
        return features.to_numpy(dtype=float) if names is None else features[list(names)]


@dataclass(frozen=True, slots=True)
class ReturnedModule:
    """A module of PyTorch, which is given numbers in 32 bits."""

    module: Any
    packages: tuple[str, ...] = ("mlflow", "cloudpickle", "torch", "numpy", "pandas")

    def answers(self, features: Any) -> Any:
        """What the module says, without gradients."""
        import numpy as np
        import torch

        self.module.eval()
        with torch.no_grad():
            return self.module(torch.as_tensor(np.asarray(features, dtype="float32"))).numpy()

    def save(self, directory: Path, described: Mapping[str, Any]) -> None:
        """As an MLflow model of PyTorch."""
        import mlflow.pytorch

        with _quiet():
            mlflow.pytorch.save_model(self.module, str(directory), **described)


def read_returned(model: Any, predict: Any, script: str) -> Returned:
    """What ``train`` of the *script* returned; WorkerError for what cannot answer."""
    if predict is not None:
        return Answering(model, predict)
    if model is None:
        raise WorkerError(f"{script}: train returned nothing; it returns the model")
    if "sklearn" in sys.modules and _is_a(model, "sklearn.base:BaseEstimator") and hasattr(model, "predict"):
        return ReturnedEstimator(model)
    if "torch" in sys.modules and _is_a(model, "torch.nn:Module"):
        return ReturnedModule(model)
    if not callable(getattr(model, "predict", None)):
        raise WorkerError(
            f"{script}: train returned a {type(model).__name__}, which has no predict; "
            "define predict(model, frame) beside train"
        )
    return Answering(model)


def load_returned(directory: Path) -> Returned:
    """The model that :meth:`Returned.save` stored in *directory*."""
    flavors = read_description(directory)["flavors"]
    if "sklearn" in flavors:
        import mlflow.pyfunc
        import mlflow.sklearn

        return ReturnedEstimator(mlflow.sklearn.load_model(str(directory)))
    if "pytorch" in flavors:
        import mlflow.pyfunc
        import mlflow.pytorch

        return ReturnedModule(mlflow.pytorch.load_model(str(directory)))
    artifact = flavors["python_function"]["artifacts"]["model"]["path"]
    return Answering(*pickle.loads((directory / artifact).read_bytes()))  # noqa: S301 — of the model store


def read_description(directory: Path) -> Mapping[str, Any]:
    """What ``MLmodel`` says."""
    import yaml  # type: ignore[import-untyped]  # it ships no types

    described: Mapping[str, Any] = yaml.safe_load((directory / "MLmodel").read_text(encoding="utf-8"))
    return described


def keep_files(kept: Path, directory: Path) -> None:
    """What the script left is a part of the model."""
    if any(kept.iterdir()):
        shutil.copytree(kept, directory / "files")


def _is_a(model: Any, name: str) -> bool:
    from pkgutil import resolve_name

    return isinstance(model, resolve_name(name))


def _stored_form() -> Any:
    """The class by which MLflow loads the pickle; a local one, so that its code is stored too."""
    from mlflow.pyfunc.model import PythonModel

    class StoredScript(PythonModel):
        _skip_type_hint_validation = True  # else MLflow asks for hints; those that there are it minds

        def load_context(self, context: Any) -> None:
            import pickle
            from pathlib import Path

            file = Path(context.artifacts["model"])
            self.model, self.answer = pickle.loads(file.read_bytes())  # noqa: S301 — it is the model

        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG002
            if self.answer is None:
                return self.model.predict(model_input)
            return self.answer(self.model, model_input)

    return StoredScript()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A block in which MLflow keeps its advice, and its search for packages of 1.3 s, to itself."""
    from mlflow.utils import requirements_utils

    # 3.17 lists the files of every installed package to compare our pinned versions with them.
    vars(requirements_utils)["_MODULES_TO_PACKAGES"] = {}
    for name in (
        "mlflow.sklearn",
        "mlflow.pyfunc",
        "mlflow.models.signature",
        "mlflow.utils.requirements_utils",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
