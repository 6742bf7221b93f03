"""What a training leaves: the manifest of the version, and the table with a row a candidate."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from mlsql.bridge.request import Columns, TrainingReport
from mlsql.errors import DataError
from mlsql.events import TableShown
from mlsql.models.manifest import METRICS, USUAL_METRICS, CandidateRecord, Manifest, ModelKind, StoredModel
from mlsql.models.summaries import ClassDetail
from mlsql.session import Run
from mlsql.spans import Span, mask_secrets

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SHOWN = 30
"""Candidates on a terminal; the table that comes back has all of them."""
_ROW = """
    modelPath string, algIndex int, alg string, metrics array<struct<name: string, value: double>>,
    status string, message string, startTime timestamp, endTime timestamp, seconds double,
    rows bigint, trainParams map<string, string>,
    detail array<struct<class: string, precision: double, recall: double, f1: double, support: bigint>>
"""
MOST_DETAILED = 100
"""Of so many candidates, the best ones, it is kept how they did on each class."""
_ENGINE = ("mlsql", "pyspark", "pyarrow", "mlflow")


def check_success(report: TrainingReport, *, all_of_them: bool) -> None:
    """Raise with their messages when no candidate succeeded, or with *all_of_them* when any failed."""
    failed = [one for one in report.candidates if one.status == "fail"]
    succeeded = any(one.status == "success" for one in report.candidates)
    if succeeded and not (failed and all_of_them):
        return
    missing = failed or [one for one in report.candidates if one.status == "skipped"]
    count = len(report.candidates)
    title = f"{len(missing)} of {count} models" if count > 1 else "the model"
    raise DataError(f"{title} could not be trained\n{_told(missing)}")


def _told(candidates: Sequence[CandidateRecord]) -> str:
    """A line for each thing that happened, with those to whom it did."""
    by_message: dict[str, list[CandidateRecord]] = {}
    for one in candidates:
        by_message.setdefault(one.message, []).append(one)
    return "\n".join(f"    {_titles(some)}: {message}" for message, some in by_message.items())


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
        invalid=columns.invalid,
        classes=report.classes,
        candidates=_without_too_much(report.candidates, report.kind),
        data=report.data,
        evaluation=report.evaluation,
        libraries=report.libraries,
        engine=_versions(),
        statement=mask_secrets(statement.text),
        script=statement.script.name,
        owner=run.session.owner,
        job=run.id,
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _versions() -> Mapping[str, str]:
    """What trains: Python, this package, and what it stands on."""
    found = {"python": platform.python_version()}
    for name in _ENGINE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a copy of the sources, or a part that is not installed
            continue
    return found


def _without_too_much(candidates: Sequence[CandidateRecord], kind: ModelKind) -> tuple[CandidateRecord, ...]:
    """The candidates, but the details of only so many that the manifest stays readable."""
    metric = METRICS.get(USUAL_METRICS.get(kind, ""))
    detailed = [one for one in candidates if one.detail is not None]
    if metric is None or len(detailed) <= MOST_DETAILED:
        return tuple(candidates)
    name = metric.name
    best = sorted(detailed, key=lambda one: one.metrics.get(name, 0.0), reverse=metric.greater_is_better)
    kept = {one.index for one in best[:MOST_DETAILED]}
    return tuple(one if one.index in kept else dataclasses.replace(one, detail=None) for one in candidates)


def noted(stored: StoredModel, note: str) -> StoredModel:
    """The same with *note* in the message of each candidate, for a result; the manifest stays as it is."""
    if not note:
        return stored
    candidates = [
        dataclasses.replace(one, message="; ".join(filter(None, (one.message, note))))
        for one in stored.manifest.candidates
    ]
    return StoredModel(stored.ref, dataclasses.replace(stored.manifest, candidates=tuple(candidates)))


def result_table(spark: SparkSession, stored: StoredModel) -> DataFrame:
    """A row a candidate: where it lies, how it went, how good it is."""
    return spark.createDataFrame([_row(stored, one) for one in stored.manifest.candidates], _ROW)


def result_pairs(spark: SparkSession, stored: StoredModel) -> DataFrame:
    """The same as rows of a name and a value, as older engines gave them; a line parts the candidates."""
    names = ("modelPath", "algIndex", "alg", "metrics", "status", "message", "startTime", "endTime")
    rows: list[tuple[str, str]] = []
    for one in stored.manifest.candidates:
        path, index, algorithm, metrics, status, message, *_ = _row(stored, one)
        values = (path or "", index, algorithm, json.dumps(metrics), status, message, one.started, one.ended)
        rows += [("---------------", "------------------"), *zip(names, map(str, values), strict=True)]
        rows.append(("trainParams", json.dumps(dict(one.params), ensure_ascii=False)))
    return spark.createDataFrame(rows, "name string, value string")


def shown(stored: StoredModel) -> TableShown:
    """The candidates as a person sees them when they are done: metrics to four digits, of many the first."""
    every = stored.manifest.candidates
    candidates = every if len(every) <= _SHOWN else _first(every)
    metrics = list(dict.fromkeys(name for one in candidates for name in one.metrics))
    rows = tuple(
        (
            one.index,
            one.algorithm,
            *(round(one.metrics[name], 4) if name in one.metrics else None for name in metrics),
            f"{one.status}: {one.message}" if one.status in ("fail", "skipped") else one.status,
            round(one.seconds, 1),
        )
        for one in candidates
    )
    columns = ("candidate", "algorithm", *metrics, "status", "seconds")
    few = "" if len(candidates) == len(every) else f", {len(candidates)} of {len(every)} candidates"
    return TableShown(f"version {stored.ref.version} at {stored.ref.path}{few}", columns, rows)


def _first(candidates: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """Those that are stored, and others until there are enough, in their order."""
    chosen = sorted(candidates, key=lambda one: one.status != "success")[:_SHOWN]
    return sorted(chosen, key=lambda one: one.index)


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
        None if one.detail is None else _by_class(one.detail),
    )


def _by_class(detail: ClassDetail) -> list[tuple[object, ...]]:
    """A row a class."""
    names = map(str, detail.classes)
    return list(zip(names, detail.precision, detail.recall, detail.f1, detail.support, strict=True))


def _titles(candidates: Sequence[CandidateRecord]) -> str:
    one = candidates[0]
    title = f"model {one.index} ({one.algorithm})" if one.algorithm else f"model {one.index}"
    return title if len(candidates) == 1 else f"{title} and {len(candidates) - 1} more"
