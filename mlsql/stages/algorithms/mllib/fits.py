"""Estimators of Spark ML as what ``fitting`` fits: Params set, fitted on a prepared table, judged, stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.trainer import Traits
from mlsql.errors import DataError
from mlsql.models.manifest import ModelKind
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.judging_answers import GUESS, TRUTH
from mlsql.stages.algorithms.mllib.declaration import SparkEstimator
from mlsql.stages.algorithms.mllib.frames import WEIGHT, Layout
from mlsql.stages.algorithms.mllib.judging import judge_answers
from mlsql.stages.algorithms.mllib.params import SEED, params_of
from mlsql.stages.algorithms.spark_models import add_plain, last_step, libraries, save_spark_model

if TYPE_CHECKING:
    from pyspark.ml import Estimator, Model, Transformer
    from pyspark.sql import DataFrame

_ANSWERS: Mapping[str, str] = {"number": "double", "cluster": "int", "topics": "array<double>"}


@dataclass(frozen=True, slots=True)
class EstimatorFits:
    """Fits the estimator of *declared*, or of the one that a candidate's ``alg`` names."""

    declared: Mapping[str, SparkEstimator]
    """By name; ``alg`` chooses, where there are several."""
    layout: Layout

    def fit(self, frame: DataFrame, params: Mapping[str, str], run: Run) -> FittedModel:  # noqa: ARG002
        """The model of *params*."""
        declared = self.declared[params["alg"]] if "alg" in params else next(iter(self.declared.values()))
        estimator = declared.make()
        self._set_columns(estimator, frame)
        known = params_of(declared.spark_class)
        given = {**({"seed": str(SEED)} if "seed" in known else {}), **params}
        given.pop("alg", None)
        estimator.setParams(**{name: known[name].value(text) for name, text in given.items()})  # type: ignore[attr-defined]
        return FittedModel(declared, estimator.fit(frame), self.layout, _width(frame, self.layout))

    def _set_columns(self, estimator: Estimator[Any], frame: DataFrame) -> None:
        names = {"featuresCol": self.layout.features, "labelCol": TRUTH}
        if WEIGHT in frame.columns:
            if not estimator.hasParam("weightCol"):
                raise DataError(f"{type(estimator).__name__} takes no weights of rows")
            names["weightCol"] = WEIGHT
        for name, column in names.items():
            if estimator.hasParam(name):
                estimator.set(estimator.getParam(name), column)


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted model of Spark ML."""

    declared: SparkEstimator
    model: Model
    layout: Layout
    width: int

    @property
    def traits(self) -> Traits:
        """What it is."""
        return Traits(
            kind=self.kind,
            features=self.width,
            answer=self._answer,
            classes=self.layout.classes,
            libraries=libraries(),
        )

    @property
    def kind(self) -> ModelKind:
        """That of its declaration."""
        return self.declared.kind

    @property
    def _answer(self) -> str:
        if self.kind == "classifier" and self.layout.columns.label is not None:
            written = self.layout.columns.label.type
            return "double" if written.startswith("decimal") else written
        return _ANSWERS[self.declared.gives]

    def judge(self, frame: DataFrame, run: Run) -> Judgement:
        """By the metrics of its kind."""
        if self.kind == "transformer":
            return Judgement()
        answers = self.model.transform(frame).withColumnRenamed("prediction", GUESS)
        told = "probability" if self.declared.gives == "probabilities" else None
        return judge_answers(answers, self.kind, self.layout, told, run.emit)

    def save(self, directory: Path, run: Run) -> None:
        """As a Spark ML model behind what assembles its features, and in plain numbers."""
        from pyspark.ml import PipelineModel

        from mlsql.stages.algorithms.mllib.weights import StoredFit, read_weights

        assembler = self.layout.assembler
        steps: list[Transformer] = [self.model] if assembler is None else [assembler, self.model]
        save_spark_model(PipelineModel(steps), directory, run.spark)
        fit = StoredFit(self.model, self.layout.classes or (), last_step(directory))
        add_plain(directory, read_weights(self.declared.weights, fit))


def _width(frame: DataFrame, layout: Layout) -> int:
    """How many features the rows have; of vectors the first tells, and Spark ML refuses others."""
    if layout.columns.form == "columns":
        return len(layout.columns.features)
    row = frame.select(quoted(layout.features)).first()
    assert row is not None
    return len(row[0])
