"""What a statement may say to an algorithm of Spark ML: options of ours, and every Param by its own name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mlsql.options import (
    TEXT,
    OptionText,
    declared_options,
    integer,
    one_of,
    option,
    option_family,
    read_options,
)
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.candidates import FAMILY
from mlsql.stages.algorithms.choice import ModelChoice
from mlsql.stages.algorithms.columns import EVALUATE, FEATURES, LABEL, WEIGHT
from mlsql.stages.algorithms.external_options import PREDICTION
from mlsql.stages.algorithms.inputs import INPUTS, SELECTORS
from mlsql.stages.algorithms.mllib.params import SparkParam
from mlsql.stages.algorithms.tuning import LARGEST_SEED, SEED, TuningOptions

OptionsT = TypeVar("OptionsT")
INVALID, PROBABILITY = "handleInvalid", "probabilityCol"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyOptions(TuningOptions):
    """What every training in Spark is told."""

    invalid: str = option(
        INVALID, one_of("error", "skip"), "Nulls are an error, or leave their rows out.", default="error"
    )
    seed: int | None = option(
        SEED,
        integer(0, LARGEST_SEED),
        "Another seed draws other trials and folds; where there are none, it is that of the model (42).",
        default=None,
    )
    params: Mapping[str, OptionText] = option_family(
        FAMILY, "Parameters of the model; `fitParam.N.…` are those of model N."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MllibOptions(FamilyOptions):
    """What a training on features is told."""

    features: str = option(
        FEATURES,
        TEXT,
        "Column with a vector or an array of numbers.",
        default="features",
        aliases=("inputCol", "featureCol"),
    )
    inputs: tuple[str, ...] | None = option(
        INPUTS, SELECTORS, "Columns of numbers or booleans instead: `age, c1..c9, regex:^x, *`.", default=None
    )
    label: str | None = option(
        LABEL, TEXT, "Column with the answers ('label'); clustering needs none.", default=None
    )
    weight: str | None = option(
        WEIGHT, TEXT, "Column with how much each row counts in the fit.", default=None
    )
    evaluate: str | None = option(
        EVALUATE, TEXT, "Table on which the models are judged.", default=None, aliases=("validateTable",)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions(ModelChoice):
    """Which model answers, and where."""

    output: str = option(PREDICTION, TEXT, "Name of the column with the answers.", default="prediction")
    probability: str = option(
        PROBABILITY, TEXT, "Name of the column with a classifier's probabilities.", default="probability"
    )


def read_own(kind: type[OptionsT], call: Call[Any], owner: str) -> OptionsT:
    """What the statement says beside the Params, with the columns that its groups name."""
    keys = {each.key for each in declared_options(kind) if not each.prefix}
    given = {key: text for key, text in call.given.items() if key in keys}
    return read_options(kind, given, owner=owner, span=call.algorithm.span)


def with_params(name: str, base: type[Any], params: Iterable[SparkParam]) -> type[Any]:
    """The options of *base*, and each of *params* by its own name: what is said of the one model."""
    known = {each.key for each in declared_options(base)}
    fields = [
        (f"param_{each.name}", Any, option(each.name, each.kind, each.doc, default=_default(each)))
        for each in params
        if each.name not in known
    ]
    made = dataclasses.make_dataclass(
        f"{name}Options", fields, bases=(base,), frozen=True, slots=True, kw_only=True
    )
    made.__doc__ = base.__doc__
    return made


def _default(param: SparkParam) -> Any:
    return tuple(param.default) if isinstance(param.default, list) else param.default
