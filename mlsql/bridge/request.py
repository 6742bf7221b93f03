"""What one training is asked for and what it reports: the records that driver and worker share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Label, ModelKind, NullHandling

SCRIPT, SCRIPT_NAME = "script", "scriptName"
"""The parameters by which a trainer gets Python of the user's own: its text, and its name for messages."""
RESOURCE = "resource."
"""What the names of parameters begin with that name a file or a folder."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a published frame are for.

    ``features`` holds one array column (form ``features``) or the columns of the matrix in
    their order (form ``columns``).
    """

    form: Literal["columns", "features"]
    features: tuple[Column, ...]
    label: Column | None = None
    weight: Column | None = None
    invalid: NullHandling = "error"

    @property
    def has_categories(self) -> bool:
        """Whether there are texts among the features, which are no matrix as they stand."""
        return self.form == "columns" and any(column.type == "string" for column in self.features)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One parameter group: its number and its parameters as text, without ``fitParam.N.``.

    ``prefix`` is how the script wrote it (``fitParam.0.`` or ``fitParam.``), so that a fault can
    name the option.
    """

    index: int
    params: Mapping[str, str]
    prefix: str = ""

    @property
    def shown(self) -> Mapping[str, str]:
        """The parameters that are recorded: all but the text of a script."""
        return {name: value for name, value in self.params.items() if name != SCRIPT}


@dataclass(frozen=True, slots=True)
class Folds:
    """Into how many parts a table is split for cross-validation, and the seed that shuffles its rows."""

    count: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """That candidates are judged first, and only the best is fitted on all rows and stored."""

    metric: str | None = None
    """Best by this metric; None: by the usual one of the kind."""
    folds: Folds | None = None
    """Judged by cross-validation; None: on the table that evaluates."""
    budget: float | None = None
    """Seconds for judging; candidates that they leave out are skipped."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the workers of a training are started with, beside what every worker has."""

    python: str | None = None
    """The program that runs them; None: the driver's own Python."""
    environment: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    """Files and folders by name, which a worker finds as copies in its own folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What one train statement asks of the bridge."""

    job: str
    """Unique; names streams, topics and folders: ``[a-z0-9-]``."""
    trainer: str
    """A name in the trainers' registry, as ``SKLearn``."""
    candidates: tuple[Candidate, ...]
    columns: Columns
    output: Path
    """Candidate I is stored as an MLflow model in ``output / str(I)``."""
    ordered: bool = False
    parallelism: int = 1
    timeout: float | None = None
    """Seconds for one candidate."""
    selection: Selection | None = None
    """None: every candidate is fitted on all rows and stored."""
    equipment: Equipment = field(default_factory=Equipment)
    initial: Path | None = None
    """The folder of a stored model from which the fits go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """How it went, a record a candidate in the order of the request.

    ``kind``, ``classes``, ``features`` and ``answer`` are told by the candidates that succeeded;
    ``answer`` is the Spark type of a prediction.
    """

    candidates: tuple[CandidateRecord, ...]
    data: DataRecord
    evaluation: DataRecord | None = None
    kind: ModelKind | None = None
    classes: tuple[Label, ...] | None = None
    features: int = 0
    answer: str = "double"
    libraries: Mapping[str, str] = field(default_factory=dict)
