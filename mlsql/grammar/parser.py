"""A script into statements, each read on its own, so that one error never disturbs the next.

Statements with options go token by token through the LALR machine of mlsql.lark; selects,
pass-through statements and commands are only cut. All errors are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar.blocks import (
    KEYWORDS,
    WITH_CONDITION,
    condition_of,
    fold,
    form_errors,
    keyword_of,
    misplaced,
)
from mlsql.grammar.builder import build_command, build_select, build_sql, build_statement, split_output
from mlsql.grammar.conditions import parse_condition
from mlsql.grammar.errors import (
    Finding,
    duplicate_options,
    missing_semicolon,
    missing_table,
    place_behind,
    swallowed,
    typographic_errors,
    unclosed,
    unknown_statement,
)
from mlsql.grammar.lalr import attempt
from mlsql.grammar.nodes import Command, For, If, Select, Sql, Statement, Unregister
from mlsql.grammar.queries import is_select, keep_open, query_errors, statement_begins
from mlsql.grammar.scanner import (
    MODES,
    RAW_WORD,
    Mode,
    Token,
    is_statement,
    next_statement,
    scan,
    starts_line,
)
from mlsql.spans import Script

_WITH_NOT = (*WITH_CONDITION, "assert")
_WITHOUT_OPTIONS = (Unregister, Select, Sql, Command, If, For)
_RAW_WORD = re.compile(RAW_WORD)
_MOST_WRONG = 100
"""After so many wrong statements the rest is not read: what is wrong with it would hardly be about it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One statement, or the errors that it has, and where the next one begins.

    A command is there in spite of its errors: it may open or close a block.
    """

    statement: Statement | None
    errors: tuple[ScriptError, ...]
    next: int


def parse(script: Script) -> tuple[Statement, ...]:
    """The statements of *script*; one ScriptErrors tells every syntax error of up to 100 wrong ones."""
    return fold(parse_flat(script))


def parse_flat(script: Script) -> tuple[Statement, ...]:
    """The statements of *script* as :func:`parse` gives them, but blocks as the commands around them."""
    readings = list(_read(script))
    statements = tuple(reading.statement for reading in readings if reading.statement)
    errors = [error for reading in readings for error in reading.errors]
    if len(errors) < _MOST_WRONG:
        errors += misplaced(statements)
    errors += [
        missing_table(reading.statement.query.span)
        for reading in readings[:-1]
        if isinstance(reading.statement, Select) and reading.statement.table is None
    ]
    if errors:
        sound = (reading.statement for reading in readings if reading.statement and not reading.errors)
        errors += islice(_condition_errors(sound), max(0, _MOST_WRONG - len(errors)))
        raise ScriptErrors(sorted(errors, key=_place))
    return statements


def _condition_errors(statements: Iterable[Statement]) -> Iterator[ScriptError]:
    """What is wrong with conditions that hold no variables; the others can only be judged filled in."""
    right = set[str]()
    for statement in statements:
        if not isinstance(statement, Command) or keyword_of(statement) not in WITH_CONDITION:
            continue
        condition = condition_of(statement)
        if not statement.arguments or "$" in condition.text or condition.text in right:
            continue
        try:
            parse_condition(condition)
            right.add(condition.text)
        except ScriptError as error:
            yield error


def first_statement(script: Script) -> Statement | None:
    """The first statement of *script*, if it has one; a block is the command that opens it."""
    return next((reading.statement for reading in _read(script)), None)


def _place(error: ScriptError) -> int:
    return error.span.start if error.span else 0


def _read(script: Script) -> Iterator[Reading]:
    position, wrong = 0, 0
    while wrong < _MOST_WRONG and (first := _first_token(script.text, position)) is not None:
        reading = _read_statement(script, first)
        yield reading
        position, wrong = reading.next, wrong + bool(reading.errors)


def _first_token(text: str, position: int) -> Token | None:
    """The token that the next statement begins with; a lone ``;`` is no statement."""
    while True:
        for token in scan(text, position, "options"):
            if token.kind not in ("comment", "stop"):
                return token
            position = token.end
        if position == len(text):
            return None


def _read_statement(script: Script, first: Token) -> Reading:
    if first.kind == "unclosed":
        return _over(unclosed(script, first))
    mode = MODES.get(first.text.lower()) if first.kind in ("word", "symbol") else None
    if mode == "options":
        return _read_options(script, first)
    if mode is not None:
        return _read_raw(script, first, mode)
    return Reading(None, (unknown_statement(script, first),), _skip(script.text, first.end))


def _read_raw(script: Script, first: Token, mode: Mode) -> Reading:
    """A statement that is cut, not parsed: a query, a pass-through statement or a command."""
    begins = _command_begins if mode == "command" else statement_begins
    tokens: list[Token] = []
    opened: list[Token] = []
    for token in scan(script.text, first.end if mode == "command" else first.start, mode):
        if token.kind in ("stop", "unclosed") or begins(script, tokens, token, opened):
            break
        if token.kind != "comment":
            tokens.append(token)
            keep_open(opened, token)
    quoted = swallowed(script, tokens, token)
    command = _command(script, first, tokens) if mode == "command" else None
    if quoted or token.kind == "unclosed":
        return _over(unclosed(script, quoted or token), command)
    if mode == "command":
        errors = _command_errors(script, first, tokens, command)
    else:
        errors = query_errors(script, tokens, opened)
    if token.kind != "stop":
        errors.append(_unfinished(script, tokens, token))
    end = token.end if token.kind == "stop" else token.start
    return Reading(command or (None if errors else _query(script, tokens)), tuple(errors), end)


def _query(script: Script, tokens: Sequence[Token]) -> Select | Sql:
    return build_select(script, tokens) if is_select(tokens) else build_sql(script, tokens)


def _command(script: Script, first: Token, tokens: Sequence[Token]) -> Command | None:
    """The command, as far as it could be read; None when not even its name could."""
    named = tokens and tokens[0].start == first.end and _RAW_WORD.fullmatch(tokens[0].text)
    return build_command(script, first.start, tokens) if named else None


def _unfinished(script: Script, tokens: Sequence[Token], token: Token) -> ScriptError:
    """The next statement begins at *token*, before this one has ended."""
    if is_select(tokens) and split_output(tokens)[1] is None:
        return missing_table(script.span(tokens[0].start, tokens[-1].end), stop=";")
    return missing_semicolon(script, tokens, token).error


def _command_begins(script: Script, tokens: Sequence[Token], token: Token, _opened: Sequence[Token]) -> bool:
    """Whether a line of a command begins the next statement; in a condition ``!`` may mean not."""
    if not tokens or not is_statement(script.text, token.start) or not starts_line(script.text, token.start):
        return False
    negates = token.text.startswith("!") and tokens[0].is_word(*_WITH_NOT)
    return not negates or token.text[1:].lower() in KEYWORDS


def _command_errors(
    script: Script, first: Token, tokens: Sequence[Token], command: Command | None
) -> list[ScriptError]:
    if command is None:
        return [ScriptError("missing the name of a command after `!`", span=place_behind(script, first))]
    odd = [*typographic_errors(script, (token for token in tokens if token.kind == "word"))]
    return odd or form_errors(command)


def _read_options(script: Script, first: Token) -> Reading:
    found = attempt(script, first.start)
    if found.tree is None or found.errors:
        end = _skip(script.text, found.position) if found.next_statement is None else found.next_statement
        return Reading(None, found.errors, found.position if found.tree else end)
    statement = build_statement(script, found.tree, found.tokens)
    errors = () if isinstance(statement, _WITHOUT_OPTIONS) else duplicate_options(statement.options)
    return Reading(None if errors else statement, errors, found.position)


def _over(finding: Finding, command: Command | None = None) -> Reading:
    """The statement ends with this one error."""
    assert finding.next_statement is not None
    return Reading(command, (finding.error,), finding.next_statement)


def _skip(text: str, position: int) -> int:
    """Behind the statement that cannot be read on, or before the next that begins a line."""
    for token in scan(text, position, "options"):
        if token.kind == "stop":
            return token.end
        if token.kind == "unclosed":
            break
        if is_statement(text, token.start) and starts_line(text, token.start):
            return token.start
    following = next_statement(text, token.start)
    return len(text) if following is None else following
