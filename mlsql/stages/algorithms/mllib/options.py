"""What a statement may say to an algorithm of Spark ML: options of ours, and every Param by its own name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlsql.options import TEXT, OptionText, one_of, option, option_family
from mlsql.stages.algorithms.candidates import FAMILY
from mlsql.stages.algorithms.choice import ModelChoice
from mlsql.stages.algorithms.columns import EVALUATE, FEATURES, LABEL, WEIGHT
from mlsql.stages.algorithms.external_options import PREDICTION
from mlsql.stages.algorithms.fitting import StoringOptions
from mlsql.stages.algorithms.inputs import INPUTS, SELECTORS
from mlsql.stages.algorithms.mllib.params import SparkParam

INVALID, PROBABILITY = "handleInvalid", "probabilityCol"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyOptions(StoringOptions):
    """What every training in Spark is told."""

    invalid: str = option(
        INVALID, one_of("error", "skip"), "Nulls are an error, or leave their rows out.", default="error"
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


def with_params(name: str, base: type[Any], params: Iterable[SparkParam]) -> type[Any]:
    """The options of *base*, and each of *params* by its own name: what is said of the one model."""
    fields = [
        (f"param_{each.name}", Any, option(each.name, each.kind, each.doc, default=_default(each)))
        for each in params
    ]
    made = dataclasses.make_dataclass(
        f"{name}Options", fields, bases=(base,), frozen=True, slots=True, kw_only=True
    )
    made.__doc__ = base.__doc__
    return made


def _default(param: SparkParam) -> Any:
    return tuple(param.default) if isinstance(param.default, list) else param.default
