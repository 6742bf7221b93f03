"""What a training outside of Spark is told: the options of every algorithm that a trainer fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlsql.options import BOOLEAN, TEXT, Kind, OptionText, integer, one_of, option, option_family
from mlsql.stages.algorithms.candidates import FAMILY
from mlsql.stages.algorithms.choice import ModelChoice
from mlsql.stages.algorithms.columns import EVALUATE, FEATURES, LABEL, WEIGHT
from mlsql.stages.algorithms.initial import INITIAL, INITIAL_VERSION
from mlsql.stages.algorithms.inputs import INPUTS, SELECTORS
from mlsql.stages.algorithms.tuning import TuningOptions

PREDICTION = "predictionCol"
SCRIPT_PATH, SCRIPTS = "pythonScriptPath", "scripts"
PYTHON, ENVIRONMENT = "systemParam.pythonPath", "systemParam.envs"


def _read_texts(text: str) -> dict[str, str]:
    value = json.loads(text)
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError("no object of texts")
    return value


TEXTS: Kind[dict[str, str]] = Kind('a JSON object of texts, as {"NAME": "value"}', _read_texts)
_OUTDATED = "Of old scripts; it has no effect."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalOptions(TuningOptions):
    """What a training outside of Spark is told."""

    features: str = option(FEATURES, TEXT, "Column with a vector or an array of numbers.", default="features")
    inputs: tuple[str, ...] | None = option(
        INPUTS, SELECTORS, "Columns of numbers, booleans or texts: `age, c1..c9, regex:^x, *`.", default=None
    )
    label: str | None = option(
        LABEL, TEXT, "Column with the answers ('label'); clustering needs none.", default=None
    )
    weight: str | None = option(
        WEIGHT, TEXT, "Column with how much each row counts in the fit.", default=None
    )
    invalid: str = option(
        "handleInvalid",
        one_of("error", "skip", "keep"),
        "Nulls are an error, leave their rows out, or are values too.",
        default="error",
    )
    evaluate: str | None = option(
        EVALUATE, TEXT, "Table on which the models are judged.", default=None, aliases=("validateTable",)
    )
    ordered: bool = option(
        "ordered", BOOLEAN, "Sort the rows first, so that the same rows give the same model.", default=False
    )
    initial: str | None = option(
        INITIAL, TEXT, "Path of a stored model that the fits go on from.", default=None
    )
    initial_version: int | None = option(
        INITIAL_VERSION, integer(0), "Its version; else the newest.", default=None
    )
    script_path: str | None = option(
        SCRIPT_PATH, TEXT, "File with Python of your own.", default=None, aliases=("pythonDescPath",)
    )
    scripts: str | None = option(
        SCRIPTS, TEXT, "Variable that holds Python of your own, instead of a file.", default=None
    )
    local: bool = option(
        "enableDataLocal", BOOLEAN, "Whether a script of your own finds the rows as a file.", default=False
    )
    local_format: str = option(
        "dataLocalFormat", one_of("json", "csv", "parquet"), "What that file holds.", default="json"
    )
    local_files: int | None = option(
        "dataLocalFileNum", integer(1, 1000), "A folder with so many files instead of a file.", default=None
    )
    python: str = option(
        PYTHON, TEXT, "Program that runs the workers; 'python' is the engine's own.", default="python"
    )
    environment: Mapping[str, str] | None = option(
        ENVIRONMENT, TEXTS, "Variables of the workers' environment.", default=None, secret=True
    )
    python_version: str | None = option("systemParam.pythonVer", TEXT, _OUTDATED, default=None)
    python_arguments: str | None = option("systemParam.pythonParam", TEXT, _OUTDATED, default=None)
    everywhere: str | None = option("distributeEveryExecutor", TEXT, _OUTDATED, default=None)
    keep_folder: str | None = option("keepLocalDirectory", TEXT, _OUTDATED, default=None)
    params: Mapping[str, OptionText] = option_family(
        FAMILY, "Parameters of the model; `fitParam.N.…` are those of model N."
    )
    kafka: Mapping[str, OptionText] = option_family(
        "kafkaParam.", "Kafka to send the data through: `bootstrap.servers`, and settings of its client."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions(ModelChoice):
    """Which model answers, and where."""

    output: str = option(PREDICTION, TEXT, "Name of the column with the answers.", default="prediction")
