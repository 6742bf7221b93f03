"""Conditions of branches and assertions: text into a tree, and the doors to what is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, cast

from lark import Lark, Tree, UnexpectedInput, UnexpectedToken
from lark import Token as Leaf

from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar.condition_mistakes import ConditionMistake, end_of
from mlsql.grammar.condition_nodes import (
    Between,
    Binary,
    BinaryOperator,
    Binding,
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
    variables,
)
from mlsql.grammar.condition_printer import print_condition
from mlsql.grammar.condition_sql import (
    CompiledCondition,
    compile_assertion,
    compile_condition,
    spark_expression,
)
from mlsql.grammar.literals import read_literal
from mlsql.grammar.mistaken_conditions import diagnose
from mlsql.grammar.nodes import Literal, Word
from mlsql.spans import Span

__all__ = [
    "CompiledCondition",
    "Condition",
    "compile_assertion",
    "compile_condition",
    "parse_condition",
    "print_condition",
    "spark_expression",
    "variables",
]

_DEEPEST = 100
_OPERATORS = {"=": "==", "<>": "!=", "&&": "and", "||": "or", "!": "not"}
_CONSTANTS = {"true": True, "false": False, "null": None}
_TYPES = frozenset(
    {"boolean", "byte", "tinyint", "short", "smallint", "int", "integer", "long", "bigint", "float", "real"}
    | {"double", "decimal", "dec", "numeric", "string", "char", "character", "varchar", "binary"}
    | {"date", "timestamp", "timestamp_ntz", "timestamp_ltz", "array", "map", "variant"}
)


class Located(Protocol):
    """A text that knows where in a script its characters stand, as a rendered template does."""

    @property
    def text(self) -> str:
        """The condition."""

    def source_span(self, start: int, end: int) -> Span:
        """Where the stretch from *start* to *end* of the text comes from."""


def parse_condition(written: Word | Literal | Located) -> Condition:
    """The tree of a condition; a ScriptError says what is wrong with it, where, and the way out.

    A condition in a block string is its literal; one that stands bare is a word of its whole text.
    """
    located = _Written(written) if isinstance(written, Word | Literal) else written
    return _Builder(located).condition(_tree(located))


@dataclass(frozen=True, slots=True)
class _Written:
    """The text of a literal; only escapes make it impossible to place each character."""

    literal: Word | Literal

    @property
    def text(self) -> str:
        return self.literal.text

    def source_span(self, start: int, end: int) -> Span:
        span, shift = self.literal.span, len(self.literal.quote)
        if span.text[shift : len(span.text) - shift] != self.text:
            return span
        return span.script.span(span.start + shift + start, span.start + shift + end)


def _tree(located: Located) -> Tree[Leaf]:
    text = located.text
    machine = _grammar().parse_interactive(text)
    tokens: list[Leaf] = []
    try:
        for token in machine.iter_parse():
            tokens.append(token)  # noqa: PERF402 - those before an error are wanted
        tree = cast("Tree[Leaf]", machine.feed_eof(*tokens[-1:]))  # type: ignore[no-untyped-call]
    except UnexpectedInput as error:
        choices: Iterable[str] = machine.choices()  # type: ignore[no-untyped-call]
        expected = frozenset(choice for choice in choices if choice.isupper())
        raise _error(located, tokens, _position(error, text), expected) from None
    if _is_deeper(tree, _DEEPEST):
        span = located.source_span(0, len(text))
        hint = "select parts of it as variables first, or use in (…)"
        raise ScriptError(f"the condition is nested more than {_DEEPEST} deep", span=span, hint=hint)
    return tree


def _error(located: Located, tokens: Iterable[Leaf], position: int, expected: frozenset[str]) -> ScriptError:
    """What is wrong at *position*; the last of *tokens* may be the one that does not fit."""
    before = [token for token in tokens if end_of(token) <= position]
    found = diagnose(ConditionMistake(located.text, before, position, expected))
    span = located.source_span(found.start, found.end)
    return ScriptError(found.message, span=span, hint=found.hint)


def _position(error: UnexpectedInput, text: str) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return cast(int, error.pos_in_stream)


def _is_deeper(tree: Tree[Leaf], most: int) -> bool:
    level = [tree]
    for _ in range(most):
        level = [child for each in level for child in each.children if isinstance(child, Tree)]
    return bool(level)


class _Builder:
    """One method a rule of conditions.lark, called with its span and what its parts have become."""

    def __init__(self, located: Located) -> None:
        self._located = located

    def condition(self, tree: Tree[Leaf]) -> Condition:
        *bindings, test = map(self._build, tree.children)
        first: set[str] = set()
        for binding in bindings:
            if binding.name.casefold() in first:
                hint = "each name is selected once"
                raise ScriptError(f"`:{binding.name}` is selected twice", span=binding.span, hint=hint)
            first.add(binding.name.casefold())
        return Condition(tuple(bindings), test, self._located.source_span(0, len(self._located.text)))

    def _build(self, part: Tree[Leaf] | Leaf | None) -> Any:
        if not isinstance(part, Tree):
            return part
        span = self._located.source_span(part.meta.start_pos, part.meta.end_pos)
        return getattr(self, part.data)(span, *map(self._build, part.children))

    def binding(self, span: Span, expression: Expression, name: Leaf) -> Binding:
        return Binding(_name(name), expression, span)

    def binary(self, span: Span, left: Expression, operator: Leaf, right: Expression) -> Binary:
        return Binary(cast(BinaryOperator, _operator(operator)), left, right, span)

    def unary(self, span: Span, operator: Leaf, operand: Expression) -> Unary:
        return Unary("-" if operator == "-" else "not", operand, span)

    def is_null(self, span: Span, operand: Expression, negation: Leaf | None, _: Leaf) -> IsNull:
        return IsNull(operand, negation is not None, span)

    def in_list(self, span: Span, operand: Expression, negation: Leaf | None, *choices: Expression) -> In:
        return In(operand, choices, negation is not None, span)

    def like(self, span: Span, left: Expression, negation: Leaf | None, right: Expression) -> Binary:
        return Binary("like" if negation is None else "not like", left, right, span)

    def between(
        self,
        span: Span,
        operand: Expression,
        negation: Leaf | None,
        low: Expression,
        _: Leaf,
        high: Expression,
    ) -> Between:
        return Between(operand, low, high, negation is not None, span)

    def element(self, span: Span, base: Expression, index: Expression) -> Element:
        return Element(base, index, span)

    def number(self, span: Span, written: Leaf) -> Number:
        return Number(str(written), span)

    def text(self, span: Span, written: Leaf) -> Text:
        return Text(read_literal(written), span)

    def constant(self, span: Span, word: Leaf) -> Constant:
        return Constant(_CONSTANTS[word.lower()], span)

    def variable(self, span: Span, written: Leaf) -> Variable:
        return Variable(_name(written), span)

    def call(self, span: Span, function: Leaf, *arguments: Expression | None) -> Call:
        return Call(str(function), tuple(each for each in arguments if each is not None), span)

    def cast(self, span: Span, operand: Expression, type_text: str) -> Cast:
        return Cast(operand, type_text, span)

    def plain_type(self, span: Span, name: Leaf) -> str:
        if name.lower() not in _TYPES:
            raise UnknownName("type", str(name), _TYPES, span=span)
        return name.lower()

    def sized_type(self, span: Span, name: Leaf, *sizes: Leaf) -> str:
        return f"{self.plain_type(span, name)}({','.join(sizes)})"

    def nested_type(self, span: Span, name: Leaf, *inner: str) -> str:
        return f"{self.plain_type(span, name)}<{','.join(inner)}>"


def _name(written: Leaf) -> str:
    return read_literal(written[1:])


def _operator(written: Leaf) -> str:
    return _OPERATORS.get(written, written.lower())


@cache
def _grammar() -> Lark:
    source = files("mlsql.grammar").joinpath("conditions.lark").read_text(encoding="utf-8")
    return Lark(source, start="condition", parser="lalr", propagate_positions=True, maybe_placeholders=True)
