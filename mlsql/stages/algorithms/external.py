"""The one door to the bridge: models that are fitted in worker processes, outside of Spark."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.request import Candidate, TrainingReport, TrainingRequest
from mlsql.bridge.trainer import Trainer, candidate_faults
from mlsql.bridge.trainers.estimators import Estimator
from mlsql.errors import MissingColumn, ScriptErrors
from mlsql.grammar.nodes import Word
from mlsql.models import Draft, ModelRef, ModelStore, NullHandling
from mlsql.names import listed
from mlsql.options import (
    BOOLEAN,
    TEXT,
    Options,
    OptionText,
    declared_options,
    is_filled,
    one_of,
    option,
    option_errors,
    option_family,
    read_options,
)
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.candidates import FAMILY, read_candidates
from mlsql.stages.algorithms.carrier import open_carrier
from mlsql.stages.algorithms.choice import ModelAddress, ModelChoice, chosen_model
from mlsql.stages.algorithms.columns import (
    EVALUATE,
    FEATURES,
    LABEL,
    WEIGHT,
    Prepared,
    Wanted,
    prepare,
    prepare_alike,
)
from mlsql.stages.algorithms.descriptions import UNDESCRIBED, Description
from mlsql.stages.algorithms.inputs import INPUTS, SELECTORS
from mlsql.stages.algorithms.report import check_success, manifest, result_pairs, result_table, shown
from mlsql.stages.algorithms.tracking import track
from mlsql.stages.algorithms.tuning import TuningOptions, check_tuning, metric_faults
from mlsql.stages.faults import span_of
from mlsql.udf.scoring import answered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DEFAULT_LABEL = "label"
PREDICTION = "predictionCol"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions(ModelChoice):
    """Which model answers, and where."""

    output: str = option(PREDICTION, TEXT, "Name of the column with the answers.", default="prediction")


@dataclass(frozen=True, slots=True)
class External:
    """An algorithm whose models a trainer of the bridge fits, in worker processes."""

    trainer: str
    store: ModelStore
    trainers: Registry[Trainer]
    launcher: Launcher
    description: Description = UNDESCRIBED
    options: ClassVar[type[ExternalOptions]] = ExternalOptions
    predict_options: ClassVar[type[PredictOptions]] = PredictOptions

    @property
    def doc(self) -> str:
        """What it does, in one sentence."""
        return self.description.doc

    @property
    def example(self) -> str:
        """A script that runs as it stands."""
        return self.description.example

    def survey(self) -> Mapping[str, Estimator]:
        """The models that ``alg`` can name."""
        return self.description.models()

    def check(self, given: Options, /) -> None:
        """Raise what cannot be asked for together, and what the trainer says of the parameters.

        It imports no library. Options of a search that cannot be read have been told before.
        """
        own = {each.key for each in declared_options(TuningOptions)}
        tuning = {key: text for key, text in given.items() if key in own}
        if not all(is_filled(each.text) for each in tuning.values()):
            return
        if option_errors(TuningOptions, tuning, owner=self.trainer):
            return
        options = read_options(TuningOptions, tuning, owner=self.trainer)
        check_tuning(options, given, evaluates=EVALUATE in given)
        params = {key.removeprefix(FAMILY): text for key, text in given.items() if key.startswith(FAMILY)}
        _, faults = self._candidates(options, params)
        _raise([each for each in faults if each.option not in given or is_filled(given[each.option].text)])

    def train(self, call: Call[ExternalOptions], run: Run, /) -> DataFrame:
        """Fit every candidate on the table, judge them, and store those that succeeded as a version."""
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        check_tuning(call.options, call.given, evaluates=call.options.evaluate is not None)
        candidates, faults = self._candidates(call.options, call.options.params)
        _raise(faults)
        training = prepare(call.frame, _wanted(call))
        judging = _judging(call, training, run)
        with self.store.begin(path) as draft:
            outcome = self._fit(call, candidates, training, judging, draft, run)
            check_success(outcome, all_of_them=call.options.fail_on_error)
            stored = draft.commit(manifest(self.trainer, training.columns, outcome, call.span, run))
        if not call.options.keep_version:
            self._delete_before(stored.ref)
        track(stored, run.settings.models.tracking_uri, run.emit)
        run.emit(shown(stored))
        report = result_pairs if run.scope.dialect.report_in_pairs else result_table
        return report(run.spark, stored)

    def predict(self, call: Call[PredictOptions], run: Run, /) -> DataFrame:
        """The table with a column more: what the model answers for each row."""
        address = ModelAddress(call.algorithm, call.path)
        stored, candidate = chosen_model(self.store, address, call.options, call.given, run)
        known = {name.casefold() for name in call.frame.columns}
        for column in stored.manifest.inputs:
            if column.name.casefold() not in known:
                raise MissingColumn(column.name, call.frame.columns)
        if call.options.output.casefold() in known:
            raise OptionFault(
                f"the table has a column '{call.options.output}' already",
                option=PREDICTION,
                hint=f'name another: {PREDICTION}="answer"',
            )
        with run.guard(call.span):
            return answered(call.frame, stored, candidate, call.options.output)

    def _candidates(
        self, options: TuningOptions, params: Mapping[str, OptionText]
    ) -> tuple[tuple[Candidate, ...], list[OptionFault]]:
        """What is to be fitted or judged, and what is wrong with it."""
        trainer = self.trainers.get(self.trainer)
        candidates = read_candidates(params, trainer.takes_list, options.random_search)
        return candidates, candidate_faults(trainer, candidates) or metric_faults(
            options, trainer, candidates
        )

    def _fit(
        self,
        call: Call[ExternalOptions],
        candidates: tuple[Candidate, ...],
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
            candidates=candidates,
            columns=training.columns,
            output=draft.directory / "model",
            ordered=call.options.ordered,
            parallelism=settings.train.parallelism,
            timeout=settings.train.timeout,
            selection=call.options.selection,
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


def _raise(faults: Sequence[OptionFault]) -> None:
    if faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)


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
    invalid = cast("NullHandling", options.invalid)
    return Wanted(options.features, options.inputs, label, options.weight, invalid)


def _judging(call: Call[ExternalOptions], training: Prepared, run: Run) -> DataFrame | None:
    """The table that ``evaluateTable`` names, cut down like the training table."""
    if call.options.evaluate is None:
        return None
    name = Word(call.options.evaluate, span_of(call.given, EVALUATE) or call.span)
    return prepare_alike(run.table(name), training, call.options.evaluate)
