"""A plain value as text: as JSON, in a cell of a table, as a field of CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_NEEDS_QUOTES = frozenset(',"\r\n')


def cell(value: Any) -> str:
    """A value as text: texts as they are, everything else as in JSON.

    >>> cell("a"), cell(None), cell([1.5, None])
    ('a', 'null', '[1.5,null]')
    """
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """The JSON of a value, without spaces; NaN and infinities are an error."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def csv_line(values: Iterable[Any]) -> str:
    """A line of CSV (RFC 4180): null is an empty field, an empty text is ``""``.

    >>> csv_line(["a,b", None, "", 1])
    '"a,b",,"",1'
    """
    return ",".join("" if value is None else _csv_field(cell(value)) for value in values)


def _csv_field(text: str) -> str:
    if text and _NEEDS_QUOTES.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
