"""What holds for every text: a function each, which raises Broken, a ScriptError, or what must not be.

A new part of the front end is put under test by adding its function to :data:`LAWS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import TypeVar

from mlsql.check.checker import Checker, scope_without_spark
from mlsql.config.settings import Settings
from mlsql.dialect import DIALECTS
from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar import parse, print_script
from mlsql.grammar.conditions import (
    Condition,
    compile_assertion,
    compile_condition,
    parse_condition,
    print_condition,
    variables,
)
from mlsql.grammar.formatter import format_script
from mlsql.grammar.macros import call_bindings, expand, expansion
from mlsql.grammar.nodes import Statement, Word
from mlsql.grammar.scanner import query_comments
from mlsql.policy.policy import Policy
from mlsql.spans import Script, Span
from mlsql.templates import references
from mlsql.variables import Scope, render

_MOST_TOLD = 100
_CHECKER = Checker.from_settings(Settings())
_NOW = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - the zone of a session, whichever


class Broken(Exception):
    """A law does not hold for a text."""


Law = Callable[[str], object]
T = TypeVar("T")


def scripts(text: str) -> None:
    """What parses means the same when it is printed or formatted; doing so again changes nothing."""
    script = Script("fuzz.mlsql", text)
    statements = parse(script)
    _inside((statement.span for statement in statements), text)
    printed = print_script(statements)
    again = _read_again(_statements, printed)
    _equal(again, statements, "printed, it means something else", printed)
    _equal(print_script(again), printed, "printed twice, it is another text", printed)
    formatted = format_script(script)
    _equal(_read_again(_statements, formatted), statements, "formatted, it means something else", formatted)
    _equal(format_script(Script("again", formatted)), formatted, "formatted twice, it changes", formatted)


def checks(text: str) -> None:
    """A script can be checked in either dialect, and what is found has a text."""
    for dialect in DIALECTS.values():
        script, scope = Script("fuzz.mlsql", text), scope_without_spark({}, dialect)
        for found in _CHECKER.check(script, scope, Policy())[:_MOST_TOLD]:
            str(found.error)


def conditions(text: str) -> None:
    """A condition prints as text that parses as the same, and compiles or says why not."""
    condition = _condition(text)
    printed = print_condition(condition)
    again = _read_again(_condition, printed)
    _equal(again, condition, "printed, it means something else", printed)
    _equal(print_condition(again), printed, "printed twice, it is another text", printed)
    names = [each.name for each in variables(condition)]
    values = ("1", "x", "true", "[1, 2]", '{"k": 1}', "")
    for shift in range(2):
        with suppress(ScriptError):
            compile_condition(
                condition, {name: values[(at + shift) % len(values)] for at, name in enumerate(names)}
            )
    compile_assertion(condition, names)


def macros(text: str) -> None:
    """A template takes any arguments, and what it becomes parses or says why not, in both places."""
    arguments = text.split(maxsplit=6)
    with suppress(ScriptError):
        call_bindings(["_", *arguments])
    expanded = expand(text, arguments[:3])
    if expanded != text:
        parse(expansion(expanded[: len(text)], "m", Script("fuzz.mlsql", text).span(0, len(text))))


def templates(text: str) -> None:
    """A text has its variables filled in, and each of its characters has a place in the script."""
    span = Script("fuzz.mlsql", text).span(0, len(text))
    scope = Scope(now=_NOW)
    for name in ("x", "n", "a", "b", "x.y", "day"):
        scope.define(name, "v")
    scope.define("a", f"{text[:500]}${{b}}", span=span)
    for name, _, _ in islice(references(text), 50):
        if name not in scope:
            scope.define(name, text[:50].replace("${", ""))
    rendered = render(text, span, scope, in_select=True, kept=query_comments(text))
    middle = len(rendered.text) // 2
    _inside((rendered.source_span(0, middle), rendered.source_span(middle, len(rendered.text))), text)


LAWS: Mapping[str, Law] = {
    "scripts": scripts,
    "checks": checks,
    "conditions": conditions,
    "macros": macros,
    "templates": templates,
}


def hold(law: Law, text: str) -> bool:
    """Whether *text* is right by *law*; that it is wrong has to be told in words, with places."""
    try:
        law(text)
    except ScriptError as error:
        _read(error)
        return False
    return True


def _read(error: ScriptError) -> None:
    """What a terminal would show."""
    errors = error.errors if isinstance(error, ScriptErrors) else (error,)
    _inside((each.span for each in errors), None)
    if not str(error).strip():
        raise Broken(f"an error without words: {error!r}")


def _equal(found: object, expected: object, otherwise: str, text: str) -> None:
    if found != expected:
        raise Broken(f"{otherwise}:\n{text}")


def _inside(spans: Iterable[Span | None], text: str | None) -> None:
    for span in spans:
        if span is not None and not 0 <= span.start <= span.end <= len(span.script.text):
            raise Broken(f"a place outside the text: {span!r}")
        if span is not None and text is not None and span.script.text != text:
            raise Broken(f"a place in another text: {span!r}")


def _statements(text: str) -> tuple[Statement, ...]:
    return parse(Script("again", text))


def _condition(text: str) -> Condition:
    return parse_condition(Word(text, Script("again", text).span(0, len(text))))


def _read_again(read: Callable[[str], T], text: str) -> T:
    """What was printed, read; that has to be possible."""
    try:
        return read(text)
    except ScriptError as error:
        raise Broken(f"what was printed does not parse: {error}\n{text}") from error
