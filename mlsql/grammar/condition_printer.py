"""Conditions into canonical text: ``parse(print(x)) == x``, without parentheses that are not needed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from mlsql.grammar.condition_nodes import (
    Between,
    Binary,
    Call,
    Cast,
    Condition,
    Constant,
    Element,
    Expression,
    In,
    IsNull,
    Number,
    Text,
    Unary,
    Variable,
)
from mlsql.grammar.literals import write_literal, write_name

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, ELEMENT = range(8)
_LEVELS = {"or": _OR, "and": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}
_BARE_NAME = re.compile(r"\w+(?:\.\w+)*")


def print_condition(condition: Condition) -> str:
    """The text of a condition on one line, what it selects in one select."""
    write = ConditionWriter().write
    selected = [f"{write(each.expression)} as {_variable(each.name)}" for each in condition.bindings]
    head = f"select {', '.join(selected)}; " if selected else ""
    return head + write(condition.test)


class ConditionWriter:
    """Writes expressions as conditions have them, one method a node; SQL differs in a few."""

    def write(self, node: Expression) -> str:
        """The text of *node*."""
        return cast(str, getattr(self, f"write_{type(node).__name__.lower()}")(node))

    def operand(self, node: Expression, least: int) -> str:
        """The text of *node*, in parentheses when it binds looser than level *least*."""
        text = self.write(node)
        return f"({text})" if level(node) < least else text

    def operator(self, operator: str) -> str:
        """How an operator between two operands is spelt."""
        return operator

    def write_variable(self, node: Variable) -> str:
        """``:name``."""
        return _variable(node.name)

    def write_number(self, node: Number) -> str:
        """A number as it was written."""
        return node.text

    def write_text(self, node: Text) -> str:
        """A string in quotes."""
        return write_literal(node.text, "'")

    def write_constant(self, node: Constant) -> str:
        """``true``, ``false`` or ``null``."""
        return "null" if node.value is None else str(node.value).lower()

    def write_element(self, node: Element) -> str:
        """``base[index]``."""
        return f"{self.operand(node.base, ELEMENT)}[{self.write(node.index)}]"

    def write_call(self, node: Call) -> str:
        """``function(arguments)``."""
        return f"{node.function}({self.list(node.arguments)})"

    def write_cast(self, node: Cast) -> str:
        """``cast(operand as type)``."""
        return f"cast({self.write(node.operand)} as {node.type})"

    def write_unary(self, node: Unary) -> str:
        """``-operand`` or ``not operand``."""
        if node.operator == "-":  # two signs in a row would begin a comment
            return f"-{self.operand(node.operand, ELEMENT)}"
        return f"not {self.operand(node.operand, _NOT)}"

    def write_binary(self, node: Binary) -> str:
        """``left operator right``."""
        left, right = self.operand(node.left, level(node)), self.operand(node.right, level(node) + 1)
        return f"{left} {self.operator(node.operator)} {right}"

    def write_isnull(self, node: IsNull) -> str:
        """``operand is [not] null``."""
        return f"{self.operand(node.operand, _COMPARISON)} is {'not ' * node.negated}null"

    def write_in(self, node: In) -> str:
        """``operand [not] in (choices)``."""
        operand = self.operand(node.operand, _COMPARISON)
        return f"{operand} {'not ' * node.negated}in ({self.list(node.choices)})"

    def write_between(self, node: Between) -> str:
        """``operand [not] between low and high``."""
        operand = self.operand(node.operand, _COMPARISON)
        low, high = self.operand(node.low, _SUM), self.operand(node.high, _SUM)
        return f"{operand} {'not ' * node.negated}between {low} and {high}"

    def list(self, nodes: Iterable[Expression]) -> str:
        """The texts of *nodes* with commas between them."""
        return ", ".join(map(self.write, nodes))


def level(node: Expression) -> int:
    """How tightly the operator of *node* binds; what has no operator binds tightest."""
    match node:
        case Binary(operator):
            return _LEVELS.get(operator, _COMPARISON)
        case Unary(operator):
            return _SIGN if operator == "-" else _NOT
        case IsNull() | In() | Between():
            return _COMPARISON
        case _:
            return ELEMENT


def _variable(name: str) -> str:
    return f":{name if _BARE_NAME.fullmatch(name) else write_name(name, quoted=True)}"
