"""What can be fitted of XGBoost and LightGBM, for the survey: estimators like those of scikit-learn."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from mlsql.bridge.trainers.parameters import Constraint

LIBRARIES = ("xgboost", "lightgbm")
FITTED: Mapping[str, tuple[str, ...]] = {
    "xgboost": ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"),
    "lightgbm": ("LGBMClassifier", "LGBMRegressor"),
}
_MORE = (
    "alpha", "deterministic", "extra_trees", "feature_fraction_bynode", "force_col_wise", "force_row_wise",
    "is_unbalance", "linear_tree", "max_bin", "max_delta_step", "min_data_per_group", "path_smooth",
    "scale_pos_weight", "tweedie_variance_power", "verbosity",
)  # fmt: skip
"""Parameters of LightGBM that its constructors take without naming them."""
_UNWRITABLE = ("callbacks",)
_TYPES: Mapping[Any, Constraint] = {
    bool: "boolean",
    str: "text",
    int: ("integer", None, None, "both"),
    float: ("number", None, None, "both"),
    type(None): "none",
    Any: "text",
}
_ANYTHING: tuple[Constraint, ...] = ("none", "boolean", ("number", None, None, "both"), "text")


def given_parameters(estimator: Any) -> dict[str, inspect.Parameter]:
    """The parameters of the constructors of *estimator*, its own before those that it inherits."""
    found: dict[str, inspect.Parameter] = {}
    for base in inspect.getmro(estimator):
        for each in inspect.signature(base).parameters.values() if "__init__" in vars(base) else ():
            if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL) and each.name not in _UNWRITABLE:
                found.setdefault(each.name, each)
    if estimator.__module__.startswith("lightgbm"):
        more = {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in _MORE}
        return {**more, **found}
    return found


def constraints_of(parameter: inspect.Parameter) -> Sequence[Constraint]:
    """What the annotation of *parameter* lets a script write; anything plain where it says nothing."""
    if parameter.annotation is inspect.Parameter.empty:
        return _ANYTHING
    return list(_taken(parameter.annotation))


def _taken(annotation: Any) -> Iterator[Constraint]:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from _taken(each)
    elif origin is dict:
        yield "object"
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Sequence):
        yield "array"
    elif annotation in _TYPES:
        yield _TYPES[annotation]
