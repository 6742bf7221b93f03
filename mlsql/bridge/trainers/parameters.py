"""How the text of an estimator's parameter becomes a value, after scikit-learn's own constraints.

A constraint is plain JSON, as the table of estimators holds it: a name (``"none"``) or a list of
a name and its bounds (``["integer", 1, null, "left"]``). :func:`kind` makes a reader of it.
"""

from __future__ import annotations

import ast
import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mlsql.options import BOOLEAN, TEXT, Kind

Constraint = str | Sequence[Any]


@dataclass(frozen=True, slots=True)
class Nested:
    """The name of an estimator that is another one's parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an estimator: its default, and what it takes in the order of trying.

    ``default`` is in Python's notation, None where a value must be given.
    """

    name: str
    default: str | None
    takes: tuple[Kind[Any], ...] = field(compare=False)

    @property
    def expected(self) -> str:
        """What it takes, in words: ``a whole number of at least 1, or 'sqrt'``."""
        *most, last = [each.expected for each in self.takes] or ["nothing that a script can write"]
        return f"{', '.join(most)} or {last}" if most else last

    @property
    def takes_estimator(self) -> bool:
        """Whether its value can be another estimator."""
        return _SIMPLE["estimator"] in self.takes

    @property
    def takes_list(self) -> bool:
        """Whether its value can be a list."""
        return any(_SIMPLE[name] in self.takes for name in ("array", "list", "tuple"))

    def read(self, text: str) -> Any:
        """The value that *text* stands for; ValueError when nothing that it takes fits."""
        for each in self.takes:
            try:
                return each.read(text)
            except ValueError:
                continue
        raise ValueError(text)


def kind(constraint: Constraint) -> Kind[Any]:
    """The reader of one *constraint* of the table.

    >>> kind(["integer", 1, None, "left"]).expected
    'a whole number of at least 1'
    >>> kind("tuple").read("(50, 20)")
    (50, 20)
    """
    return _SIMPLE[constraint] if isinstance(constraint, str) else _RANGES[constraint[0]](*constraint[1:])


def _integers(low: float | None, high: float | None, closed: str) -> Kind[int]:
    expected = f"a whole number{_bounds(low, high, closed)}"
    return Kind(expected, lambda text: _within(int(text), low, high, closed))


def _numbers(low: float | None, high: float | None, closed: str) -> Kind[float]:
    expected = f"a number{_bounds(low, high, closed)}"
    return Kind(expected, lambda text: _within(_number(text), low, high, closed))


def _decimals(low: float | None, high: float | None, closed: str) -> Kind[float]:
    """Numbers that are written with a point or an exponent: where 1 and 1.0 mean different things."""

    def read(text: str) -> float:
        value = _number(text)
        if isinstance(value, int):
            raise ValueError(text)
        return float(_within(value, low, high, closed))

    return Kind(f"a decimal number{_bounds(low, high, closed)}", read)


def _words(*words: str) -> Kind[str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Kind(", ".join(f"'{word}'" for word in words), read)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _within(value: Any, low: float | None, high: float | None, closed: str) -> Any:
    above = operator.ge if closed in ("left", "both") else operator.gt
    below = operator.le if closed in ("right", "both") else operator.lt
    if above(value, -math.inf if low is None else low) and below(value, math.inf if high is None else high):
        return value
    raise ValueError(value)


def _bounds(low: float | None, high: float | None, closed: str) -> str:
    said = []
    if low is not None:
        said.append(f"{'at least' if closed in ('left', 'both') else 'more than'} {low:g}")
    if high is not None:
        said.append(f"{'at most' if closed in ('right', 'both') else 'less than'} {high:g}")
    return " of " + " and ".join(said) if said else ""


def _none(text: str) -> None:
    if text not in ("None", "null"):
        raise ValueError(text)


def _infinity(text: str) -> float:
    if float(text) != math.inf:
        raise ValueError(text)
    return math.inf


def _literal(text: str) -> Any:
    """A JSON or Python literal; what is neither is a ValueError."""
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return read(text)
    raise ValueError(text)


def _of_type(*types: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = _literal(text)
        if not isinstance(value, types):
            raise ValueError(text)
        return value

    return read


def _nested(text: str) -> Nested:
    if not all(part.isidentifier() for part in text.split(".")):
        raise ValueError(text)
    return Nested(text)


_RANGES: Mapping[str, Callable[..., Kind[Any]]] = {
    "integer": _integers,
    "number": _numbers,
    "decimal": _decimals,
    "word": _words,
}
_SIMPLE: Mapping[str, Kind[Any]] = {
    "none": Kind("'None'", _none),
    "boolean": BOOLEAN,
    "infinity": Kind("'inf'", _infinity),
    "object": Kind('an object such as {"a":1}', _of_type(dict)),
    "array": Kind("a list such as [1,2]", _of_type(list, tuple)),
    "list": Kind("a list such as [1,2]", _of_type(list)),
    "tuple": Kind("a tuple such as (1,2)", lambda text: tuple(_of_type(list, tuple)(text))),
    "estimator": Kind("the name of an estimator", _nested),
    "text": TEXT,
}
TRIED_IN_ORDER: tuple[str, ...] = (
    "none", "word", "boolean", "integer", "number", "decimal", "infinity",
    "object", "array", "list", "tuple", "estimator", "text",
)  # fmt: skip


def parameters(raw: Mapping[str, Mapping[str, Any]]) -> dict[str, Parameter]:
    """The parameters of one estimator from their JSON form."""
    return {name: Parameter(name, one.get("default"), _kinds(one["takes"])) for name, one in raw.items()}


def _kinds(constraints: Iterable[Constraint]) -> tuple[Kind[Any], ...]:
    return tuple(kind(each) for each in constraints)
