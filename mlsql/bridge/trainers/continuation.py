"""Whether a fit can go on from a stored estimator, as far as only a worker can see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.trainer import Fitted
from mlsql.bridge.trainers.sklearn_models import FittedEstimator
from mlsql.names import listed

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset


def going_on(initial: Fitted, values: Mapping[str, Any], kind: type[Any], data: Dataset) -> FittedEstimator:
    """*initial* with *values* as its parameters, an estimator of *kind* that goes on with *data*.

    OptionFault or DataFault for another estimator, width or class, and for a fit that would add nothing.
    """
    if not isinstance(initial, FittedEstimator) or type(initial.estimator) is not kind:
        raise OptionFault(f"the stored model is no {kind.__name__}", option="alg")
    if not data.columns.has_categories and data.features != initial.width:
        raise DataFault(f"the stored model has {initial.width:,} features, the table {data.features:,}")
    _check_classes(initial, data)
    _check_growth(initial.estimator, values)
    initial.estimator.set_params(**values)
    return initial


def _check_classes(initial: FittedEstimator, data: Dataset) -> None:
    known, given = initial.traits.classes, data.classes
    if known is None or given is None:
        return
    new = [str(each) for each in given if each not in known]
    if new:
        told = listed(map(str, known))
        raise DataFault(f"the label has {listed(new)}, which the stored model does not know: it knows {told}")
    if not hasattr(initial.estimator, "partial_fit") and len(given) < len(known):
        lacking = listed(str(each) for each in known if each not in given)
        raise DataFault(
            f"the label lacks {lacking}, which the stored model knows: it goes on with all its classes"
        )


def _check_growth(estimator: Any, values: Mapping[str, Any]) -> None:
    """Ensembles count what they had among their number: with the same one nothing would be fitted."""
    if hasattr(estimator, "partial_fit"):
        return
    counted = {"n_estimators": "estimators_", "max_iter": "_predictors"}
    for name, kept in counted.items():
        has = len(getattr(estimator, kept, ()))
        if has and values.get(name, 0) <= has:
            message = f"{name} is what the model has after it: the stored one has {has} already"
            raise OptionFault(message, option=name)
