"""Nodes into canonical text: ``parse(print(x)) == x``, and printing again changes nothing.

Keywords are lower-case, options beyond two stand one on a line, a query is kept as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch

from mlsql.grammar.literals import is_bare_name, write_literal, write_name
from mlsql.grammar.nodes import (
    Command,
    Connect,
    Include,
    Literal,
    Load,
    Option,
    Register,
    Save,
    Select,
    Set,
    Sql,
    Statement,
    Train,
    Unregister,
    Word,
)
from mlsql.grammar.scanner import VARIABLE

_ONE_LINE = 2
_SAVE_MODES = ("overwrite", "append", "errorifexists", "ignore")
_BARE_PATH = re.compile(rf"(?:\w|{VARIABLE})+(?:\.(?:\w|{VARIABLE})+)*")
_RAW_ARGUMENT = re.compile(rf"(?!--|/\*)(?:{VARIABLE}|[^\s;\"'`])+")


def print_script(statements: Iterable[Statement]) -> str:
    """The text of a whole script, a statement (at least) a line."""
    return "".join(f"{print_statement(statement)}\n" for statement in statements)


@singledispatch
def print_statement(statement: Statement) -> str:
    """The text of one statement, with its ``;``."""
    raise TypeError(statement)


@print_statement.register
def _(node: Load) -> str:
    return f"load {_place(node.format, node.path)}{_options(node.options, f' as {_name(node.table)}')};"


@print_statement.register
def _(node: Select) -> str:
    return f"{node.query.text}{_output(node.table)};"


@print_statement.register
def _(node: Save) -> str:
    mode = "" if node.mode == "errorIfExists" else f"{node.mode} "
    columns = ", ".join(map(_name, node.partition_by))
    options = _options(node.options, f" partitionBy {columns}" if columns else "")
    table = _name(node.table, taken=_SAVE_MODES)
    return f"save {mode}{table} as {_place(node.format, node.path)}{options};"


@print_statement.register
def _(node: Set) -> str:
    return f"set {_key(node.name)}={_value(node.value)}{_options(node.options)};"


@print_statement.register
def _(node: Connect) -> str:
    return f"connect {_name(node.format)}{_options(node.options, _output(node.alias))};"


@print_statement.register
def _(node: Train) -> str:
    head = f"{node.verb} {_name(node.table)} as {_place(node.algorithm, node.path)}"
    return f"{head}{_options(node.options, _output(node.output))};"


@print_statement.register
def _(node: Register) -> str:
    head = f"register {_place(node.algorithm, node.path)} as {_name(node.function)}"
    return f"{head}{_options(node.options)};"


@print_statement.register
def _(node: Unregister) -> str:
    return f"unregister {_name(node.function)};"


@print_statement.register
def _(node: Include) -> str:
    return f"include {_place(node.format, node.path)}{_options(node.options)};"


@print_statement.register
def _(node: Sql) -> str:
    return f"{node.query.text};"


@print_statement.register
def _(node: Command) -> str:
    return f"!{' '.join([node.name.text, *map(_argument, node.arguments)])};"


def _options(options: Sequence[Option], tail: str = "") -> str:
    written = [f"{_key(option.key)}={_value(option.value)}" for option in options]
    if len(written) <= _ONE_LINE:
        return (" where " if written else "") + " and ".join(written) + tail
    return " where " + "\n  and ".join(written) + (f"\n {tail}" if tail else "")


def _output(name: Word | None) -> str:
    return f" as {_name(name)}" if name else ""


def _place(name: Word, path: Word) -> str:
    if path.quote or not _BARE_PATH.fullmatch(path.text):
        return f"{_name(name)}.{write_name(path.text, quoted=True)}"
    return f"{_name(name)}.{path.text}"


def _key(key: Word) -> str:
    first, *_ = key.text.split(".")
    bare = not key.quote and is_bare_name(first) and _BARE_PATH.fullmatch(key.text)
    return key.text if bare and first.lower() != "and" else write_name(key.text, quoted=True)


def _name(name: Word, *, taken: Sequence[str] = ()) -> str:
    return write_name(name.text, quoted=bool(name.quote) or name.text.lower() in taken)


def _value(value: Literal) -> str:
    return write_literal(value.text, value.quote)


def _argument(value: Literal) -> str:
    if value.quote or not _RAW_ARGUMENT.fullmatch(value.text):
        return write_literal(value.text, value.quote or '"')
    return value.text
