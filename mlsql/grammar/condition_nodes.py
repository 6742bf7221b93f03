"""The tree of a condition: one frozen node an operation, every part with its span.

Operators have one spelling here (``==``, ``!=``, ``and``, ``or``, ``not``), parentheses are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from mlsql.spans import Span

UnaryOperator = Literal["-", "not"]
BinaryOperator = Literal[
    "or", "and", "==", "!=", "<", "<=", ">", ">=", "like", "not like", "+", "-", "*", "/", "%"
]

LOGIC = frozenset({"or", "and", "not"})
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})


class Expression:
    """What has a value: the base of all nodes below."""

    __slots__ = ()


Node = TypeVar("Node", bound=Expression)


@dataclass(frozen=True, slots=True)
class Variable(Expression):
    """``:name``, a variable or a column; a dotted name reaches inside."""

    name: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A number without a sign, as it was written."""

    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A string, escapes resolved."""

    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """``true``, ``false`` or ``null``."""

    value: bool | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Element(Expression):
    """``base[index]``, of an array from 0, of a map by its key."""

    base: Expression
    index: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A call of a SQL function."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """``cast(operand as type)``; the type is written small and without blanks."""

    operand: Expression
    type: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """An operator before its operand."""

    operator: UnaryOperator
    operand: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """An operator between its operands."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    """``operand is [not] null``."""

    operand: Expression
    negated: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class In(Expression):
    """``operand [not] in (choices)``."""

    operand: Expression
    choices: tuple[Expression, ...]
    negated: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """``operand [not] between low and high``."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binding:
    """``select expression as :name``; later expressions see the name."""

    name: str
    expression: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is selected first, and the test."""

    bindings: tuple[Binding, ...]
    test: Expression
    span: Span = field(compare=False, repr=False)


def variables(condition: Condition) -> Iterator[Variable]:
    """What *condition* expects to be defined: each ``:name`` that it has not selected before."""
    selected: set[str] = set()
    for binding in condition.bindings:
        yield from _variables(binding.expression, selected)
        selected.add(binding.name)
    yield from _variables(condition.test, selected)


def _variables(node: Expression, selected: Container[str]) -> Iterator[Variable]:
    if isinstance(node, Variable) and node.name not in selected:
        yield node
    for child in children(node):
        yield from _variables(child, selected)


def children(node: Expression) -> tuple[Expression, ...]:
    """The operands of *node*, in the order in which they are written."""
    return tuple(child for _, value in _parts(node) for child in (value if _is_many(value) else (value,)))


def rebuilt(node: Node, change: Callable[[Expression], Expression]) -> Node:
    """*node* with each operand replaced by what *change* makes of it."""
    changed: dict[str, Any] = {
        name: tuple(map(change, value)) if _is_many(value) else change(value) for name, value in _parts(node)
    }
    return replace(node, **changed) if changed else node  # type: ignore[type-var]


def _parts(node: Expression) -> Iterator[tuple[str, Any]]:
    """The fields that hold operands."""
    for each in fields(node):  # type: ignore[arg-type]
        value = getattr(node, each.name)
        if isinstance(value, Expression) or _is_many(value):
            yield each.name, value


def _is_many(value: object) -> bool:
    return isinstance(value, tuple)
