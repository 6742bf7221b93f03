"""One training from a Spark frame to stored candidates: publish, launch, choose, report, clean up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlsql.bridge.arrivals import Arrivals
from mlsql.bridge.crew import Crew
from mlsql.bridge.delivery import Delivery
from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.feeder import Fetched
from mlsql.bridge.folders import temporary_folder
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.reports import Work
from mlsql.bridge.request import Candidate, Columns, TrainingReport, TrainingRequest
from mlsql.bridge.shift import Outcome
from mlsql.bridge.trainer import Trainer, WeighsRows, candidate_faults
from mlsql.bridge.transport import Transport
from mlsql.errors import ScriptErrors
from mlsql.events import Log, Sink
from mlsql.models.manifest import USUAL_METRICS, CandidateRecord, DataRecord, ModelKind, best_of
from mlsql.models.summaries import ColumnSummary
from mlsql.names import listed
from mlsql.registry import Registry
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "Candidate",
    "Columns",
    "TrainingReport",
    "TrainingRequest",
    "check_candidates",
    "class_of",
    "train",
]

_WITHOUT_LABEL: frozenset[ModelKind] = frozenset({"clusterer", "transformer"})


def train(  # noqa: PLR0913 — the seams of a training, each given by the composition root
    frame: DataFrame,
    request: TrainingRequest,
    *,
    evaluate: DataFrame | None,
    transport: Transport,
    trainers: Registry[Trainer],
    launcher: Launcher,
    message_bytes: int,
    emit: Sink,
    stop: Stop,
) -> TrainingReport:
    """Fit the candidates of *request* on *frame*, judge them on *evaluate*, store the models.

    With a selection the candidates are judged first, and only the best is fitted on all rows and
    stored. Raises OptionFault or DataFault (ScriptErrors of several) for what cannot be trained,
    before anything is fitted; a candidate that fails is a record of the report. Streams, files and
    processes are gone when it returns or raises.
    """
    trainer = trainers.get(request.trainer)
    check_candidates(trainer, request)

    with (
        temporary_folder("training") as folder,
        Delivery(request, transport, message_bytes, folder, launcher.site, emit, stop) as delivery,
    ):
        arrivals = delivery.arrivals

        def crew_for(request: TrainingRequest) -> Crew:
            return Crew(request, class_of(trainer), launcher, emit, stop, arrivals)

        with crew_for(request) as crew:
            training = delivery.bring(frame, "train")
            evaluation = None if evaluate is None else delivery.bring(evaluate, "evaluate")
            crew.give(Work(training, evaluation))
            outcomes = crew.outcomes()
        best = _best(outcomes, request, trainer)
        if best is not None:
            told = f"the best by {_metric(request, trainer)}, fitted again on all rows"
            emit(Log(told, candidate=best.index))
            with crew_for(_for_one(request, best.index)) as crew:
                crew.give(Work(training))
                (fitted,) = crew.outcomes()
            outcomes = _with_fitted(outcomes, fitted, told)
    return _report(outcomes, arrivals, transport)


def check_candidates(trainer: Trainer, request: TrainingRequest) -> None:
    """Raise everything that is wrong with the parameters of *request*, each by its whole key."""
    faults = candidate_faults(trainer, request.candidates)
    if faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)
    for candidate in request.candidates if request.columns.weight is not None else ():
        if isinstance(trainer, WeighsRows) and not trainer.takes_weights(candidate.params):
            message = f"{candidate.params.get('alg', request.trainer)} takes no weights of rows"
            raise OptionFault(message, option="weightCol", hint="leave out weightCol, or this model")
    kinds = {trainer.kind(candidate.params) for candidate in request.candidates}
    if request.columns.label is None and not kinds <= _WITHOUT_LABEL:
        hint = "name the column with the answers, or choose a clusterer"
        raise OptionFault("the training needs a label column", option="labelCol", hint=hint)


def _metric(request: TrainingRequest, trainer: Trainer) -> str:
    """The metric by which the best is chosen."""
    named = request.selection.metric if request.selection is not None else None
    return named or USUAL_METRICS[trainer.kind(request.candidates[0].params)]


def _best(outcomes: Sequence[Outcome], request: TrainingRequest, trainer: Trainer) -> CandidateRecord | None:
    """Whom to fit on all rows; None when that is done, or when no candidate could be judged."""
    judged = [outcome.record for outcome in outcomes if outcome.record.status == "judged"]
    if not judged:
        return None
    metric = _metric(request, trainer)
    best = best_of(judged, metric)
    if best is None:
        computed = {name for each in judged for name in each.metrics}
        hint = f"computed were {listed(computed)}" if computed else "fit the candidates without choosing"
        raise DataFault(f"no candidate has the metric '{metric}' to be chosen by", option="metric", hint=hint)
    return best


def _for_one(request: TrainingRequest, index: int) -> TrainingRequest:
    """The request to fit and store one candidate."""
    (candidate,) = (each for each in request.candidates if each.index == index)
    return dataclasses.replace(request, candidates=(candidate,), selection=None)


def _with_fitted(outcomes: Sequence[Outcome], fitted: Outcome, told: str) -> list[Outcome]:
    """The outcomes of judging, that of the best with what came of fitting it on all rows."""
    again = fitted.record

    def joined(judged: CandidateRecord) -> CandidateRecord:
        ending = told if again.status == "success" else f"{told}, which failed: {again.message}"
        return dataclasses.replace(
            again,
            message=f"{judged.message}; {ending}",
            metrics=judged.metrics,
            deviations=judged.deviations,
            detail=judged.detail,
            started=judged.started,
            seconds=round(judged.seconds + again.seconds, 3),
        )

    return [
        Outcome(joined(each.record), fitted.done) if each.record.index == again.index else each
        for each in outcomes
    ]


def class_of(trainer: Trainer) -> str:
    """Where a worker finds the class of *trainer*: ``package.module:Class``."""
    return f"{type(trainer).__module__}:{type(trainer).__qualname__}"


def _report(outcomes: Sequence[Outcome], arrivals: Arrivals, transport: Transport) -> TrainingReport:
    training, evaluation = arrivals.of("train"), arrivals.of("evaluate")
    assert training is not None
    report = TrainingReport(
        candidates=tuple(outcome.record for outcome in outcomes),
        data=_record(training, transport),
        evaluation=None if evaluation is None else _record(evaluation, transport),
    )
    done = next((outcome.done for outcome in outcomes if outcome.done), None)
    if done is None:
        return report
    return dataclasses.replace(
        report,
        kind=done.kind,
        classes=done.classes,
        features=done.features,
        answer=done.answer,
        libraries=done.libraries,
    )


def _record(fetched: Fetched, transport: Transport) -> DataRecord:
    return DataRecord(
        rows=fetched.rows,
        bytes=fetched.bytes,
        checksum=fetched.checksum,
        transport=transport.scheme,
        left_out=fetched.left_out,
        columns={name: ColumnSummary.from_record(each) for name, each in fetched.figures.items()},
    )
