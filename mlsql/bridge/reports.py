"""What driver and worker say to each other over the control channel: frozen records, and their JSON names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlsql.bridge.request import Folds
from mlsql.forms import FormRecord
from mlsql.models.manifest import Label, ModelKind
from mlsql.models.summaries import ClassDetail


@dataclass(frozen=True, slots=True)
class Shipment:
    """A published table that a machine fetches for itself: its stream and its ledger in plain values."""

    stream: Mapping[str, Any]
    ledger: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """The driver's word that the data is there, and what to do with it.

    A table is a local Arrow file, or a shipment where workers do not see the driver's files: there
    *model*, *initial* and *output* are names of parcels in the worker's own folder. With *model*
    that stored model is judged, with *folds* the candidate is, by cross-validation; else it is
    fitted, and judged where there is a table for that.
    """

    training: str | Shipment | None = None
    evaluation: str | Shipment | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    folds: Folds | None = None
    model: str | None = None
    initial: str | None = None
    """The folder of the stored model from which the fit goes on."""
    output: str | None = None
    """The folder to store a fitted model in; None when it is only judged."""


@dataclass(frozen=True, slots=True)
class Started:
    """The worker has imported its library, after *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a parcel, base64."""

    parcel: str
    data: str


@dataclass(frozen=True, slots=True)
class Packed:
    """All pieces of a parcel have been sent; what they are together."""

    parcel: str
    bytes: int
    crc32c: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A shipment has come to the *machine* of the worker; *facts* are those of ``feeder.Fetched``."""

    machine: str
    table: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing can be learnt from a table that has arrived; the facts of a ``DataFault``."""

    message: str
    option: str | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The worker has its data, *rows* of them, after waiting for *waited* seconds."""

    rows: int
    waited: float


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the worker has come."""

    doing: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for the log."""

    message: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Measured:
    """A number that the trainer measured."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The candidate is fitted, stored, and evaluated where there was a table for that."""

    kind: ModelKind
    features: int
    answer: str
    classes: tuple[Label, ...] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    detail: ClassDetail | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    forms: tuple[FormRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """How good the candidate is, of which no model is stored.

    After cross-validation these are means, and the standard deviations over the folds.
    """

    metrics: Mapping[str, float]
    deviations: Mapping[str, float] = field(default_factory=dict)
    detail: ClassDetail | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker raised."""

    type: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """The driver's word to a foreman which worker to start: its ``Job``, and for how many threads."""

    job: Mapping[str, Any]
    threads: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A foreman's last word: how its worker ended, in words for a sentence."""

    how: str


Report = (
    Started
    | Arrived
    | Refused
    | Reading
    | Progressed
    | Logged
    | Measured
    | Judged
    | Piece
    | Packed
    | Done
    | Failed
)
Message = Work | Assigned | Ended | Report
_BY_NAME: Mapping[str, type[Any]] = {
    "work": Work,
    "piece": Piece,
    "packed": Packed,
    "assigned": Assigned,
    "ended": Ended,
    "started": Started,
    "arrived": Arrived,
    "refused": Refused,
    "data": Reading,
    "progress": Progressed,
    "log": Logged,
    "metric": Measured,
    "judged": Judged,
    "done": Done,
    "failed": Failed,
}
_NAMES = {kind: name for name, kind in _BY_NAME.items()}


def write_message(message: Message) -> bytes:
    """The line that says *message*."""
    return json.dumps({"is": _NAMES[type(message)], **dataclasses.asdict(message)}).encode()


def read_message(line: bytes) -> Any:
    """The message that :func:`write_message` has written."""
    raw = json.loads(line)
    kind = _BY_NAME[raw.pop("is")]
    if raw.get("classes") is not None:
        raw["classes"] = tuple(raw["classes"])
    if raw.get("detail") is not None:
        raw["detail"] = ClassDetail.from_record(raw["detail"])
    if "forms" in raw:
        raw["forms"] = tuple(FormRecord.from_record(each) for each in raw["forms"])
    if raw.get("folds") is not None:
        raw["folds"] = Folds(**raw["folds"])
    for table in ("training", "evaluation"):
        if isinstance(raw.get(table), dict):
            raw[table] = Shipment(**raw[table])
    return kind(**raw)
