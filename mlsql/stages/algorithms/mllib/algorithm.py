"""The algorithms of Spark ML that learn from features: train, predict, register, by their declarations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.models.manifest import CandidateRecord, ModelStore, StoredModel
from mlsql.options import Options
from mlsql.session import FunctionSignature, Run, Session
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.declaration import FUNCTIONS, Gives, SparkEstimator
from mlsql.stages.algorithms.mllib.functions import predicted, register_model
from mlsql.stages.algorithms.mllib.judging import judge_stored
from mlsql.stages.algorithms.mllib.options import PROBABILITY, MllibOptions, PredictOptions, with_params
from mlsql.stages.algorithms.mllib.params import params_of
from mlsql.stages.algorithms.mllib.predicting import expect_inputs, expect_new, model_of
from mlsql.stages.algorithms.mllib.training import trained

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class SparkAlgorithm:
    """One estimator of Spark ML as an algorithm."""

    predict_options: ClassVar[type[PredictOptions]] = PredictOptions

    def __init__(self, declared: SparkEstimator, store: ModelStore) -> None:
        self.declared = declared
        self.store = store
        self.doc = declared.doc
        self.example = declared.example
        self.functions = FUNCTIONS[declared.gives]

    @cached_property
    def options(self) -> type[Any]:
        """Ours, and its Params."""
        return with_params(self.declared.name, MllibOptions, self._reader.params.values())

    @property
    def _reader(self) -> ParamReader:
        return ParamReader(self.declared.name, self.declared.kind, params_of(self.declared.spark_class))

    def check(self, given: Options, /) -> None:
        """Raise what cannot be asked of Spark, before it is."""
        self._reader.check(given)

    def train(self, call: Call[Any], run: Run, /) -> DataFrame:
        """Fit every candidate on the table, judge them, and store those that succeeded as a version."""
        return trained(call, [self.declared], self._reader, run, self.store).result(run)

    def predict(self, call: Call[PredictOptions], run: Run, /) -> DataFrame:
        """The table with ``prediction`` and, of a classifier that tells them, ``probability``."""
        return predicted_by(self.declared.gives, call, run, self.store)

    def judge(
        self, call: Call[Any], stored: StoredModel, candidate: CandidateRecord, run: Run, /
    ) -> Mapping[str, float]:
        """The metrics of *candidate* on the table of *call*."""
        return judge_stored(call, stored, candidate, self.declared.gives, run)

    def register(
        self, session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, /
    ) -> FunctionSignature:
        """Make *candidate* callable as *name*, with ``name_raw`` of a classifier beside it."""
        return register_model(session, name, stored, candidate, self.declared.gives)


def predicted_by(gives: Gives, call: Call[PredictOptions], run: Run, store: ModelStore) -> DataFrame:
    """The table of *call* with the answers of the stored model that it means."""
    stored, candidate = model_of(call, store, run)
    options = call.options
    expect_inputs(call.frame, stored)
    expect_new(call.frame, options.output)
    if gives == "probabilities":
        expect_new(call.frame, options.probability, PROBABILITY)
    with run.guard(call.span):
        return predicted(call.frame, stored, candidate, options, gives)
