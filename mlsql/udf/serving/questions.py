"""What a scorer is asked: a function about rows, or a query over them, as bodies of frames.

One row of doubles travels packed (a tenth of the time that JSON takes), other rows as JSON, many rows as an
Arrow stream.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.udf.serving.functions import Companion
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.lane_types import is_told
from mlsql.udf.serving.protocol import encode, read_json, write_json

_QUESTION = struct.Struct("<BBBH")
_COMPANIONS: tuple[Companion, ...] = ("", "proba", "all")
_QUERY = struct.Struct("<BI")
_DOUBLES, _VECTOR, _JSON, _ARROW = range(4)
_FORMS = (_JSON, _ARROW)
_ONE_FLOAT, _ONE_LIST = {float}, {list}


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
    head = encode([caller, sql]).encode()
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
        return _JSON, encode(rows).encode()
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ScriptError(
            f"the rows hold what JSON cannot: {error}", hint="numbers, texts, booleans, None and lists"
        ) from error


def _unpacked(payload: bytes) -> list[object]:
    count, odd = divmod(len(payload), 8)
    if odd:
        raise ScriptError("what came are no doubles")
    return list(struct.unpack(f"<{count}d", payload))
