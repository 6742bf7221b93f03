"""One training from a Spark frame to stored candidates: publish, launch, report, clean up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.bridge.control import Work
from mlsql.bridge.crew import Crew, Outcome
from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.feeder import Fetched, fetch
from mlsql.bridge.folders import temporary_folder
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.publisher import publish
from mlsql.bridge.request import Candidate, Columns, TrainingReport, TrainingRequest
from mlsql.bridge.trainer import Trainer
from mlsql.bridge.transport import Transport, opened
from mlsql.errors import ScriptErrors
from mlsql.events import Progress, Sink
from mlsql.models import DataRecord, ModelKind
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
_TITLES = {"train": "publish", "evaluate": "publish evaluation"}
_STEPS = 20
SILENCE_SECONDS = 60.0
"""How long the transport may say nothing while a stream is read."""


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

    Raises OptionFault or DataFault (ScriptErrors of several) for what cannot be trained, before
    anything is fitted; a candidate that fails is a record of the report. Streams, files and
    processes are gone when it returns or raises.
    """
    trainer = trainers.get(request.trainer)
    check_candidates(trainer, request)
    with temporary_folder("training") as folder:
        delivery = _Delivery(request, transport, message_bytes, folder, emit, stop)
        with Crew(request, class_of(trainer), launcher, emit, stop) as crew:
            training, evaluation = delivery.bring(frame, "train"), None
            work = Work(str(training.file))
            if evaluate is not None:
                evaluation = delivery.bring(evaluate, "evaluate")
                work = Work(str(training.file), str(evaluation.file))
            crew.give(work, feed=f"{_rate(training):,.0f} rows/s")
            outcomes = crew.outcomes()
    return _report(outcomes, training, evaluation, transport)


def check_candidates(trainer: Trainer, request: TrainingRequest) -> None:
    """Raise everything that is wrong with the parameters of *request*, each by its whole key."""
    faults = [fault for candidate in request.candidates for fault in _faults(trainer, candidate)]
    if faults:
        raise faults[0] if len(faults) == 1 else ScriptErrors(faults)
    kinds = {trainer.kind(candidate.params): candidate for candidate in request.candidates}
    if len(kinds) > 1:
        (one, _), (other, candidate), *_ = kinds.items()
        message = f"one candidate is a {other}, another a {one}: a training is for models of one kind"
        raise OptionFault(message, option=f"{candidate.prefix}alg")
    if request.columns.label is None and not kinds.keys() <= _WITHOUT_LABEL:
        hint = "name the column with the answers, or choose a clusterer"
        raise OptionFault("the training needs a label column", option="labelCol", hint=hint)


def _faults(trainer: Trainer, candidate: Candidate) -> Iterator[OptionFault]:
    try:
        trainer.check(candidate.params)
    except OptionFault as fault:
        yield _whole(fault, candidate)
    except ScriptErrors as several:
        yield from (_whole(fault, candidate) for fault in several.errors if isinstance(fault, OptionFault))


def _whole(fault: OptionFault, candidate: Candidate) -> OptionFault:
    return OptionFault(fault.message, option=candidate.prefix + fault.option, hint=fault.hint)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Brings frames into local files and checks them; their streams are deleted at once."""

    request: TrainingRequest
    transport: Transport
    message_bytes: int
    folder: Path
    emit: Sink
    stop: Stop

    def bring(self, frame: DataFrame, name: str) -> Fetched:
        """The rows of *frame*, at least one and none with a null, in a file of the folder."""
        self.stop.check()
        self.emit(Progress(_TITLES[name], "publishing"))
        tasks = frame.sparkSession.sparkContext.defaultParallelism
        with opened(self.transport, self.request.job, name, partitions=tasks) as stream:
            ledger = publish(frame, stream, message_bytes=self.message_bytes, ordered=self.request.ordered)
            self.stop.check()
            fetched = fetch(
                stream,
                ledger,
                self.folder,
                timeout=SILENCE_SECONDS,
                stop=self.stop.check,
                report=self._report_on(_TITLES[name], ledger.rows),
            )
        self.emit(Progress(_TITLES[name], _size(fetched), 1.0))
        _check(fetched, self.request.columns, None if name == "train" else "evaluateTable")
        return fetched

    def _report_on(self, title: str, total: int) -> Callable[[int], None]:
        """What tells how many of *total* rows have come, 20 times at most."""
        shown = 0

        def report(rows: int) -> None:
            nonlocal shown
            if rows - shown > total / _STEPS:
                shown = rows
                self.emit(Progress(title, f"{rows:,} of {total:,} rows", rows / total))

        return report


def _check(fetched: Fetched, columns: Columns, option: str | None) -> None:
    """Raise DataFault for a table that nothing can be learnt from; *option* named the table."""
    table = "table to train on" if option is None else "table to evaluate on"
    if fetched.rows == 0:
        raise DataFault(f"the {table} has no rows", option=option)
    bad = [
        (name, role, count)
        for name, role in _roles(columns)
        if (count := fetched.nulls.get(name, 0) + fetched.nulls.get(f"{name}[]", 0))
    ]
    if bad:
        name, role, _ = bad[0]
        told = ", ".join(f"'{name}' ({count:,} in {fetched.rows:,} rows)" for name, _, count in bad)
        raise DataFault(
            f"the {table} has nulls in {told}",
            option=option or role,
            hint=f"leave them out (where {name} is not null) or fill them (coalesce) in a select before",
        )


def _roles(columns: Columns) -> Iterator[tuple[str, str]]:
    """Every column's name, and the option that gave it."""
    features = "inputCols" if columns.form == "columns" else "featuresCol"
    yield from ((column.name, features) for column in columns.features)
    if columns.label:
        yield columns.label.name, "labelCol"
    if columns.weight:
        yield columns.weight.name, "weightCol"


def _size(fetched: Fetched) -> str:
    return f"{fetched.rows:,} rows, {fetched.bytes / 1e6:.1f} MB, {_rate(fetched):,.0f} rows/s"


def _rate(fetched: Fetched) -> float:
    return fetched.rows / max(fetched.seconds, 1e-6)


def class_of(trainer: Trainer) -> str:
    """Where a worker finds the class of *trainer*: ``package.module:Class``."""
    return f"{type(trainer).__module__}:{type(trainer).__qualname__}"


def _report(
    outcomes: Sequence[Outcome], training: Fetched, evaluation: Fetched | None, transport: Transport
) -> TrainingReport:
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
        rows=fetched.rows, bytes=fetched.bytes, checksum=fetched.checksum, transport=transport.scheme
    )
