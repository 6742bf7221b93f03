"""Classes in the type of the label, for estimators that see only texts of a script or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlsql.bridge.errors import OptionFault
from mlsql.models.manifest import Label
from mlsql.names import listed


def with_class_weights(estimator: Any, classes: Sequence[Label]) -> Any:
    """*estimator*, the keys of its class weights in the type of the label."""
    given = estimator.get_params()
    weights = {name: value for name, value in given.items() if name.endswith("class_weight")}
    return estimator.set_params(
        **{
            name: {_class_called(str(key), classes): weight for key, weight in value.items()}
            for name, value in weights.items()
            if isinstance(value, dict)
        }
    )


def _class_called(text: str, classes: Sequence[Label]) -> Label:
    """The class that *text* means: ``1`` is 1 as well as 1.0, ``true`` is True."""
    for each in classes:
        if text.casefold() == str(each).casefold() or (isinstance(each, float) and text == f"{each:g}"):
            return each
    raise OptionFault(
        f"class_weight names the class '{text}', which the label does not have",
        option="class_weight",
        hint=f"its classes: {listed(map(str, classes))}",
    )


def behind_classes(estimator: Any, classes: Sequence[Label] | None) -> Any:
    """*estimator* as it is, or where it only takes numbered classes in a vote of one, which numbers them."""
    from sklearn.base import is_classifier
    from sklearn.ensemble import VotingClassifier

    if (
        classes is None
        or not type(estimator).__module__.startswith("xgboost")
        or not is_classifier(estimator)
    ):
        return estimator
    if all(type(each) is int and each == number for number, each in enumerate(classes)):
        return estimator
    return VotingClassifier([("estimator", estimator)], voting="soft")
