"""Conditions with the variables of a run filled in, each as the number, truth or text that is meant.

The value of a variable is a text. What it stands beside decides: compared or calculated with a
number it is one, where a truth is wanted it is that, otherwise it stays a text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from mlsql.errors import ScriptError, UndefinedVariable
from mlsql.grammar.condition_nodes import (
    ARITHMETIC,
    COMPARISONS,
    LOGIC,
    Between,
    Binary,
    Binding,
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
    children,
    rebuilt,
)
from mlsql.grammar.errors import shortened
from mlsql.spans import Span

Kind = Literal["number", "truth", "text", "unknown"]
"""What is known of an expression's value before Spark sees it."""

_KINDS: Mapping[type[Expression], Kind] = {
    Number: "number",
    Text: "text",
    **dict.fromkeys((Constant, Unary, Binary, IsNull, In, Between), "truth"),
}
_NUMERIC = re.compile(r"byte|tinyint|short|smallint|int|integer|long|bigint|float|real|double|dec|numeric")
_TEXTUAL = re.compile(r"string|char|varchar")
_NUMBER = re.compile(r"([+-]?)((?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\.?")
_SPECIAL = re.compile(r"nan|[+-]?inf(?:inity)?", re.IGNORECASE)
_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def filled(
    condition: Condition, values: Mapping[str, str], columns: Mapping[str, Kind] = MappingProxyType({})
) -> Condition:
    """*condition* with a literal for each variable of *values*.

    What it selects itself stays a name, and so does what is called like one of *columns*. A text
    that is selected is known like a variable, so it is read as a number beside one too.
    """
    filling = _Filling(values, columns)
    bindings = tuple(map(filling.bind, condition.bindings))
    return replace(condition, bindings=bindings, test=filling.fill(condition.test, "truth"))


class _Filling:
    """The names that are known so far: variables and selected texts by their text, others by their kind."""

    def __init__(self, values: Mapping[str, str], columns: Mapping[str, Kind]) -> None:
        self._values = values
        self._texts: dict[str, str] = {}
        self._kinds: dict[str, Kind] = dict(columns)

    def bind(self, binding: Binding) -> Binding:
        """*binding* filled in, its name known from now on."""
        expression = self.fill(binding.expression, "unknown")
        if isinstance(expression, Text):
            self._texts[binding.name] = expression.text
        else:
            self._kinds[binding.name] = self._kind(expression)
        return replace(binding, expression=expression)

    def fill(self, node: Expression, wanted: Kind) -> Expression:
        """*node* with its variables filled in; *wanted* is what is expected where it stands."""
        if isinstance(node, Variable):
            text = self._text(node)
            return node if text is None else _literal(text, f"variable '{node.name}'", wanted, node.span)
        if isinstance(node, Element) and self._is_text(node):
            return self._element(node, wanted)
        wanted = self._wanted(node)
        return rebuilt(node, lambda child: self.fill(child, wanted))

    def _text(self, variable: Variable) -> str | None:
        """The text that *variable* stands for; None for what Spark has yet to compute."""
        name = variable.name
        if name in self._kinds:
            return None
        if name in self._texts:
            return self._texts[name]
        if name in self._values:
            return self._values[name]
        known = {**self._values, **self._texts, **self._kinds}
        raise UndefinedVariable(name, known, span=variable.span)

    def _wanted(self, node: Expression) -> Kind:
        """What *node* wants its operands to be; one known number among those compared makes all numbers."""
        match node:
            case Unary(operator) | Binary(operator) if operator in LOGIC:
                return "truth"
            case Unary(operator) | Binary(operator) if operator in ARITHMETIC:
                return "number"
            case Binary(operator) if operator not in COMPARISONS:
                return "text"
            case Binary() | In() | Between():
                kinds = [self._kind(child) for child in children(node)]
                return next((kind for kind in ("number", "truth") if kind in kinds), "unknown")
            case _:
                return "unknown"

    def _kind(self, node: Expression) -> Kind:
        match node:
            case Variable(name):
                return self._kinds.get(name, "text")
            case Constant(None):
                return "unknown"
            case Cast(_, type_text):
                return _kind_of_type(type_text)
            case Unary(operator) | Binary(operator) if operator in ARITHMETIC:
                kinds = {self._kind(child) for child in children(node)}
                return "unknown" if "unknown" in kinds else "number"
            case _:
                return _KINDS.get(type(node), "unknown")

    def _is_text(self, node: Expression) -> bool:
        while isinstance(node, Element):
            node = node.base
        return isinstance(node, Variable) and self._text(node) is not None

    def _element(self, node: Element, wanted: Kind) -> Expression:
        value = self._inside(node)
        if value is None:
            return Constant(None, node.span)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return _literal(text, f"element `{node.span.text}`", wanted, node.span)

    def _inside(self, node: Expression) -> Any:
        """What stands at ``:name`` or ``:name[index]…`` in the JSON of a variable."""
        if isinstance(node, Variable):
            return self._json(node)
        assert isinstance(node, Element)
        holder, index = self._inside(node.base), node.index
        try:
            if isinstance(holder, list) and isinstance(index, Number):
                return holder[int(index.text)]
            if isinstance(holder, dict) and isinstance(index, Text):
                return holder[index.text]
        except (IndexError, KeyError, ValueError) as error:
            raise ScriptError(f"nothing stands at `{node.span.text}`", span=node.span) from error
        hint = 'an array has [0], [1] …, an object ["key"]'
        raise ScriptError(f"nothing stands at `{node.span.text}`", span=node.span, hint=hint)

    def _json(self, variable: Variable) -> Any:
        try:
            value = json.loads(self._text(variable) or "")
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list | dict):
            return value
        message = f"the variable '{variable.name}' holds no JSON array or object"
        raise ScriptError(message, span=variable.span, hint="only such a one has elements")


def _literal(text: str, what: str, wanted: Kind, span: Span) -> Expression:
    """*text*, the value of *what*, as a literal of the kind that is wanted."""
    if wanted == "number":
        return _number(text, what, span)
    if wanted == "truth":
        return _truth(text, what, span)
    return Text(text, span)


def _number(text: str, what: str, span: Span) -> Expression:
    stripped = text.strip()
    number = _NUMBER.fullmatch(stripped)
    if number is not None and math.isfinite(float(number[2])):
        literal = Number(number[2], span)
        return Unary("-", literal, span) if number[1] == "-" else literal
    if number is not None or _SPECIAL.fullmatch(stripped):
        return Cast(Text(stripped, span), "double", span)
    hint = "it stands beside a number here; beside a text in quotes it is compared as text"
    raise ScriptError(f"the {what} holds '{shortened(text)}', which is no number", span=span, hint=hint)


def _truth(text: str, what: str, span: Span) -> Constant:
    truth = _TRUTHS.get(text.strip().lower())
    if truth is None:
        message = f"the {what} holds '{shortened(text)}', which is neither true nor false"
        raise ScriptError(message, span=span, hint="compare it with something: == '…'")
    return Constant(truth, span)


def _kind_of_type(type_text: str) -> Kind:
    name = type_text.partition("(")[0]
    if name == "decimal" or _NUMERIC.fullmatch(name):
        return "number"
    if _TEXTUAL.fullmatch(name):
        return "text"
    return "truth" if name == "boolean" else "unknown"
