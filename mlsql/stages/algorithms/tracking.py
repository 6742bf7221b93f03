"""What a training made, told to the MLflow tracking server of the settings: a run a candidate."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, Queue
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlsql.events import Log, Sink
from mlsql.models.manifest import CandidateRecord, StoredModel
from mlsql.spans import mask_secrets

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_STATUS: Mapping[str, str] = MappingProxyType({"fail": "FAILED", "skipped": "KILLED"})
_PARAMS_AT_ONCE = 100
"""MLflow takes no more in one call."""
_MOST_CHARACTERS = 5000
"""Longer parameters and tags are refused by some of its stores."""
PATIENCE_SECONDS = 60.0
"""A training that is done waits no longer for MLflow."""
_CONNECT_SECONDS = 5.0
_PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})


def track(stored: StoredModel, uri: str | None, emit: Sink, *, seconds: float = PATIENCE_SECONDS) -> str:
    """Log a run for each candidate of *stored* at *uri*, in the experiment named as the model's path.

    What goes wrong, or takes longer than so many *seconds*, is a warning and the answer: the model is
    stored. Without a *uri* nothing is logged.
    """
    if uri is None:
        return ""
    problem = _attempt(_Telling(stored, uri), seconds)
    if problem is None:
        return ""
    told = mask_secrets(f"MLflow at {uri} was not told of {stored.ref}: {problem}")
    emit(Log(told, "warning"))
    return told


def _attempt(telling: _Telling, seconds: float) -> str | None:
    """What went wrong, or None. A call that hangs ends by MLflow's own timeouts, and is the last."""
    answer: Queue[str | None] = Queue()
    thread = threading.Thread(target=lambda: answer.put(telling.all()), name="mlsql-mlflow", daemon=True)
    thread.start()
    try:
        return answer.get(timeout=seconds)
    except Empty:
        telling.is_over.set()
        return f"it did not take all within {seconds:g} s"


@dataclass(frozen=True, slots=True)
class _Telling:
    """The calls that log a model, one after the other until it is over."""

    stored: StoredModel
    uri: str
    is_over: threading.Event = field(default_factory=threading.Event)

    def all(self) -> str | None:
        """What went wrong, or None."""
        try:
            _check_answers(self.uri)
            self._log()
        except Exception as error:  # noqa: BLE001 - whatever a server does, or a missing driver of its database
            return str(error)
        return None

    def _log(self) -> None:
        from mlflow.tracking import MlflowClient

        client = MlflowClient(tracking_uri=self.uri)
        experiment = _experiment(client, self.stored.ref.path)
        for one in self.stored.manifest.candidates:
            if self.is_over.is_set():
                return
            _log_candidate(client, experiment, self.stored, one)


def _check_answers(uri: str) -> None:
    """Raise unless a server at *uri* says something soon; MLflow itself would try for many minutes."""
    parts = urlsplit(uri)
    if parts.scheme not in _PORTS or not parts.hostname:
        return
    with socket.create_connection((parts.hostname, parts.port or _PORTS[parts.scheme]), _CONNECT_SECONDS):
        return


def _experiment(client: MlflowClient, name: str) -> str:
    """The id of the experiment *name*; two trains may make it at once."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _log_candidate(client: MlflowClient, experiment: str, stored: StoredModel, one: CandidateRecord) -> None:
    from mlflow.entities import Metric, Param

    started, ended = _milliseconds(one.started), _milliseconds(one.ended)
    title = f"version {stored.ref.version}, model {one.index}"
    run = client.create_run(experiment, started, tags=_tags(stored, one), run_name=title)
    params = [Param(name, value[:_MOST_CHARACTERS]) for name, value in one.params.items()]
    for first in range(0, len(params), _PARAMS_AT_ONCE):
        client.log_batch(run.info.run_id, params=params[first : first + _PARAMS_AT_ONCE])
    metrics = [Metric(name, value, ended, 0) for name, value in one.metrics.items()]
    client.log_batch(run.info.run_id, metrics=metrics)
    client.set_terminated(run.info.run_id, _STATUS.get(one.status, "FINISHED"), ended)


def _tags(stored: StoredModel, one: CandidateRecord) -> dict[str, str]:
    manifest = stored.manifest
    tags = {
        "mlflow.user": manifest.owner,
        "mlflow.source.name": manifest.script,
        "mlsql.path": stored.ref.path,
        "mlsql.version": str(stored.ref.version),
        "mlsql.algIndex": str(one.index),
        "mlsql.algorithm": one.algorithm,
        "mlsql.status": one.status,
        "mlsql.message": one.message,
        "mlsql.job": manifest.job,
        "mlsql.modelPath": stored.directory(one.index) if one.status == "success" else "",
    }
    return {name: value[:_MOST_CHARACTERS] for name, value in tags.items() if value}


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
