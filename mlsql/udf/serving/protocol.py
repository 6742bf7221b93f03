"""What goes over the socket of a scorer: frames, questions and answers in them, and errors.

A frame is ``length of the body, number, kind`` (``<IIB``), then the body; a reply carries the number of
its question, so that many can be under way on one connection. The first frame is a hello with the
version, and is answered by one. One row of doubles travels packed (a tenth of the time that JSON
takes), other rows as JSON, many rows as an Arrow stream.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any

from mlsql.errors import ConfigError, MlsqlError, RunError, ScriptError
from mlsql.udf.serving.functions import Companion
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.lane_types import is_told

VERSION = 1
HELLO_BYTES = 4096
"""The most that whoever has not said hello may send."""
_PROTOCOL = "mlsql scorer"
_HEADER = struct.Struct("<IIB")
_QUESTION = struct.Struct("<BBBH")
_COMPANIONS: tuple[Companion, ...] = ("", "proba", "all")
_QUERY = struct.Struct("<BI")
_DOUBLES, _VECTOR, _JSON, _ARROW = range(4)
_FORMS = (_JSON, _ARROW)
_ONE_FLOAT, _ONE_LIST = {float}, {list}


def _plain(value: Any) -> Any:
    """A number of numpy as Python's, a date as text."""
    return value.isoformat() if isinstance(value, date) else value.tolist()


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


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
    return _encode({"protocol": _PROTOCOL, "version": VERSION} | told).encode()


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


@dataclass(frozen=True, slots=True)
class Question:
    """What a caller asks of a function: its rows are read by :meth:`rows`, or are an Arrow stream."""

    caller: str
    function: str
    companion: Companion
    form: int
    payload: bytes

    @property
    def is_table(self) -> bool:
        """Whether the payload is an Arrow stream."""
        return self.form == _ARROW

    def rows(self) -> Sequence[Sequence[object]]:
        """The rows, by position."""
        if self.form == _DOUBLES:
            return (_unpacked(self.payload),)
        if self.form == _VECTOR:
            return ((_unpacked(self.payload),),)
        rows = read_json(self.payload)
        if not isinstance(rows, list) or not set(map(type, rows)) <= _ONE_LIST:
            raise ScriptError("the rows are no list of lists", hint="[[5.1, 3.5], [4.9, 3.0]]")
        return rows


def write_question(
    caller: str, function: str, rows: Sequence[Sequence[object]] | bytes, companion: Companion
) -> bytes:
    """The body of a question."""
    form, payload = _packed(rows)
    who, what = caller.encode(), function.encode()
    try:
        head = _QUESTION.pack(_COMPANIONS.index(companion), form, len(who), len(what))
    except struct.error as error:
        raise ScriptError(f"'{function[:40]}…' is too long for a name") from error
    return b"".join((head, who, what, payload))


def read_question(body: bytes) -> Question:
    """The inverse of :func:`write_question`."""
    try:
        companion, form, who, what = _QUESTION.unpack_from(body)
        names = _QUESTION.size + who
        caller, function = body[_QUESTION.size : names].decode(), body[names : names + what].decode()
        return Question(caller, function, _COMPANIONS[companion], form, body[names + what :])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ScriptError("what came is no question") from error


def write_query(caller: str, sql: str, rows: Columns | bytes) -> bytes:
    """The body of a query over few rows, or over those of an Arrow stream."""
    head = _encode([caller, sql]).encode()
    payload = rows if isinstance(rows, bytes) else write_columns(rows)
    form = _ARROW if isinstance(rows, bytes) else _JSON
    return _QUERY.pack(form, len(head)) + head + payload


def read_query(body: bytes) -> tuple[str, str, Columns | bytes]:
    """The inverse of :func:`write_query`."""
    try:
        form, length = _QUERY.unpack_from(body)
    except struct.error as error:
        raise ScriptError("what came is no query") from error
    end = _QUERY.size + length
    told, payload = read_json(body[_QUERY.size : end]), body[end:]
    if not isinstance(told, list) or [type(each) for each in told] != [str, str] or form not in _FORMS:
        raise ScriptError("what came is no query")
    return told[0], told[1], payload if form == _ARROW else read_columns(payload)


def write_columns(columns: Columns) -> bytes:
    """Columns as JSON."""
    return write_json([columns.types, columns.values])


def read_columns(body: bytes) -> Columns:
    """The inverse of :func:`write_columns`."""
    told = read_json(body)
    if not isinstance(told, list) or [type(each) for each in told] != [dict, list]:
        raise ScriptError("what came are no columns")
    types, values = told
    is_known = all(isinstance(each, str) and is_told(each) for each in types.values())
    lengths = {len(each) if isinstance(each, list) else -1 for each in values}
    if not is_known or len(types) != len(values) or len(lengths) > 1 or -1 in lengths:
        raise ScriptError("what came are no columns")
    return Columns(types, values)


def write_json(value: object) -> bytes:
    """A value as the body of a frame; NaN and infinities stay what they are."""
    return _encode(value).encode()


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


def _packed(rows: Sequence[Sequence[object]] | bytes) -> tuple[int, bytes]:
    if isinstance(rows, bytes):
        return _ARROW, rows
    if len(rows) == 1:
        row = rows[0]
        kinds = set(map(type, row))
        if kinds == _ONE_FLOAT:
            return _DOUBLES, struct.pack(f"<{len(row)}d", *row)
        if kinds == _ONE_LIST and len(row) == 1 and set(map(type, row[0])) == _ONE_FLOAT:  # type: ignore[call-overload]
            vector: list[float] = row[0]  # type: ignore[assignment]
            return _VECTOR, struct.pack(f"<{len(vector)}d", *vector)
    try:
        return _JSON, _encode(rows).encode()
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ScriptError(
            f"the rows hold what JSON cannot: {error}", hint="numbers, texts, booleans, None and lists"
        ) from error


def _unpacked(payload: bytes) -> list[object]:
    count, odd = divmod(len(payload), 8)
    if odd:
        raise ScriptError("what came are no doubles")
    return list(struct.unpack(f"<{count}d", payload))


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str | int | float)


def _below(kind: type[MlsqlError]) -> Iterator[type[MlsqlError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)
