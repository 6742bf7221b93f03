"""What goes over the socket of a scorer: frames, the hello of each side, values as JSON, and errors.

A frame is ``length of the body, number, kind`` (``<IIB``), then the body; a reply carries the number of
its question, so that many can be under way on one connection. The first frame is a hello with the
version, and is answered by one. :mod:`~mlsql.udf.serving.questions` says what is asked in them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any

from mlsql.errors import ConfigError, MlsqlError, RunError, ScriptError

VERSION = 1
HELLO_BYTES = 4096
"""The most that whoever has not said hello may send."""
_PROTOCOL = "mlsql scorer"
_HEADER = struct.Struct("<IIB")


def _plain(value: Any) -> Any:
    """A number of numpy as Python's, a date as text."""
    return value.isoformat() if isinstance(value, date) else value.tolist()


encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode
"""A value as the text of JSON."""


class Kind(IntEnum):
    """What a frame holds."""

    HELLO = 1
    PREDICT = 2
    QUERY = 3
    CHANGE = 4
    STATE = 5
    ANSWER = 6
    TABLE = 7
    ERROR = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of either side."""

    number: int
    kind: int
    body: bytes


def write_frame(number: int, kind: int, body: bytes) -> bytes:
    """The bytes of a frame."""
    return _HEADER.pack(len(body), number, kind) + body


class FrameReader:
    """Bytes as they come, cut into frames of at most *most* bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._rest = bytearray()

    @property
    def is_between(self) -> bool:
        """Whether no frame has come in part."""
        return not self._rest

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that *data* completes; a ScriptError for one that is too large."""
        self._rest += data
        with memoryview(self._rest) as view:
            frames = [*self._frames(view)]
        del self._rest[: sum(_HEADER.size + len(each.body) for each in frames)]
        return frames

    def _frames(self, view: memoryview) -> Iterator[Frame]:
        start = 0
        while len(view) - start >= _HEADER.size:
            length, number, kind = _HEADER.unpack_from(view, start)
            expect_size(length, self.most)
            end = start + _HEADER.size + length
            if len(view) < end:
                return
            yield Frame(number, kind, bytes(view[start + _HEADER.size : end]))
            start = end


def expect_size(length: int, most: int) -> None:
    """Refuse a body of more than *most* bytes."""
    if length > most:
        raise ScriptError(
            f"a message of {length:,} bytes is too large: at most {most:,} are taken",
            hint="send the rows in several, or raise serving.message_bytes",
        )


def hello(**told: Any) -> bytes:
    """The first body of each side."""
    return encode({"protocol": _PROTOCOL, "version": VERSION} | told).encode()


def read_hello(body: bytes) -> Mapping[str, Any]:
    """What a hello tells; ScriptError for what is none, ConfigError for one of another version."""
    told = read_json(body)
    if not isinstance(told, dict) or told.get("protocol") != _PROTOCOL:
        raise ScriptError("what came is no hello of a client of scorers")
    if told.get("version") != VERSION:
        raise ConfigError(
            f"the other side speaks version {told.get('version')} of the protocol, and this one {VERSION}",
            hint="install the same version of mlsql on both",
        )
    return told


def write_json(value: object) -> bytes:
    """A value as the body of a frame; NaN and infinities stay what they are."""
    return encode(value).encode()


def read_json(body: bytes) -> Any:
    """The inverse of :func:`write_json`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ScriptError("what came is no JSON") from error


def write_error(error: BaseException) -> bytes:
    """An error as the body of a frame; of what is none of ours only the class is told."""
    if not isinstance(error, MlsqlError):
        error = RunError(f"the scorer failed: {type(error).__name__}", hint="its log has the traceback")
    kinds = [each.__name__ for each in type(error).__mro__]
    facts = {name: value for name, value in vars(error).items() if name != "span" and _is_plain(value)}
    return write_json({"kinds": kinds, "facts": facts})


def read_error(body: bytes) -> MlsqlError:
    """The error that :func:`write_error` wrote, as the nearest class that is known here."""
    told, known = read_json(body), {each.__name__: each for each in _below(MlsqlError)}
    kind = next((known[each] for each in told["kinds"] if each in known), MlsqlError)
    error = kind.__new__(kind, told["facts"]["message"])
    vars(error).update(told["facts"], span=None)
    return error


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str | int | float)


def _below(kind: type[MlsqlError]) -> Iterator[type[MlsqlError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)
