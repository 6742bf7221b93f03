"""Numbers as Spark writes them: their types, and DuckDB's text for the same number."""

from __future__ import annotations

import re
from typing import Any

from mlsql.udf.serving.lane_types import Carried, Direct, NotCarriedOver, duckdb_type

_WHOLE = re.compile(r"[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{0,15}\.[0-9]{1,15}|[0-9]{1,15}\.", re.ASCII)
_DOUBLE = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?|-?infinity|nan", re.ASCII)


def number(text: str) -> Carried:
    """A literal: whole numbers are as wide as they must be, with an exponent they are doubles."""
    digits = text.removeprefix("-")
    if _WHOLE.fullmatch(digits):
        number = int(text)
        for kind, bits in (("int", 31), ("bigint", 63)):
            if -(2**bits) <= number < 2**bits:
                return Carried(f"cast({number} as {duckdb_type(kind)})", kind, constant(number))
    if _DECIMAL.fullmatch(digits):
        return Carried(f"cast('{text}' as DOUBLE)", "decimal", constant(float(text)))
    if "e" not in digits.casefold():
        raise NotCarriedOver(f"the decimal {text}")
    return double_of(text)


def double_of(text: str) -> Carried:
    """A double, which may be infinite."""
    if not _DOUBLE.fullmatch(text.casefold()):
        raise NotCarriedOver(f"the number {text}")
    return Carried(f"cast('{float(text)!r}' as DOUBLE)", "double", constant(float(text)))


def constant(value: Any) -> Direct:
    """What is the same for every row."""
    return lambda _ask, _row: value


def number_text(node: Any) -> str | None:
    """The whole number that is written out, with or without a sign; None of any other expression."""
    literal = node.this if node.key == "neg" else node
    is_number = literal.key == "literal" and not literal.args["is_string"]
    return str(literal.this) if is_number and _WHOLE.fullmatch(str(literal.this)) else None


def decimal_text(node: Any) -> str | None:
    """The decimal that is written out, with or without a sign; None of any other expression."""
    sign = "-" if node.key == "neg" else ""
    literal = node.this if sign else node
    if literal.key != "literal" or literal.args["is_string"] or not _DECIMAL.fullmatch(str(literal.this)):
        return None
    return f"{sign}{literal.this}"


def literal_text(node: Any) -> str | int | None:
    """The text or the whole number that is written out; None of any other expression."""
    if node.key != "literal":
        return None
    text = str(node.this)
    if node.args["is_string"]:
        return text
    return int(text) if _WHOLE.fullmatch(text) else None
