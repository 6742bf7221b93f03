"""What a stored model is: its address, its manifest, and the protocols around it.

A model lies at ``PATH/_model_N/``: ``model/I/`` is the MLflow model of candidate I, and
``manifest.json`` is written last — what has none is not a version. ``model_store`` keeps
models in folders of this machine and of others, ``memory_models`` keeps manifests for tests.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

from mlsql.errors import DataError
from mlsql.forms import FormRecord
from mlsql.models.summaries import ClassDetail, ColumnSummary
from mlsql.names import listed

ModelKind = Literal["classifier", "regressor", "clusterer", "transformer"]
Label = str | int | float | bool
FITTED_ON_SPARSE = "fitted_on_sparse"
"""What the metadata of a stored MLflow model says of one that was fitted on a sparse matrix."""
ANSWERS_BY = "answers_by"
"""What the metadata of a stored MLflow model calls the method that answers, where it is not ``predict``."""
NullHandling = Literal["error", "skip", "keep"]
"""What becomes of rows with a null: none may be there, they are left out, or a null is a value too."""
MANIFEST = "manifest.json"
_VERSION = re.compile(r"_model_(0|[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a model takes or gives: its name and Spark type (``double``, ``array<float>``)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of models of some kinds, and whether more of it is better."""

    name: str
    kinds: tuple[ModelKind, ...]
    greater_is_better: bool


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("accuracy", ("classifier",), greater_is_better=True),
            Metric("f1", ("classifier",), greater_is_better=True),
            Metric("precision", ("classifier",), greater_is_better=True),
            Metric("recall", ("classifier",), greater_is_better=True),
            Metric("logLoss", ("classifier",), greater_is_better=False),
            Metric("auc", ("classifier",), greater_is_better=True),
            Metric("rmse", ("regressor",), greater_is_better=False),
            Metric("mse", ("regressor",), greater_is_better=False),
            Metric("mae", ("regressor",), greater_is_better=False),
            Metric("r2", ("regressor",), greater_is_better=True),
            Metric("mape", ("regressor",), greater_is_better=False),
            Metric("silhouette", ("clusterer",), greater_is_better=True),
        )
    }
)
"""Every metric by its name, as ``autoSelectByMetric`` takes it."""
USUAL_METRICS: Mapping[ModelKind, str] = MappingProxyType(
    {"classifier": "f1", "regressor": "rmse", "clusterer": "silhouette"}
)
"""The metric by which models of a kind are chosen when none is named."""
Status = Literal["success", "fail", "judged", "skipped"]
"""How a candidate went: only what succeeded is stored. Of candidates that are judged first, the
best is fitted again and succeeds, the others stay ``judged``, or ``skipped`` for want of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRecord:
    """How one candidate (parameter group) of a train went; times are ISO 8601 in UTC."""

    index: int
    algorithm: str
    params: Mapping[str, str]
    status: Status
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """After cross-validation, means over the folds."""
    deviations: Mapping[str, float] = field(default_factory=dict)
    """After cross-validation, the standard deviation of each metric over the folds."""
    detail: ClassDetail | None = None
    """Of a classifier that was judged on a table: how it did on each class."""
    started: str
    ended: str
    seconds: float
    rows: int
    forms: tuple[FormRecord, ...] = ()
    """The forms in which it can answer; none where its train has not looked for any."""


def best_of(candidates: Iterable[CandidateRecord], metric: str) -> CandidateRecord | None:
    """The first of the best by *metric*; None when none has it."""
    measured = [each for each in candidates if metric in each.metrics]
    pick = max if METRICS[metric].greater_is_better else min
    return pick(measured, key=lambda each: each.metrics[metric], default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecord:
    """What arrived of a table: rows, bytes, and the CRC-32C of its rows in their order.

    The checksum depends on content and order alone, not on transport, partitions or messages:
    what was trained on the same rows in another order shows.
    """

    rows: int
    bytes: int
    checksum: str
    transport: str
    left_out: int = 0
    """Rows with a null that came, but were not used."""
    columns: Mapping[str, ColumnSummary] = field(default_factory=dict)
    """The figures of each column, of all rows that came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that is known of one version of a model; ``manifest.json`` holds it."""

    algorithm: str
    kind: ModelKind
    form: Literal["columns", "features"]
    """``columns``: called as f(a, b, c); ``features``: as f(features), one vector or array."""
    inputs: tuple[Column, ...]
    """The columns asked for; in the features form the one features column."""
    features: int
    """The width of the matrix that the estimator sees."""
    output: str
    """The Spark type of an answer."""
    label: Column | None = None
    invalid: NullHandling = "error"
    classes: tuple[Label, ...] | None = None
    candidates: tuple[CandidateRecord, ...]
    data: DataRecord
    evaluation: DataRecord | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    """The versions that the stored models need, by package."""
    engine: Mapping[str, str] = field(default_factory=dict)
    """The versions of what has trained them: ``mlsql``, ``python``, ``pyspark``, ``pyarrow``, ``mlflow``."""
    statement: str = ""
    script: str = ""
    owner: str = ""
    job: str = ""
    created: str = ""

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest whose text is *text*; the inverse of :meth:`to_json`."""
        raw: dict[str, Any] = json.loads(text)
        raw["inputs"] = tuple(Column(**each) for each in raw["inputs"])
        raw["label"] = Column(**raw["label"]) if raw["label"] else None
        raw["classes"] = tuple(raw["classes"]) if raw["classes"] is not None else None
        raw["candidates"] = tuple(map(_candidate, raw["candidates"]))
        raw["data"] = _data(raw["data"])
        raw["evaluation"] = _data(raw["evaluation"]) if raw["evaluation"] else None
        return cls(**raw)


def _candidate(raw: Mapping[str, Any]) -> CandidateRecord:
    detail = raw.get("detail")
    told = ClassDetail.from_record(detail) if detail else None
    forms = tuple(FormRecord.from_record(each) for each in raw.get("forms", ()))
    return CandidateRecord(**{**raw, "detail": told, "forms": forms})


def _data(raw: Mapping[str, Any]) -> DataRecord:
    columns = {name: ColumnSummary.from_record(each) for name, each in raw.get("columns", {}).items()}
    return DataRecord(**{**raw, "columns": columns})


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One version of the model at *path*."""

    path: str
    version: int

    def __str__(self) -> str:
        return f"{self.path.rstrip('/')}/{folder_of(self.version)}"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A complete version: where it lies and what its manifest says."""

    ref: ModelRef
    manifest: Manifest

    def directory(self, index: int) -> str:
        """Where the MLflow model of candidate *index* lies."""
        return f"{self.ref}/model/{index}"


def folder_of(version: int) -> str:
    """The name of the folder of a version."""
    return f"_model_{version}"


def version_of(name: str) -> int | None:
    """The version whose folder is called *name*; None for another name."""
    match = _VERSION.fullmatch(name)
    return int(match[1]) if match else None


def read_manifest(ref: ModelRef, content: bytes) -> Manifest:
    """The manifest of *ref* with this content; DataError for a damaged one."""
    try:
        return Manifest.from_json(content.decode())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"the manifest of {ref} cannot be read: {error}") from error


def found_instead(names: Iterable[str] | None, versions: Sequence[int], *, is_file: bool = False) -> str:
    """What lies at a path instead of what was looked for, by the names in its folder, if it is one."""
    if versions:
        return f"it has the versions {', '.join(map(str, versions))}"
    if names is None:
        return "a file lies there" if is_file else "nothing lies there"
    known = sorted(names)
    if MANIFEST in known:
        return "it is one version of a model: name the folder above it"
    drafts = sum(version_of(name) is not None for name in known)
    if drafts:
        return f"it has {drafts} unfinished {'version' if drafts == 1 else 'versions'}"
    return f"the folder holds {listed(known, most=4)}" if known else "the folder is empty"


class Draft(Protocol):
    """A version in the making: its number is taken, its manifest not yet written."""

    ref: ModelRef

    @property
    def directory(self) -> Path:
        """A local folder, ``…/_model_N``, in which the candidates are stored as ``model/I``."""
        ...

    def commit(self, manifest: Manifest) -> StoredModel:
        """Write the manifest: from now on the version exists and never changes."""
        ...


class ModelStore(Protocol):
    """Versions of models by path; two trains at once get two numbers."""

    def begin(self, path: str) -> AbstractContextManager[Draft]:
        """Take the next version number; what is not committed when the block ends is removed."""
        ...

    def versions(self, path: str) -> Sequence[int]:
        """The complete versions at *path*, ascending."""
        ...

    def open(self, path: str, version: int | None = None) -> StoredModel:
        """The version asked for, or the newest complete one; MissingModel when there is none."""
        ...

    def delete(self, ref: ModelRef) -> None:
        """Remove one version with its files."""
        ...


class Predictor(Protocol):
    """Answers for many rows at once, without Spark: what scoring holds a cached copy of."""

    def predict(self, features: Any, /) -> Any:
        """One answer per row of a pandas frame (columns form) or a matrix (features form)."""
        ...

    @property
    def has_probabilities(self) -> bool:
        """Whether it is a classifier that can tell :meth:`probabilities`; with some a parameter decides."""
        ...

    def probabilities(self, features: Any, /) -> Any:
        """A row for each of *features*: how probable each class is, in the order of the classes."""
        ...
