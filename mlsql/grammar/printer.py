"""Nodes into canonical text: ``parse(print(x)) == x``, and printing again changes nothing.

Keywords are lower-case, options beyond two stand one on a line, what is in a block is indented,
a query is kept as written; behind one of several lines ``as`` has its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch

from mlsql.grammar.literals import is_bare_name, write_literal, write_name
from mlsql.grammar.nodes import (
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
    Select,
    Set,
    Sql,
    Statement,
    Train,
    Unregister,
    Word,
)
from mlsql.grammar.scanner import RAW_WORD, VARIABLE

_ONE_LINE = 2
_SAVE_MODES = ("overwrite", "append", "errorifexists", "ignore")
_BARE_PATH = re.compile(rf"(?:\w|{VARIABLE})+(?:\.(?:\w|{VARIABLE})+)*")
_RAW_ARGUMENT = re.compile(rf"(?!--|/\*){RAW_WORD}")


def print_script(statements: Iterable[Statement]) -> str:
    """The text of a whole script, a statement (at least) a line."""
    return "".join(f"{print_statement(statement)}\n" for statement in statements)


def print_statement(statement: Statement) -> str:
    """The text of one statement, with its ``;``."""
    return "\n".join(statement_lines(statement))


@singledispatch
def statement_lines(statement: Statement) -> list[str]:
    """The lines of one statement; what is raw, such as a query, may contain line breaks of its own."""
    raise TypeError(statement)


@statement_lines.register
def _(node: Load) -> list[str]:
    return _with_options(f"load {_place(node.format, node.path)}", node.options, f" as {_name(node.table)}")


@statement_lines.register
def _(node: Select) -> list[str]:
    query, output = node.query.text, _output(node.table)
    return [query, f"{output.lstrip()};"] if output and "\n" in query else [f"{query}{output};"]


@statement_lines.register
def _(node: Save) -> list[str]:
    mode = "" if node.mode == "errorIfExists" else f"{node.mode} "
    table = _name(node.table, taken=_SAVE_MODES)
    columns = ", ".join(map(_name, node.partition_by))
    head = f"save {mode}{table} as {_place(node.format, node.path)}"
    return _with_options(head, node.options, f" partitionBy {columns}" if columns else "")


@statement_lines.register
def _(node: Set) -> list[str]:
    return _with_options(f"set {_key(node.name)}={_value(node.value)}", node.options)


@statement_lines.register
def _(node: Connect) -> list[str]:
    return _with_options(f"connect {_name(node.format)}", node.options, _output(node.alias))


@statement_lines.register
def _(node: Train) -> list[str]:
    head = f"{node.verb} {_name(node.table)} as {_place(node.algorithm, node.path)}"
    return _with_options(head, node.options, _output(node.output))


@statement_lines.register
def _(node: Register) -> list[str]:
    head = f"register {_place(node.algorithm, node.path)} as {_name(node.function)}"
    return _with_options(head, node.options)


@statement_lines.register
def _(node: Unregister) -> list[str]:
    return [f"unregister {_name(node.function)};"]


@statement_lines.register
def _(node: Include) -> list[str]:
    return _with_options(f"include {_place(node.format, node.path)}", node.options)


@statement_lines.register
def _(node: Sql) -> list[str]:
    return [f"{node.query.text};"]


@statement_lines.register
def _(node: Command) -> list[str]:
    return [f"!{' '.join([node.name.text, *map(_argument, node.arguments)])};"]


@statement_lines.register
def _(node: If) -> list[str]:
    lines: list[str] = []
    for branch in node.branches:
        lines += [branch_line("elif" if lines else "if", branch.condition), *_body(branch.statements)]
    if node.otherwise:
        lines += ["!else;", *_body(node.otherwise)]
    return [*lines, "!fi;"]


@statement_lines.register
def _(node: For) -> list[str]:
    return [loop_line(node.variable, node.query, node.limit), *_body(node.statements), "!done;"]


def branch_line(keyword: str, condition: Literal) -> str:
    """The command that begins a branch."""
    return f"!{keyword} {_value(condition) if condition.quote else condition.text};"


def loop_line(variable: Word, query: Literal, limit: Literal | None) -> str:
    """The command that begins a loop."""
    most = f" limit {_argument(limit)}" if limit else ""
    return f"!for {_name(variable)} in {_value(query)}{most};"


def _body(statements: Iterable[Statement]) -> Iterator[str]:
    return (f"  {line}" for statement in statements for line in statement_lines(statement))


def _with_options(head: str, options: Sequence[Option], tail: str = "") -> list[str]:
    """The lines of a statement: all in one, or each option beyond the first in its own."""
    written = [f"{_key(option.key)}={_value(option.value)}" for option in options]
    if not written:
        return [f"{head}{tail};"]
    if len(written) <= _ONE_LINE:
        return [f"{head} where {' and '.join(written)}{tail};"]
    first, *others = written
    lines = [
        f"{head} where {first}",
        *(f"  and {other}" for other in others),
        *([f" {tail}"] if tail else []),
    ]
    return [*lines[:-1], f"{lines[-1]};"]


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
