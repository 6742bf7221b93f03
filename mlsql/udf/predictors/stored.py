"""Which predictor a stored model needs, by the flavors that its ``MLmodel`` names; loaded once a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any, Protocol

from mlsql.errors import DataError
from mlsql.forms import FormName
from mlsql.models.manifest import Predictor
from mlsql.names import listed
from mlsql.udf.predictors.folder import ModelFolder, read_flavors

KEPT_MODELS = 64
"""So many models stay loaded in one process: as many as one ``f_all`` asks, or each batch loads them anew."""


class StoredPredictor(Protocol):
    """Where a predictor comes from: small, hashable, and pickled to executors."""

    @classmethod
    def in_folder(cls, folder: Path, flavor: Mapping[str, Any]) -> StoredPredictor:
        """The predictor of the MLflow model in *folder*; *flavor* is what ``MLmodel`` says of its form.

        Runs in the driver: nothing of the model is loaded or run here.
        """
        ...

    @property
    def folder(self) -> ModelFolder:
        """The files that it is loaded from."""
        ...

    def __hash__(self) -> int: ...

    def load(self) -> Predictor:
        """The predictor itself; DataError when the files have changed."""
        ...


FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "sklearn": "mlsql.udf.predictors.sklearn:PickledEstimator",
        "mlsql_plain": "mlsql.udf.predictors.plain_models:PlainFolder",
        "mlsql_keras": "mlsql.udf.predictors.keras:StoredNetwork",
        "python_function": "mlsql.udf.predictors.pyfunc:PythonFunction",  # last: every model has it
    }
)
"""The class for each flavor of MLflow; of several flavors the first that is named here counts."""


def find_predictor(folder: Path, form: FormName | None = None) -> StoredPredictor:
    """The predictor of the MLflow model in *folder*, in its plain form where *form* asks for that."""
    if form == "plain":
        plain: StoredPredictor = resolve_name(FAMILIES["mlsql_plain"]).in_folder(folder, {})
        return plain
    flavors = read_flavors(folder)
    for flavor, family in FAMILIES.items():
        if flavor in flavors:
            found: StoredPredictor = resolve_name(family).in_folder(folder, flavors[flavor])
            return found
    if "spark" in flavors:
        raise DataError(f"the model in {folder} has no plain form: Spark alone answers it")
    raise DataError(f"the model in {folder} is stored as {listed(flavors)}, which no function can be made of")


@lru_cache(maxsize=KEPT_MODELS)
def loaded(stored: StoredPredictor) -> Predictor:
    """What *stored* loads, kept for the life of this process."""
    return stored.load()
