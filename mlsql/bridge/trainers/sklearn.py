"""Estimators of scikit-learn, XGBoost and LightGBM: ``alg`` names one, the rest are its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Fitted, Params, Run
from mlsql.bridge.trainers.classes import with_class_weights
from mlsql.bridge.trainers.continuation import going_on
from mlsql.bridge.trainers.estimators import (
    LIBRARIES,
    Recipe,
    find_estimator,
    read_recipe,
    read_table,
    takes_list,
)
from mlsql.bridge.trainers.reading import check_nulls
from mlsql.bridge.trainers.sklearn_fits import (
    BATCHING,
    Batching,
    fit_in_batches,
    fit_whole,
    read_batching,
    read_given,
)
from mlsql.bridge.trainers.sklearn_models import FittedEstimator, load_fitted
from mlsql.errors import ScriptErrors
from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset

OUTDATED = ("labelSize", "label", "inputCol")
"""Parameters of old scripts that say nothing any more."""
NUMPY_SEED = 0
"""Of NumPy's generator, which estimators use whose ``random_state`` is not given."""


@dataclass(frozen=True, slots=True)
class SKLearn:
    """Fits estimators of scikit-learn, and what is like them."""

    flavor: str = "mlflow.sklearn"

    def kind(self, params: Params) -> ModelKind:
        """By ``alg``."""
        return _read(params)[0].estimator.kind

    def check(self, params: Params) -> None:
        """Raise everything that is wrong with *params*, after the table of estimators.

        Whether a library is installed is seen where the models are fitted.
        """
        _read(params)

    def takes_list(self, params: Params, name: str) -> bool:
        """By the constraints of the estimator that the parameter belongs to."""
        return takes_list(params, name)

    def takes_weights(self, params: Params) -> bool:
        """Whether the ``fit`` of the estimator has ``sample_weight``."""
        return _read(params)[0].estimator.takes_weights

    def prepare(self, params: Params) -> None:
        """Import scikit-learn with the estimator asked for."""
        import pandas as pd  # noqa: F401
        import sklearn.compose
        import sklearn.metrics  # noqa: F401

        _read(params)[0].estimator.load()

    def continues(self, params: Params) -> bool:
        """Whether the estimator has ``partial_fit`` or ``warm_start``."""
        return _read(params)[0].estimator.goes_on

    def train(
        self, data: Dataset, params: Params, run: Run, initial: Fitted | None = None
    ) -> FittedEstimator:
        """The estimator fitted on all rows, as if by hand on the same matrix."""
        import numpy as np

        for name in sorted(set(OUTDATED).intersection(params)):
            run.log(f"the parameter '{name}' has no effect any more")
        recipe, batching = _read(params)
        before = None
        if initial is not None:
            before = going_on(initial, recipe.made(), recipe.estimator.load(), data)
        started = recipe.make() if before is None else before.estimator
        estimator = with_class_weights(started, data.classes or ())
        _check_weights(estimator, data)
        check_nulls(estimator, data)
        np.random.seed(NUMPY_SEED)
        if hasattr(estimator, "partial_fit") and (batching or before):
            given = read_given(data, estimator, before, whole=False)
            fit_in_batches(estimator, given, batching or Batching(data.rows, 1, 0), run)
        else:
            if batching:
                run.log(f"{recipe.estimator.name} is fitted on all rows at once: batches have no effect")
            given = read_given(data, estimator, before, whole=True)
            estimator = fit_whole(estimator, given, is_further=before is not None)
        if recipe.estimator.kind == "clusterer" and not hasattr(estimator, "predict"):
            name = recipe.estimator.name
            run.log(f"{name} labels the rows that it is fitted on and cannot predict for others", "warning")
        return given.fitted(estimator, recipe.estimator.kind)

    def load(self, directory: Path, columns: Columns) -> FittedEstimator:
        """The estimator itself, also where it is stored behind a step that makes the matrix."""
        return load_fitted(directory, columns, _kind)


TRAINER = SKLearn()


def _read(params: Params) -> tuple[Recipe, Batching | None]:
    named = params.get("alg")
    if named is None:
        hint = 'name one of scikit-learn\'s: fitParam.alg="RandomForestClassifier"'
        raise OptionFault("SKLearn needs an estimator", option="alg", hint=hint)
    ours = ("alg", *OUTDATED, *BATCHING)
    texts = {name: text for name, text in params.items() if name not in ours}
    recipe, faults = read_recipe(find_estimator(named, option="alg"), texts, option="alg")
    batching, more = read_batching(params)
    faults += more
    if faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)
    return recipe, batching


def _check_weights(estimator: Any, data: Dataset) -> None:
    from sklearn.utils.validation import has_fit_parameter

    if data.columns.weight is not None and not has_fit_parameter(estimator, "sample_weight"):
        message = f"{type(estimator).__name__} takes no weights of rows: leave out weightCol"
        raise OptionFault(message, option="weightCol")


def _kind(estimator: Any) -> ModelKind:
    """What kind of model a fitted *estimator* is, after the table."""
    kind = type(estimator)
    library = kind.__module__.partition(".")[0]
    name = kind.__name__ if library == LIBRARIES[0] else f"{library}.{kind.__name__}"
    return read_table()[name].kind
