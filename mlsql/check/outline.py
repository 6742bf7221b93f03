"""The statements of a script as plain JSON: what each is, where it stands, what it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from mlsql.grammar.nodes import Branch, Literal, Option, Statement, Word
from mlsql.spans import mask_secrets

_VALUES = ("value", "span")
"""What a ``set`` gives, which may be anything, is not told; the place is told otherwise."""


def outline(statements: Sequence[Statement]) -> list[dict[str, Any]]:
    """An object a statement, those inside a block in its ``statements``.

    Each has ``type``, ``line``, ``column``, ``endLine``, ``endColumn`` and its parts by the names
    that ``mlsql.grammar.nodes`` gives them; of options only the keys.

    >>> from mlsql.grammar import parse
    >>> from mlsql.spans import Script
    >>> [load] = outline(parse(Script("a", 'load csv.`/x` where header="true" as t;')))
    >>> load["type"], load["format"], load["path"], load["options"], load["table"]
    ('load', 'csv', '/x', ['header'], 't')
    """
    return [_outlined(each) for each in statements]


def _outlined(statement: Statement) -> dict[str, Any]:
    span = statement.span
    return {
        "type": type(statement).__name__.lower(),
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        **dict(_parts(statement)),
    }


def _parts(node: Statement | Branch) -> Iterator[tuple[str, Any]]:
    for each in fields(node):
        if each.name not in _VALUES:
            yield each.name, _part(getattr(node, each.name))


def _part(value: Any) -> Any:
    if isinstance(value, Word | Literal):
        return mask_secrets(value.text)
    if isinstance(value, Option):
        return value.key.text
    if isinstance(value, Branch):
        return dict(_parts(value))
    if isinstance(value, tuple):
        return [_part(each) for each in value]
    return value if value is None or isinstance(value, str) else _outlined(value)
