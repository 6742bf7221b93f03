"""Spark's types as the SQL lane knows them: in DuckDB, in Arrow, and which becomes which unasked.

Types are Spark's text. ``decimal`` is that of a literal such as ``0.5``, which the lane holds as a double:
it may become one, and is nothing else. A ``vector`` is a list of doubles, a ``matrix`` a list of rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlsql.errors import ScriptError

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = ("tinyint", "smallint", "int", "bigint")
NUMBERS = (*WHOLE, "double")
"""Those that are computed with."""
_WIDER = (*WHOLE, "decimal", "float", "double")
"""Numbers, each of which Spark takes for the ones behind it; ``decimal`` and ``float`` meet in a double."""
_LEAVES: Mapping[str, tuple[str, str]] = {
    "boolean": ("BOOLEAN", "bool"),
    "tinyint": ("TINYINT", "int8"),
    "smallint": ("SMALLINT", "int16"),
    "int": ("INTEGER", "int32"),
    "bigint": ("BIGINT", "int64"),
    "float": ("FLOAT", "float32"),
    "double": ("DOUBLE", "float64"),
    "string": ("VARCHAR", "string"),
    "date": ("DATE", "date32"),
    "void": ("INTEGER", "null"),
}
_OF_CANDIDATES = re.compile(r"struct<algIndex:int,answer:(?P<answer>.+)>")
_HELD_AS: Mapping[str, str] = {
    "decimal": "double",
    "vector": "array<double>",
    "matrix": "array<array<double>>",
    "long": "bigint",
}


class NotCarriedOver(ScriptError):
    """A query that only Spark can answer as Spark does, with the reason."""


Ask = Callable[[Any, Sequence[Any]], Any]
"""Has a :class:`~mlsql.udf.serving.lane_calls.Call` answered for values."""
Direct = Callable[[Ask, Sequence[Any]], Any]
"""Computes an expression of one row, whose values are in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An expression of DuckDB, and the type that Spark gives to what it stands for."""

    sql: str
    type: str
    direct: Direct | None = field(default=None, compare=False)
    """Gives the same without DuckDB; None of what needs it."""


def element_of(kind: str) -> str | None:
    """The type of an array's elements; None of what is no array.

    >>> element_of("array<array<int>>")
    'array<int>'
    """
    return kind[len("array<") : -1] if kind.startswith("array<") else None


def members_of(kind: str) -> dict[str, str] | None:
    """The types of a structure's members by their names; None of what is none.

    >>> members_of("struct<algIndex:int,answer:array<double>>")
    {'algIndex': 'int', 'answer': 'array<double>'}
    """
    found = _OF_CANDIDATES.fullmatch(kind)
    return {"algIndex": "int", "answer": found["answer"]} if found else None


def duckdb_type(kind: str) -> str:
    """How DuckDB calls what the lane holds for *kind*.

    >>> duckdb_type("array<vector>"), duckdb_type("map<int,double>")
    ('DOUBLE[][]', 'MAP(INTEGER, DOUBLE)')
    """
    if kind.startswith("map<"):
        key, value = kind[len("map<") : -1].split(",", 1)
        return f"MAP({duckdb_type(key)}, {duckdb_type(value)})"
    element = element_of(kind)
    if element is not None:
        return f"{duckdb_type(element)}[]"
    members = members_of(kind)
    if members is not None:
        named = [f'"{name}" {duckdb_type(each)}' for name, each in members.items()]
        return f"STRUCT({', '.join(named)})"
    return duckdb_type(_HELD_AS[kind]) if kind in _HELD_AS else _LEAVES[kind][0]


def arrow_type(kind: str) -> pa.DataType:
    """How Arrow calls it."""
    import pyarrow as pa

    element = element_of(kind)
    if element is not None:
        return pa.list_(arrow_type(element))
    members = members_of(kind)
    if members is not None:
        return pa.struct([(name, arrow_type(each)) for name, each in members.items()])
    return arrow_type(_HELD_AS[kind]) if kind in _HELD_AS else pa.type_for_alias(_LEAVES[kind][1])


def spark_type(kind: pa.DataType) -> str | None:
    """What Spark makes of a column of this Arrow type; None when the lane does not know."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        element = spark_type(kind.value_type)
        return None if element in (None, "void") else f"array<{element}>"
    return next((name for name, (_, alias) in _LEAVES.items() if pa.type_for_alias(alias) == kind), None)


def is_told(kind: str) -> bool:
    """Whether a value of the type can be in a result."""
    element, members = element_of(kind), members_of(kind)
    if element is not None:
        return is_told(element)
    if members is not None:
        return all(map(is_told, members.values()))
    return kind in _LEAVES or kind in ("vector", "matrix", "long")


def becomes(given: str, wanted: str) -> bool:
    """Whether Spark takes a value of one type where another is *wanted*, and the lane gives the same."""
    if given in (wanted, "void") or (given, wanted) == ("vector", "array<double>"):
        return True
    if given in _WIDER and wanted in _WIDER:
        return _WIDER.index(given) < _WIDER.index(wanted) and given != "float"
    inner, into = element_of(given), element_of(wanted)
    if inner is not None and into is not None:
        return becomes(inner, into)
    return given == "map<int,decimal>" and wanted == "map<int,double>"


def common(kinds: Iterable[str]) -> str | None:
    """The type that Spark gives to what is one of *kinds*; None when that takes a cast not known here.

    >>> common(["int", "void", "bigint"]), common(["string", "int"])
    ('bigint', None)
    """
    told = [each for each in dict.fromkeys(kinds) if each != "void"]
    if not told:
        return "void"
    if len(told) == 1:
        return told[0]
    elements = [each for each in map(element_of, told) if each is not None]
    if len(elements) == len(told):
        element = common(elements)
        return element and f"array<{element}>"
    if any(each not in _WIDER or each == "float" for each in told):
        return None
    return max(told, key=_WIDER.index)


def common_type(given: Iterable[Carried]) -> str:
    """The type of what is one of *given*."""
    kinds = [each.type for each in given]
    kind = common(kinds)
    if kind is None:
        raise NotCarriedOver(f"{' and '.join(dict.fromkeys(kinds))} in one place")
    return kind


def expect_type(kind: str, kinds: Iterable[str]) -> str:
    """*kind*, which is one of *kinds*."""
    if kind not in kinds:
        raise NotCarriedOver(f"{kind} in this place")
    return kind


def as_type(given: Carried, wanted: str) -> Carried:
    """The expression at the type *wanted*, which it becomes."""
    if duckdb_type(given.type) == duckdb_type(wanted) and given.type != "void":
        return Carried(given.sql, wanted, given.direct)
    direct = given.direct
    if direct is not None and leaf_of(wanted) == "double":
        direct = _in_doubles(direct)
    return Carried(f"cast({given.sql} as {duckdb_type(wanted)})", wanted, direct)


def leaf_of(kind: str) -> str:
    """What the innermost elements of an array, a vector or a matrix are, or a value that is none.

    >>> leaf_of("array<vector>"), leaf_of("int")
    ('double', 'int')
    """
    element = element_of(_HELD_AS.get(kind, kind))
    return _HELD_AS.get(kind, kind) if element is None else leaf_of(element)


def doubles(values: Sequence[Any]) -> list[Any]:
    """Numbers, in lists or not, as doubles; nulls stay."""
    return [
        doubles(each) if type(each) is list else float(each) if type(each) is int else each for each in values
    ]


def _in_doubles(direct: Direct) -> Direct:
    return lambda ask, row: doubles((direct(ask, row),))[0]
