"""What a training made, told to the MLflow tracking server of the settings: a run a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlsql.events import Log, Sink
from mlsql.models import CandidateRecord, StoredModel
from mlsql.spans import mask_secrets

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_STATUS: Mapping[str, str] = MappingProxyType({"fail": "FAILED", "skipped": "KILLED"})
_PARAMS_AT_ONCE = 100
"""MLflow takes no more in one call."""


def track(stored: StoredModel, uri: str | None, emit: Sink) -> None:
    """Log a run for each candidate of *stored* at *uri*, in the experiment named as the model's path.

    What goes wrong is a warning: the model is stored. Without a *uri* nothing is logged.
    """
    if uri is None:
        return
    try:
        _log(stored, uri)
    except Exception as error:  # noqa: BLE001 - whatever a server does, or a missing driver of its database
        emit(Log(mask_secrets(f"MLflow at {uri} was not told of {stored.ref}: {error}"), "warning"))


def _log(stored: StoredModel, uri: str) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = _experiment(client, stored.ref.path)
    for one in stored.manifest.candidates:
        _log_candidate(client, experiment, stored, one)


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
    params = [Param(name, value) for name, value in one.params.items()]
    for first in range(0, len(params), _PARAMS_AT_ONCE):
        client.log_batch(run.info.run_id, params=params[first : first + _PARAMS_AT_ONCE])
    metrics = [Metric(name, value, ended, 0) for name, value in one.metrics.items()]
    client.log_batch(run.info.run_id, metrics=metrics)
    client.set_terminated(run.info.run_id, _STATUS.get(one.status, "FINISHED"), ended)


def _tags(stored: StoredModel, one: CandidateRecord) -> dict[str, str]:
    manifest = stored.manifest
    return {
        "mlflow.user": manifest.owner,
        "mlflow.source.name": manifest.script,
        "mlsql.path": stored.ref.path,
        "mlsql.version": str(stored.ref.version),
        "mlsql.algIndex": str(one.index),
        "mlsql.algorithm": one.algorithm,
        "mlsql.status": one.status,
        "mlsql.message": one.message,
        "mlsql.job": manifest.job,
    }


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
