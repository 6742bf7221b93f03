"""What comparisons and predicates of a select of Spark become in DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlsql.udf.serving.lane_applied import matches
from mlsql.udf.serving.lane_literals import decimal_text
from mlsql.udf.serving.lane_types import (
    NUMBERS,
    WHOLE,
    Carried,
    NotCarriedOver,
    as_type,
    common_type,
    expect_type,
)

if TYPE_CHECKING:
    from mlsql.udf.serving.lane_translator import Translator

Node = Any
ORDERED = (*NUMBERS, "string", "boolean", "date", "void")
_DECIMAL = "DECIMAL(38, 15)"
"""Holds every whole number of 64 bits, and what :func:`decimal_text` gives."""
COMPARED: Mapping[str, str] = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "nullsafeeq": "is not distinct from",
}
_LOOSE = frozenset({*COMPARED, "is", "in", "like", "between", "regexplike", "not", "and", "or"})
"""Without parentheses Spark and sqlglot group these within each other in two ways."""


def _expect_tight(*nodes: Node) -> None:
    """Refuse what both sides group alike only in parentheses, which may be sqlglot's own."""
    if any(each.unnest().key in _LOOSE for each in nodes):
        raise NotCarriedOver("a comparison of comparisons")


def compared(translator: Translator, node: Node) -> Carried:
    """``=``, ``<`` and their like; a whole number and a decimal by all their digits."""
    _expect_tight(node.this, node.expression)
    exact = _exactly(translator, node.this, node.expression)
    left, right = exact or translator.alike(node.this, node.expression, ORDERED)[:2]
    return Carried(f"({left} {COMPARED[node.key]} {right})", "boolean")


def _exactly(translator: Translator, left: Node, right: Node) -> tuple[str, str] | None:
    """A whole number and a decimal that is written out, as decimals; None of other two."""
    given = translator.every([left, right])
    whole = [each.type in WHOLE for each in given]
    texts = [decimal_text(each) for each in (left, right)]
    if sum(whole) != 1 or texts[whole.index(False)] is None:
        return None
    first, second = (
        f"cast({one.sql if text is None else repr(text)} as {_DECIMAL})"
        for one, text in zip(given, texts, strict=True)
    )
    return first, second


def between(translator: Translator, node: Node) -> Carried:
    """Both ends count."""
    _expect_tight(node.this, node.args["low"], node.args["high"])
    low, least, _ = translator.alike(node.this, node.args["low"], ORDERED)
    high, most, _ = translator.alike(node.this, node.args["high"], ORDERED)
    return Carried(f"({low} >= {least} and {high} <= {most})", "boolean")


def within(translator: Translator, node: Node) -> Carried:
    """One of several values."""
    _expect_tight(node.this)
    given = translator.every([node.this, *node.expressions])
    if len(given) == 1:
        raise NotCarriedOver("in of no values")
    kind = expect_type(common_type(given), ORDERED)
    value, *values = (as_type(each, kind).sql for each in given)
    return Carried(f"({value} in ({', '.join(values)}))", "boolean")


def like(translator: Translator, node: Node) -> Carried:
    """A pattern that is a text."""
    _expect_tight(node.this)
    if node.expression.key != "literal":
        raise NotCarriedOver("like of something other than a text")
    left, right = (translator.at(each, "string").sql for each in (node.this, node.expression))
    return Carried(f"({left} {'not ' if node.args.get('negate') else ''}like {right})", "boolean")


def is_null(translator: Translator, node: Node) -> Carried:
    """Whether there is nothing."""
    _expect_tight(node.this)
    if node.expression.key != "null":
        raise NotCarriedOver("is of something other than null")
    return Carried(f"({translator.carried(node.this).sql} is null)", "boolean")


def matched(translator: Translator, node: Node) -> Carried:
    """``rlike``."""
    _expect_tight(node.this)
    return matches(translator, node)


def both(translator: Translator, node: Node) -> Carried:
    """And, or."""
    left, right = (translator.at(each, "boolean").sql for each in (node.this, node.expression))
    return Carried(f"({left} {node.key} {right})", "boolean")


def negation(translator: Translator, node: Node) -> Carried:
    """Not."""
    return Carried(f"(not {translator.at(node.this, 'boolean').sql})", "boolean")
