"""Write the table of estimators: ``python -m mlsql.bridge.trainers.survey``, with all libraries installed."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from numbers import Integral, Real
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from mlsql.bridge.trainers.boosting import FITTED, LIBRARIES, constraints_of, given_parameters
from mlsql.bridge.trainers.estimators import TABLE
from mlsql.bridge.trainers.parameters import TRIED_IN_ORDER, Constraint
from mlsql.bridge.trainers.refusals import NO_ANSWER, REFUSED
from mlsql.models.manifest import ModelKind

_TYPES: Mapping[Any, Constraint] = {
    bool: "boolean",
    str: "text",
    dict: "object",
    list: "list",
    tuple: "tuple",
    Integral: ("integer", None, None, "both"),
    Real: ("number", None, None, "both"),
}
_NAMED: Mapping[str, tuple[Constraint, ...]] = {
    "array-like": ("array",),
    "boolean": ("boolean",),
    "verbose": ("boolean", ("integer", 0, None, "left")),
    "random_state": ("none", ("integer", 0, 2**32 - 1, "both")),
    "cv_object": ("none", ("integer", 2, None, "left")),
    "no_validation": ("none", "boolean", ("number", None, None, "both"), "object", "array", "text"),
}


_OBJECTS = ("estimators",)
"""Lists that hold more than numbers and texts, which scikit-learn does not say."""


def survey() -> dict[str, Any]:
    """The table for the installed scikit-learn, in plain values."""
    import sklearn
    from sklearn.utils import all_estimators

    every = dict(all_estimators())
    kinds = {name: kind for name, one in every.items() if (kind := _kind(name, one))}
    estimators = {name: _describe(every[name], kind) for name, kind in kinds.items()}
    refused = {name: REFUSED.get(name, NO_ANSWER) for name in every if name not in kinds}
    boosters = dict(_boosters())
    versions = {name: version(name) for name in LIBRARIES}
    return {
        "scikit-learn": sklearn.__version__,
        **versions,
        "refused": refused,
        "estimators": {**estimators, **boosters},
    }


def _kind(name: str, estimator: Any) -> ModelKind | None:
    """What *estimator* fits; None when nothing that could be used.

    What puts rows into groups without a label is a clusterer: mixtures and finders of outliers too.
    """
    from sklearn.base import ClassifierMixin, ClusterMixin, RegressorMixin, TransformerMixin

    if name in REFUSED:
        return None
    answers, transforms = hasattr(estimator, "predict"), hasattr(estimator, "transform")
    if issubclass(estimator, ClassifierMixin):
        return "classifier"
    if issubclass(estimator, RegressorMixin):
        return "regressor"
    groups = issubclass(estimator, ClusterMixin)
    if transforms and (not answers or (issubclass(estimator, TransformerMixin) and not groups)):
        return "transformer"
    return "clusterer" if answers or groups else None


def _boosters() -> Iterator[tuple[str, dict[str, Any]]]:
    for library, names in FITTED.items():
        for name in names:
            kind: ModelKind = "classifier" if name.endswith("Classifier") else "regressor"
            yield f"{library}.{name}", _describe_booster(resolve_name(f"{library}:{name}"), library, kind)


def _describe_booster(estimator: Any, library: str, kind: ModelKind) -> dict[str, Any]:
    parameters = {
        name: {"default": _written(each.default), "takes": _in_order(constraints_of(each))}
        for name, each in given_parameters(estimator).items()
    }
    return {"module": library, "kind": kind, "weights": True, "parameters": parameters}


def to_json(table: Mapping[str, Any]) -> str:
    """The text of ``estimators.json``: a line an estimator."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in table["estimators"].items())
    rest = json.dumps({name: value for name, value in table.items() if name != "estimators"})
    return f'{rest[:-1]},\n"estimators": {{\n{lines}\n}}}}\n'


def _describe(estimator: Any, kind: ModelKind) -> dict[str, Any]:
    constraints = getattr(estimator, "_parameter_constraints", {})
    given = [
        each for each in inspect.signature(estimator).parameters.values() if each.default != "deprecated"
    ]
    from sklearn.utils.validation import has_fit_parameter

    can = {
        "weights": has_fit_parameter(estimator, "sample_weight"),
        "batches": hasattr(estimator, "partial_fit"),
    }
    return {
        "module": estimator.__module__.partition("._")[0],
        "kind": kind,
        **{name: True for name, does in can.items() if does},
        "parameters": {each.name: _describe_parameter(each, constraints) for each in given},
    }


def _describe_parameter(parameter: inspect.Parameter, constraints: Mapping[str, Any]) -> dict[str, Any]:
    takes = [] if parameter.name in _OBJECTS else constraints.get(parameter.name, "no_validation")
    known = [each for one in ([takes] if isinstance(takes, str) else takes) for each in _translate(one)]
    described = {"takes": _in_order(known)}
    if parameter.default is inspect.Parameter.empty:
        return described
    return {"default": _written(parameter.default), **described}


def _translate(constraint: Any) -> Iterator[Constraint]:
    """*constraint* in our words; nothing for what a script cannot write (a callable, a kernel)."""
    from sklearn.utils._param_validation import HasMethods, Interval, Options

    if constraint is None:
        yield "none"
    elif isinstance(constraint, str):
        yield from _NAMED.get(constraint, ())
    elif isinstance(constraint, type):
        yield from [_TYPES[constraint]] if constraint in _TYPES else []
    elif isinstance(constraint, Interval):
        yield _interval(constraint)
    elif isinstance(constraint, Options):
        yield from _options(constraint)
    elif isinstance(constraint, HasMethods) and "fit" in constraint.methods:
        yield "estimator"


def _interval(interval: Any) -> Constraint:
    from sklearn.utils._param_validation import RealNotInt

    name = "integer" if interval.type is Integral else "decimal" if interval.type is RealNotInt else "number"
    bounds = [
        None if bound is None or math.isinf(bound) else bound for bound in (interval.left, interval.right)
    ]
    return (name, *bounds, interval.closed)


def _options(constraint: Any) -> Iterator[Constraint]:
    options = constraint.options - constraint.deprecated
    words = sorted(each for each in options if isinstance(each, str))
    if words:
        yield ("word", *words)
    if math.inf in options:
        yield "infinity"


def _in_order(constraints: Iterable[Constraint]) -> list[Constraint]:
    unique = {json.dumps(each): each for each in constraints}
    return sorted(
        unique.values(), key=lambda each: TRIED_IN_ORDER.index(each if isinstance(each, str) else each[0])
    )


def _written(default: Any) -> str:
    if callable(default):
        return str(default.__name__)
    return repr(default.item() if hasattr(default, "item") else default)  # a NumPy number as Python's


if __name__ == "__main__":
    Path(__file__).with_name(TABLE).write_text(to_json(survey()), encoding="utf-8")
