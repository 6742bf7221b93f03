"""A stored model judged on a Spark frame, by the metrics that a training computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.bridge.crew import Crew
from mlsql.bridge.delivery import Delivery
from mlsql.bridge.folders import temporary_folder
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.reports import Work
from mlsql.bridge.request import TrainingRequest
from mlsql.bridge.trainer import Trainer
from mlsql.bridge.training import class_of
from mlsql.bridge.transport import Transport
from mlsql.errors import RunError
from mlsql.events import Sink
from mlsql.registry import Registry
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def judge(  # noqa: PLR0913 — the seams of a training, each given by the composition root
    frame: DataFrame,
    request: TrainingRequest,
    model: Path,
    *,
    transport: Transport,
    trainers: Registry[Trainer],
    launcher: Launcher,
    message_bytes: int,
    emit: Sink,
    stop: Stop,
) -> Mapping[str, float]:
    """The metrics on *frame* of the one candidate of *request*, which is stored in the folder *model*.

    RunError when its worker fails; DataFault for a frame that nothing can be judged on.
    """
    trainer = class_of(trainers.get(request.trainer))
    with (
        temporary_folder("judging") as folder,
        Delivery(request, transport, message_bytes, folder, launcher.site, emit, stop) as delivery,
    ):
        request = dataclasses.replace(request, output=folder)  # nothing is stored
        with Crew(request, trainer, launcher, emit, stop, delivery.arrivals) as crew:
            crew.give(Work(evaluation=delivery.bring(frame, "evaluate"), model=str(model)))
            (outcome,) = crew.outcomes()
    if outcome.record.status == "fail":
        raise RunError(f"the model could not be judged: {outcome.record.message}")
    return outcome.record.metrics
