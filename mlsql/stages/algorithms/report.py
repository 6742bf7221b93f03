"""What a training leaves: the manifest of the version, and the table with a row a candidate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlsql.bridge.request import Columns, TrainingReport
from mlsql.errors import DataError
from mlsql.events import TableShown
from mlsql.models import CandidateRecord, Manifest, StoredModel
from mlsql.session import Run
from mlsql.spans import Span, mask_secrets

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROW = """
    modelPath string, algIndex int, alg string, metrics array<struct<name: string, value: double>>,
    status string, message string, startTime timestamp, endTime timestamp, seconds double,
    rows bigint, trainParams map<string, string>
"""


def check_success(report: TrainingReport, *, all_of_them: bool) -> None:
    """Raise with their messages when every candidate failed, or with *all_of_them* any."""
    failed = [one for one in report.candidates if one.status == "fail"]
    if len(failed) == len(report.candidates) or (failed and all_of_them):
        told = "\n".join(f"    {_title(one)}: {one.message}" for one in failed)
        count = (
            f"{len(failed)} of {len(report.candidates)} models" if len(report.candidates) > 1 else "the model"
        )
        raise DataError(f"{count} could not be trained\n{told}")


def manifest(algorithm: str, columns: Columns, report: TrainingReport, statement: Span, run: Run) -> Manifest:
    """The manifest of a version in which at least one candidate succeeded."""
    assert report.kind is not None
    return Manifest(
        algorithm=algorithm,
        kind=report.kind,
        form=columns.form,
        inputs=columns.features,
        features=report.features,
        output=report.answer,
        label=columns.label,
        classes=report.classes,
        candidates=report.candidates,
        data=report.data,
        evaluation=report.evaluation,
        libraries=report.libraries,
        statement=mask_secrets(statement.text),
        script=statement.script.name,
        owner=run.session.owner,
        job=run.id,
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def result_table(spark: SparkSession, stored: StoredModel) -> DataFrame:
    """A row a candidate: where it lies, how it went, how good it is."""
    return spark.createDataFrame([_row(stored, one) for one in stored.manifest.candidates], _ROW)


def shown(stored: StoredModel) -> TableShown:
    """The candidates as a person sees them when they are done: metrics to four digits."""
    candidates = stored.manifest.candidates
    metrics = list(dict.fromkeys(name for one in candidates for name in one.metrics))
    rows = tuple(
        (
            one.index,
            one.algorithm,
            *(round(one.metrics[name], 4) if name in one.metrics else None for name in metrics),
            one.status if one.status == "success" else f"{one.status}: {one.message}",
            round(one.seconds, 1),
        )
        for one in candidates
    )
    columns = ("candidate", "algorithm", *metrics, "status", "seconds")
    return TableShown(f"version {stored.ref.version} at {stored.ref.path}", columns, rows)


def _row(stored: StoredModel, one: CandidateRecord) -> tuple[object, ...]:
    return (
        stored.directory(one.index) if one.status == "success" else None,
        one.index,
        one.algorithm,
        list(one.metrics.items()),
        one.status,
        one.message,
        datetime.fromisoformat(one.started),
        datetime.fromisoformat(one.ended),
        one.seconds,
        one.rows,
        dict(one.params),
    )


def _title(one: CandidateRecord) -> str:
    return f"model {one.index} ({one.algorithm})" if one.algorithm else f"model {one.index}"
