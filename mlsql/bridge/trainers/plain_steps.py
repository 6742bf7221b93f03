"""Fitted transformers of scikit-learn as plain steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from mlsql.bridge.trainers import plain_texts
from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import Step
from mlsql.udf.predictors.plain.counting import Counted
from mlsql.udf.predictors.plain.encoding import Block, Blocks, Categories, Numbers, OneHot, Ordinal
from mlsql.udf.predictors.plain.preparation import (
    Binarise,
    Impute,
    ImputeTexts,
    Normalise,
    Project,
    Rescale,
    Select,
    Standardise,
)

Steps = tuple[Step, ...]
_OF_COLUMNS = (OneHot, Ordinal, ImputeTexts, Blocks, Counted)
"""Steps that take columns; in front of any other one columns become numbers."""


def steps_of(transformer: Any) -> Steps:
    """What the fitted *transformer* does, step by step; NoPlainForm where that cannot be told."""
    if isinstance(transformer, str) and transformer == "passthrough":
        return ()
    kind = type(transformer)
    make = _STEPS.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
    if make is None:
        raise NoPlainForm(f"{kind.__name__} has no plain form")
    return make(transformer)


def _pipeline(pipeline: Any) -> Steps:
    return tuple(step for _, each in pipeline.steps for step in steps_of(each))


def _columns(transformer: Any) -> Steps:
    """A ColumnTransformer."""
    positions = transformer._transformer_to_input_indices  # noqa: SLF001 — names and numbers, resolved
    parts = [
        _block(tuple(int(each) for each in positions[name]), made, given)
        for name, made, given in transformer.transformers_
        if not (isinstance(made, str) and made == "drop")
    ]
    return (Blocks(tuple(part for part in parts if part.positions)),)


def _block(positions: tuple[int, ...], transformer: Any, given: Any) -> Block:
    steps = steps_of(transformer)
    if isinstance(given, str | int) != (bool(steps) and isinstance(steps[0], Counted)):
        raise NoPlainForm("only a column of texts is handed over without a frame, and it always is")
    is_numeric = bool(steps) and not isinstance(steps[0], _OF_COLUMNS)
    return Block(positions, (Numbers(), *steps) if is_numeric else steps)


def _function(transformer: Any) -> Steps:
    """The functions of our own encoder and of histogram boosting's, and the one that changes nothing."""
    import pandas as pd
    from sklearn.utils import check_array

    if transformer.func is None:
        return ()
    if transformer.func is np.asarray or getattr(transformer.func, "func", None) is check_array:
        return (Numbers(),)
    if transformer.func is pd.DataFrame.replace:  # NaN by None, which categories take for the same
        return ()
    raise NoPlainForm(f"the function {transformer.func} has no plain form")


def _one_hot(encoder: Any) -> Steps:
    columns, start = [], 0
    for number, values in enumerate(encoder.categories_):
        codes = _grouped(encoder, number, len(values))
        drop = None if encoder.drop_idx_ is None else encoder.drop_idx_[number]
        unknown = _unknown_place(encoder, number, len(values))
        places = tuple(_place(code, drop, start) for code in codes)
        found = None if unknown is None else _place(unknown, drop, start)
        columns.append(Categories(_values(values), places, found))
        start += len(set(codes)) - (drop is not None)
    return (OneHot(tuple(columns), start),)


def _grouped(encoder: Any, number: int, count: int) -> list[int]:
    """The number of each category after rare ones have become one."""
    mappings = encoder._default_to_infrequent_mappings if encoder._infrequent_enabled else None  # noqa: SLF001
    mapping = None if mappings is None else mappings[number]
    return list(range(count)) if mapping is None else [int(each) for each in mapping]


def _unknown_place(encoder: Any, number: int, count: int) -> int | None:
    """The category that a new value is: -1 for none, None where it is refused."""
    if encoder.handle_unknown == "error":
        return None
    rare = encoder.infrequent_categories_[number] if encoder._infrequent_enabled else None  # noqa: SLF001
    if encoder.handle_unknown == "ignore" or rare is None:
        return -1
    return max(_grouped(encoder, number, count))


def _place(code: int, drop: int | None, start: int) -> int:
    if code < 0 or code == drop:
        return -1
    return start + code - (drop is not None and code > drop)


def _ordinal(encoder: Any) -> Steps:
    columns = []
    for number, values in enumerate(encoder.categories_):
        plain = _values(values)
        codes = [float(each) for each in _grouped(encoder, number, len(values))]
        missing = float(encoder.encoded_missing_value)
        coded = tuple(missing if value is None else code for value, code in zip(plain, codes, strict=True))
        unknown = None if encoder.handle_unknown == "error" else float(encoder.unknown_value)
        columns.append(Categories(plain, coded, unknown))
    return (Ordinal(tuple(columns)),)


def _values(categories: Any) -> tuple[Label | None, ...]:
    """The values of one column, a missing one as None."""
    values = tuple(None if each != each else each for each in categories.tolist())  # noqa: PLR0124 — NaN
    if len(set(values)) < len(values):
        raise NoPlainForm("a column whose null and NaN are two categories has no plain form")
    return values


def _standardise(scaler: Any) -> Steps:
    centre = scaler.mean_ if scaler.with_mean else None
    return (Standardise(centre, scaler.scale_ if scaler.with_std else None),)


def _robust(scaler: Any) -> Steps:
    centre = scaler.center_ if scaler.with_centering else None
    return (Standardise(centre, scaler.scale_ if scaler.with_scaling else None),)


def _min_max(scaler: Any) -> Steps:
    low, high = map(float, scaler.feature_range) if scaler.clip else (None, None)
    return (Rescale(scaler.scale_, scaler.min_, low, high),)


def _max_abs(scaler: Any) -> Steps:
    scaled = Standardise(None, scaler.scale_)
    return (scaled, Rescale(1.0, 0.0, -1.0, 1.0)) if getattr(scaler, "clip", False) else (scaled,)


def _impute(imputer: Any) -> Steps:
    fills = imputer.statistics_
    if fills.dtype == object:
        if imputer.add_indicator or not all(isinstance(each, str) for each in fills):
            raise NoPlainForm("this way to fill texts has no plain form")
        return (ImputeTexts(tuple(fills.tolist())),)
    missing = imputer.missing_values
    told = tuple(imputer.indicator_.features_.tolist()) if imputer.add_indicator else ()
    marker = None if missing != missing else float(missing)  # noqa: PLR0124 — NaN
    step = Impute(np.nan_to_num(fills.astype(np.float64)), told, marker)
    empty = np.isnan(fills.astype(np.float64))
    if not empty.any():
        return (step,)
    kept = [*np.nonzero(~empty)[0].tolist(), *range(len(fills), len(fills) + len(told))]
    return (step, Select(tuple(kept)))


def _project(reduction: Any) -> Steps:
    components = reduction.components_
    if getattr(reduction, "whiten", False):
        components = components / np.sqrt(reduction.explained_variance_)[:, None]
    return (Project(np.ascontiguousarray(components, dtype=np.float64), getattr(reduction, "mean_", None)),)


def _select(selector: Any) -> Steps:
    return (Select(tuple(selector.get_support(indices=True).tolist())),)


_STEPS: Mapping[str, Callable[[Any], Steps]] = MappingProxyType(
    {
        "Pipeline": _pipeline,
        "ColumnTransformer": _columns,
        "FunctionTransformer": _function,
        "OneHotEncoder": _one_hot,
        "OrdinalEncoder": _ordinal,
        "StandardScaler": _standardise,
        "RobustScaler": _robust,
        "MinMaxScaler": _min_max,
        "MaxAbsScaler": _max_abs,
        "SimpleImputer": _impute,
        "Binarizer": lambda step: (Binarise(float(step.threshold)),),
        "Normalizer": lambda step: (Normalise(step.norm),),
        "PCA": _project,
        "TruncatedSVD": _project,
        "CountVectorizer": plain_texts.counts,
        "TfidfTransformer": plain_texts.weights,
        "TfidfVectorizer": plain_texts.tf_idf,
        "HashingVectorizer": plain_texts.hashes,
        "FeatureHasher": plain_texts.hashed_words,
        "VarianceThreshold": _select,
        "SelectKBest": _select,
        "SelectPercentile": _select,
    }
)
"""What makes the steps of a transformer, by the name of its class."""
