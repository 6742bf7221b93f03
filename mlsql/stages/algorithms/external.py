"""The one door to the bridge: models that are fitted in worker processes, outside of Spark."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.request import Candidate, TrainingReport, TrainingRequest
from mlsql.bridge.trainer import Trainer
from mlsql.bridge.trainers.estimators import Estimator
from mlsql.errors import MissingColumn, MissingModel
from mlsql.grammar.nodes import Word
from mlsql.models.cache import local_folder
from mlsql.models.manifest import CandidateRecord, Draft, ModelRef, ModelStore, NullHandling, StoredModel
from mlsql.names import listed
from mlsql.options import Options
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.candidate_reader import CandidateReader
from mlsql.stages.algorithms.carrier import carrier_for
from mlsql.stages.algorithms.choice import ModelAddress, chosen_model
from mlsql.stages.algorithms.columns import (
    EVALUATE,
    FEATURES,
    Prepared,
    Wanted,
    prepare,
    prepare_alike,
    prepare_stored,
    stored_columns,
)
from mlsql.stages.algorithms.descriptions import UNDESCRIBED, Description
from mlsql.stages.algorithms.equipment import read_equipment
from mlsql.stages.algorithms.external_options import PREDICTION, ExternalOptions, PredictOptions
from mlsql.stages.algorithms.initial import find_initial
from mlsql.stages.algorithms.inputs import INPUTS
from mlsql.stages.algorithms.old_names import modern_call, tell_outdated
from mlsql.stages.algorithms.report import (
    check_success,
    manifest,
    noted,
    result_pairs,
    result_table,
    shown,
)
from mlsql.stages.algorithms.tracking import track
from mlsql.stages.algorithms.tuning import check_tuning
from mlsql.stages.faults import span_of
from mlsql.udf.scoring import answered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.stages.algorithms.tools.evaluate import EvaluateOptions

_DEFAULT_LABEL = "label"


@dataclass(frozen=True, slots=True)
class External:
    """An algorithm whose models a trainer of the bridge fits, in worker processes."""

    trainer: str
    store: ModelStore
    trainers: Registry[Trainer]
    launcher: Launcher
    description: Description = UNDESCRIBED
    takes_script: bool = False
    """Whether statements may name Python of the user's own."""
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

        It imports no library.
        """
        self._reader.check(given)

    def train(self, call: Call[ExternalOptions], run: Run, /) -> DataFrame:
        """Fit every candidate on the table, judge them, and store those that succeeded as a version."""
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        scripted = self._reader.is_scripted(call.given)
        tell_outdated(call.given, run.emit, scripted=scripted)
        call = call if scripted else modern_call(call)
        check_tuning(call.options, call.given, evaluates=call.options.evaluate is not None)
        training = prepare(call.frame, _wanted(call))
        candidates = self._reader.read(call, training.columns.label, run)
        judging = _judging(call, training, run)
        initial = find_initial(call, self.store, self.trainer, candidates, training, run)
        with self.store.begin(path) as draft:
            outcome = self._fit(call, candidates, training, judging, draft, run, initial)
            check_success(outcome, all_of_them=call.options.fail_on_error)
            stored = draft.commit(manifest(self.trainer, training.columns, outcome, call.span, run))
        if not call.options.keep_version:
            self._delete_before(stored.ref)
        stored = noted(stored, track(stored, run.settings.models.tracking_uri, run.emit))
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

    def judge(
        self, call: Call[EvaluateOptions], stored: StoredModel, candidate: CandidateRecord, run: Run, /
    ) -> Mapping[str, float]:
        """The metrics of *candidate* on the table of *call*, computed in a worker process."""
        from mlsql.bridge.judging import judge
        from mlsql.bridge.spark_launcher import open_launcher

        settings, manifest = run.settings, stored.manifest
        model = local_folder(stored.directory(candidate.index))
        request = TrainingRequest(
            job=uuid.uuid4().hex,
            trainer=self.trainer,
            candidates=(Candidate(candidate.index, candidate.params),),
            columns=stored_columns(manifest),
            output=model,
            timeout=settings.train.timeout,
        )
        return judge(
            prepare_stored(call.frame, request.columns),
            request,
            model,
            transport=carrier_for(run, call.options.kafka),
            trainers=self.trainers,
            launcher=open_launcher(settings.train.launcher, run.spark, local=self.launcher),
            message_bytes=settings.bridge.message_bytes,
            emit=run.emit,
            stop=run.stop,
        )

    @property
    def _reader(self) -> CandidateReader:
        return CandidateReader(self.trainer, self.trainers.get(self.trainer), self.takes_script)

    def _fit(
        self,
        call: Call[ExternalOptions],
        candidates: tuple[Candidate, ...],
        training: Prepared,
        judging: DataFrame | None,
        draft: Draft,
        run: Run,
        initial: Path | None,
    ) -> TrainingReport:
        from mlsql.bridge.spark_launcher import open_launcher
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
            equipment=read_equipment(call.options, call.given, candidates, run),
            initial=initial,
        )
        return train(
            training.frame,
            request,
            evaluate=judging,
            transport=carrier_for(run, call.options.kafka),
            trainers=self.trainers,
            launcher=open_launcher(settings.train.launcher, run.spark, local=self.launcher),
            message_bytes=settings.bridge.message_bytes,
            emit=run.emit,
            stop=run.stop,
        )

    def _delete_before(self, newest: ModelRef) -> None:
        for version in self.store.versions(newest.path):
            if version < newest.version:
                with suppress(MissingModel):  # another train that keeps none was first
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
    invalid = cast("NullHandling", options.invalid)
    return Wanted(options.features, options.inputs, label, options.weight, invalid)


def _judging(call: Call[ExternalOptions], training: Prepared, run: Run) -> DataFrame | None:
    """The table that ``evaluateTable`` names, cut down like the training table."""
    if call.options.evaluate is None:
        return None
    name = Word(call.options.evaluate, span_of(call.given, EVALUATE) or call.span)
    return prepare_alike(run.table(name), training, call.options.evaluate)
