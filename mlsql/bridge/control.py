"""The control channel between the driver and one worker: JSON lines on a socket of the driver.

The driver opens a :class:`Door` where the worker can reach it; whoever says its one-time token
first is the worker.
The driver sends :class:`Work`, the worker reports until it has sent :class:`Done` or
:class:`Judged`, which may be followed by more work, or :class:`Failed`, after which it ends. Each
side takes a closed channel for the end of the other.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from mlsql.bridge.request import Folds
from mlsql.models import Label, ModelKind
from mlsql.summaries import ClassDetail

HANDSHAKE_SECONDS = 5.0
LOOPBACK = "127.0.0.1"
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}


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


class ChannelClosed(Exception):
    """The other side has gone."""


class Channel:
    """One end of the channel; one thread may send while another receives."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_lost_machines(connection)
        self._connection = connection
        self._unread = b""
        self.is_closed = False
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Hand *message* over."""
        line = json.dumps({"is": _NAMES[type(message)], **dataclasses.asdict(message)})
        try:
            with self._sending:
                self._connection.sendall(line.encode() + b"\n")
        except OSError as error:
            raise ChannelClosed from error

    def receive(self, timeout: float | None) -> Any:
        """The next message, or None when none has come after *timeout* seconds (None waits for the end)."""
        while b"\n" not in self._unread:
            if not wait([self._connection], timeout):
                return None
            self._unread += self._read()
        line, _, self._unread = self._unread.partition(b"\n")
        return _decode(line)

    def close(self) -> None:
        """End the conversation; the other side notices."""
        self.is_closed = True
        with suppress(OSError):  # it may have gone before us
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _read(self) -> bytes:
        try:
            received = self._connection.recv(65536)
        except OSError as error:
            raise ChannelClosed from error
        if not received:
            raise ChannelClosed
        return received

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _decode(line: bytes) -> Any:
    raw = json.loads(line)
    kind = _BY_NAME[raw.pop("is")]
    if raw.get("classes") is not None:
        raw["classes"] = tuple(raw["classes"])
    if raw.get("detail") is not None:
        raw["detail"] = ClassDetail.from_record(raw["detail"])
    if raw.get("folds") is not None:
        raw["folds"] = Folds(**raw["folds"])
    for table in ("training", "evaluation"):
        if isinstance(raw.get(table), dict):
            raw[table] = Shipment(**raw[table])
    return kind(**raw)


def _notice_lost_machines(connection: socket.socket) -> None:
    """Have a connection fail within a minute or two when the other machine is gone without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # macOS calls the first one otherwise
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Door:
    """Where one worker comes in: a port of ours and a token that works once.

    It listens on the address *bind*; workers reach it as *host*.
    """

    def __init__(self, bind: str = LOOPBACK, host: str | None = None) -> None:
        self.token = secrets.token_hex(32)
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._listener = socket.create_server((bind, 0), family=family)
        self.address: tuple[str, int] = (host or bind, self._listener.getsockname()[1])

    def admit(self, timeout: float) -> Channel | None:
        """The channel to the worker, or None when it has not come within *timeout* seconds."""
        if not wait([self._listener], timeout):
            return None
        connection, _ = self._listener.accept()
        if _says(connection, self.token):
            self._listener.close()
            return Channel(connection)
        connection.close()
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()


def connect(address: tuple[str, int], token: str) -> Channel:
    """The worker's end of the channel to the door at *address*."""
    connection = socket.create_connection(address, timeout=HANDSHAKE_SECONDS)
    connection.sendall(token.encode())
    return Channel(connection)


def _says(connection: socket.socket, token: str) -> bool:
    """Whether the first that comes from *connection* is *token*, soon enough."""
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    said = b""
    while len(said) < len(token):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            received = connection.recv(len(token) - len(said))
        except OSError:
            return False
        if not received:
            return False
        said += received
    return hmac.compare_digest(said, token.encode())
