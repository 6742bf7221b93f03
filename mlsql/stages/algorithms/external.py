"""The one door to the bridge: models that are fitted in worker processes, outside of Spark."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.request import TrainingReport, TrainingRequest
from mlsql.bridge.trainer import Trainer
from mlsql.grammar.nodes import Word
from mlsql.models import Draft, ModelRef, ModelStore
from mlsql.names import listed
from mlsql.options import BOOLEAN, NAMES, TEXT, OptionText, option, option_family
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.candidates import FAMILY, read_candidates
from mlsql.stages.algorithms.carrier import open_carrier
from mlsql.stages.algorithms.columns import (
    EVALUATE,
    FEATURES,
    INPUTS,
    LABEL,
    Prepared,
    Wanted,
    prepare,
    prepare_alike,
)
from mlsql.stages.algorithms.report import check_success, manifest, result_table, shown
from mlsql.stages.faults import span_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DEFAULT_LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalOptions:
    """What a training outside of Spark is told."""

    features: str = option(FEATURES, TEXT, "Column with a vector or an array of numbers.", default="features")
    inputs: tuple[str, ...] | None = option(
        INPUTS, NAMES, "Columns with a number each, instead of one features column.", default=None
    )
    label: str | None = option(
        LABEL, TEXT, "Column with the answers ('label'); clustering needs none.", default=None
    )
    evaluate: str | None = option(
        EVALUATE, TEXT, "Table on which the models are judged.", default=None, aliases=("validateTable",)
    )
    ordered: bool = option(
        "ordered", BOOLEAN, "Sort the rows first, so that the same rows give the same model.", default=False
    )
    fail_on_error: bool = option(
        "failOnError", BOOLEAN, "Whether one failed model fails the statement.", default=False
    )
    keep_version: bool = option(
        "keepVersion", BOOLEAN, "Whether older versions at the path are kept.", default=True
    )
    params: Mapping[str, OptionText] = option_family(
        FAMILY, "Parameters of the model; `fitParam.N.…` are those of model N."
    )
    kafka: Mapping[str, OptionText] = option_family(
        "kafkaParam.", "Kafka to send the data through: `bootstrap.servers`, and settings of its client."
    )


@dataclass(frozen=True, slots=True)
class External:
    """An algorithm whose models a trainer of the bridge fits, one worker process a model."""

    trainer: str
    store: ModelStore
    trainers: Registry[Trainer]
    launcher: Launcher
    options: ClassVar[type[ExternalOptions]] = ExternalOptions

    def train(self, call: Call[ExternalOptions], run: Run, /) -> DataFrame:
        """Fit every candidate on the table, judge them, and store those that succeeded as a version."""
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        training = prepare(call.frame, _wanted(call))
        judging = _judging(call, training, run)
        with self.store.begin(path) as draft:
            report = self._fit(call, training, judging, draft, run)
            check_success(report, all_of_them=call.options.fail_on_error)
            stored = draft.commit(manifest(self.trainer, training.columns, report, call.span, run))
        if not call.options.keep_version:
            self._delete_before(stored.ref)
        run.emit(shown(stored))
        return result_table(run.spark, stored)

    def _fit(
        self,
        call: Call[ExternalOptions],
        training: Prepared,
        judging: DataFrame | None,
        draft: Draft,
        run: Run,
    ) -> TrainingReport:
        from mlsql.bridge.training import train

        settings = run.settings
        request = TrainingRequest(
            job=uuid.uuid4().hex,
            trainer=self.trainer,
            candidates=read_candidates(call.options.params),
            columns=training.columns,
            output=draft.directory / "model",
            ordered=call.options.ordered,
            parallelism=settings.train.parallelism,
            timeout=settings.train.timeout,
        )
        return train(
            training.frame,
            request,
            evaluate=judging,
            transport=open_carrier(settings.bridge, call.options.kafka, run.emit),
            trainers=self.trainers,
            launcher=self.launcher,
            message_bytes=settings.bridge.message_bytes,
            emit=run.emit,
            stop=run.stop,
        )

    def _delete_before(self, newest: ModelRef) -> None:
        for version in self.store.versions(newest.path):
            if version < newest.version:
                self.store.delete(ModelRef(newest.path, version))


def _wanted(call: Call[ExternalOptions]) -> Wanted:
    """The columns that the options name; the default label only where the table has it."""
    options, known = call.options, set(map(str.casefold, call.frame.columns))
    if options.inputs is None and FEATURES not in call.given and options.features not in known:
        raise DataFault(
            f"the table has no column '{options.features}'",
            option=FEATURES,
            hint=f'name the features: {INPUTS}="a, b" or {FEATURES}="v"; it has {listed(call.frame.columns)}',
        )
    label = options.label
    if label is None and _DEFAULT_LABEL in known:
        label = _DEFAULT_LABEL
    return Wanted(options.features, options.inputs, label)


def _judging(call: Call[ExternalOptions], training: Prepared, run: Run) -> DataFrame | None:
    """The table that ``evaluateTable`` names, cut down like the training table."""
    if call.options.evaluate is None:
        return None
    name = Word(call.options.evaluate, span_of(call.given, EVALUATE) or call.span)
    return prepare_alike(run.table(name), training, call.options.evaluate)
