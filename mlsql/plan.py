"""A statement becomes a step: its variables filled in, its options still text with their spans.

Planning is pure and happens per statement, at its turn: what ``set`` holds may be the result
of a query, so no plan of a whole script can be made ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch

from mlsql.grammar.nodes import (
    Branch,
    Command,
    Connect,
    For,
    If,
    Include,
    Literal,
    Load,
    Option,
    Register,
    Save,
    SaveMode,
    Select,
    Set,
    Sql,
    Statement,
    Train,
    TrainVerb,
    Unregister,
    Word,
)
from mlsql.grammar.scanner import query_comments
from mlsql.options import Options, OptionText
from mlsql.spans import Span
from mlsql.templates import Rendered
from mlsql.variables import Scope, render


@dataclass(frozen=True, slots=True)
class LoadStep:
    """Read *path* with the source *format* into *table*."""

    format: Word
    path: Word
    options: Options
    table: Word
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SelectStep:
    """Name the rows of *query*; without *table* they are only the result."""

    query: Rendered
    table: Word | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SaveStep:
    """Write *table* to *path* with the source *format*."""

    mode: SaveMode
    table: Word
    format: Word
    path: Word
    options: Options
    partition_by: tuple[Word, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SetStep:
    """Define the variable *name*; *value* is as written: text variables are rendered at use."""

    name: Word
    value: Word
    options: Options
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ConnectStep:
    """Let *alias* stand for the source *format* as the options reach it."""

    format: Word
    options: Options
    alias: Word | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TrainStep:
    """Give *table* to *algorithm* at *path*; what it returns is named *output*."""

    verb: TrainVerb
    table: Word
    algorithm: Word
    path: Word
    options: Options
    output: Word | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RegisterStep:
    """Make the model of *algorithm* at *path* callable in SQL as *function*."""

    algorithm: Word
    path: Word
    function: Word
    options: Options
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnregisterStep:
    """Forget *function*."""

    function: Word
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SqlStep:
    """Hand *query* to Spark at once; what it shows, if anything, is the result."""

    query: Rendered
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IncludeStep:
    """Run the statements of the script at *path* here."""

    format: Word
    path: Word
    options: Options
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CommandStep:
    """Do what *name* stands for with *arguments*."""

    name: Word
    arguments: tuple[Word, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IfStep:
    """Run the first branch whose condition holds; conditions are filled in at their turn."""

    branches: tuple[Branch, ...]
    otherwise: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForStep:
    """Run *statements* for each row of *query*."""

    variable: Word
    query: Literal
    limit: Literal | None
    statements: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


Step = (
    LoadStep
    | SelectStep
    | SaveStep
    | SetStep
    | ConnectStep
    | TrainStep
    | RegisterStep
    | UnregisterStep
    | SqlStep
    | IncludeStep
    | CommandStep
    | IfStep
    | ForStep
)


def resolve(statement: Statement, scope: Scope) -> Step:
    """The step of *statement*, with the variables of *scope* as they are now."""
    return _step(statement, scope)


def render_query(query: Word | Literal, scope: Scope) -> Rendered:
    """The text of a query with its variables filled in, but not in its comments."""
    kept = query_comments(query.text) if "$" in query.text else ()  # looking for comments costs more
    return render(query.text, query.span, scope, in_select=True, kept=kept)


@singledispatch
def _step(statement: Statement, scope: Scope) -> Step:  # noqa: ARG001
    raise TypeError(f"no step is made of {type(statement)}")


@_step.register
def _(node: Load, scope: Scope) -> LoadStep:
    options = _options(node.options, scope)
    return LoadStep(
        _fill(node.format, scope), _fill(node.path, scope), options, _fill(node.table, scope), node.span
    )


@_step.register
def _(node: Select, scope: Scope) -> SelectStep:
    return SelectStep(render_query(node.query, scope), _fill_optional(node.table, scope), node.span)


@_step.register
def _(node: Save, scope: Scope) -> SaveStep:
    return SaveStep(
        mode=node.mode,
        table=_fill(node.table, scope),
        format=_fill(node.format, scope),
        path=_fill(node.path, scope),
        options=_options(node.options, scope),
        partition_by=tuple(_fill(column, scope) for column in node.partition_by),
        span=node.span,
    )


@_step.register
def _(node: Set, scope: Scope) -> SetStep:
    value = Word(node.value.text, node.value.span, node.value.quote)
    return SetStep(node.name, value, _options(node.options, scope), node.span)


@_step.register
def _(node: Connect, scope: Scope) -> ConnectStep:
    options = _options(node.options, scope)
    return ConnectStep(_fill(node.format, scope), options, _fill_optional(node.alias, scope), node.span)


@_step.register
def _(node: Train, scope: Scope) -> TrainStep:
    return TrainStep(
        verb=node.verb,
        table=_fill(node.table, scope),
        algorithm=_fill(node.algorithm, scope),
        path=_fill(node.path, scope),
        options=_options(node.options, scope),
        output=_fill_optional(node.output, scope),
        span=node.span,
    )


@_step.register
def _(node: Register, scope: Scope) -> RegisterStep:
    return RegisterStep(
        algorithm=_fill(node.algorithm, scope),
        path=_fill(node.path, scope),
        function=_fill(node.function, scope),
        options=_options(node.options, scope),
        span=node.span,
    )


@_step.register
def _(node: Unregister, scope: Scope) -> UnregisterStep:
    return UnregisterStep(_fill(node.function, scope), node.span)


@_step.register
def _(node: Sql, scope: Scope) -> SqlStep:
    return SqlStep(render_query(node.query, scope), node.span)


@_step.register
def _(node: Include, scope: Scope) -> IncludeStep:
    options = _options(node.options, scope)
    return IncludeStep(_fill(node.format, scope), _fill(node.path, scope), options, node.span)


@_step.register
def _(node: Command, scope: Scope) -> CommandStep:
    arguments = tuple(Word(_filled(each, scope), each.span, each.quote) for each in node.arguments)
    return CommandStep(node.name, arguments, node.span)


@_step.register
def _(node: If, scope: Scope) -> IfStep:  # noqa: ARG001 - what a block holds is filled in at its turn
    return IfStep(node.branches, node.otherwise, node.span)


@_step.register
def _(node: For, scope: Scope) -> ForStep:  # noqa: ARG001 - what a block holds is filled in at its turn
    return ForStep(node.variable, node.query, node.limit, node.statements, node.span)


def _options(options: Sequence[Option], scope: Scope) -> Options:
    return {
        option.key.text: OptionText(_filled(option.value, scope), option.value.span, option.key.span)
        for option in options
    }


def _fill(word: Word, scope: Scope) -> Word:
    return Word(_filled(word, scope), word.span, word.quote)


def _filled(written: Word | Literal, scope: Scope) -> str:
    """The text with its variables filled in; most texts have none, and need no map back to the source."""
    return render(written.text, written.span, scope).text if "$" in written.text else written.text


def _fill_optional(word: Word | None, scope: Scope) -> Word | None:
    return None if word is None else _fill(word, scope)
