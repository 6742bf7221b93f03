"""A statement with options, token by token through the LALR machine of mlsql.lark.

The machine knows which roles may come next; a token takes the first of them that its shape
allows. A keyword goes before a name where both could stand. After a mistake the machine is
helped over it, so that the rest of the statement is searched for more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lark import Lark, Tree, UnexpectedToken
from lark import Token as Leaf

from mlsql.errors import ScriptError
from mlsql.grammar.diagnosis import diagnose
from mlsql.grammar.errors import Finding
from mlsql.grammar.mistakes import OPENS_OPTION, Mistake
from mlsql.grammar.scanner import KEYWORDS, Kind, Token, is_statement, scan, starts_line
from mlsql.spans import Script

_VALUES = ("VALUE", "SET_VALUE")
_NAMES = ("FORMAT", "TABLE", "KEY", "ALIAS", "FUNCTION", "COLUMN")
_ROLES: Mapping[Kind, tuple[str, ...]] = {
    "word": (*_NAMES, "PATH_NAME", *_VALUES),
    "backquoted": (*_NAMES, "PATH", "SET_VALUE"),
    "number": _VALUES,
    "string": _VALUES,
    "block": _VALUES,
    "stop": ("$END",),
}
_SYMBOLS: Mapping[str, str] = {".": "DOT", "=": "EQUAL", ",": "COMMA"}
_MOST_MISTAKES = 20
"""How many mistakes of one statement are told; each makes the parser read the statement again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What reading one statement gave.

    ``tree`` is there when the statement is complete, if only with the help that ``errors`` tell
    of; ``position`` is where reading stopped. A mistake may have told ``next_statement``.
    """

    tree: Tree[Leaf] | None
    tokens: Sequence[Token]
    errors: tuple[ScriptError, ...]
    position: int
    next_statement: int | None = None


def attempt(script: Script, start: int) -> Attempt:
    """Read the statement with options that begins at *start*."""
    return _Reader(script, start).read()


class _Reader:
    """Feeds the machine and helps it over mistakes."""

    def __init__(self, script: Script, start: int) -> None:
        self._script = script
        self._tokens = _Tokens(script.text, start)
        self._machine = _Machine()
        self._errors: list[ScriptError] = []

    def read(self) -> Attempt:
        """Take token after token, until the statement ends or nothing helps."""
        mended = -1
        while self._machine.tree is None:
            if self._machine.take(self._tokens.current):
                self._tokens.advance()
                continue
            if self._tokens.current.start == mended or len(self._errors) == _MOST_MISTAKES:
                break
            mended = self._tokens.current.start
            finding = self._diagnose()
            if finding.next_statement is not None or not self._mend(finding):
                return self._attempt(finding.next_statement)
        return self._attempt()

    def _attempt(self, next_statement: int | None = None) -> Attempt:
        tree, taken = self._machine.tree, self._machine.taken
        position = taken[-1].end if tree else self._tokens.current.start
        return Attempt(tree, taken[:-1], tuple(self._errors), position, next_statement)

    def _diagnose(self) -> Finding:
        self._give_back()
        machine, tokens = self._machine, self._tokens
        finding = diagnose(
            Mistake(
                self._script, machine.taken, machine.roles, tokens.current, tokens.after, machine.expected
            )
        )
        self._errors.append(finding.error)
        return finding

    def _give_back(self) -> None:
        """Take back a last token that was rather meant to begin the next statement."""
        text, last, roles = self._script.text, self._machine.taken[-1], self._machine.roles
        if len(roles) == 1 or not is_statement(text, last.start):
            return
        if starts_line(text, last.start) or (roles[-1] == "KEY" and roles[-2] not in OPENS_OPTION):
            self._machine.give_back()
            self._tokens.seek(last.start)

    def _mend(self, finding: Finding) -> bool:
        """Do what the finding says to read on; False when that cannot be."""
        if not finding.insert and finding.resume is None:
            return False
        if finding.resume is not None:
            self._tokens.seek(finding.resume)
        return all(self._machine.take(token) for token in finding.insert)


class _Machine:
    """The parser's state over the tokens taken; a token that it refuses leaves it as it was."""

    def __init__(self) -> None:
        self.taken: list[Token] = []
        self.roles: list[str] = []
        self.tree: Tree[Leaf] | None = None
        self._state = _grammar().parse_interactive()

    @property
    def expected(self) -> frozenset[str]:
        """The roles that may come next."""
        return frozenset(self._state.accepts())  # type: ignore[no-untyped-call]

    def take(self, token: Token) -> bool:
        """Whether *token* fits here, in whatever role."""
        for role in self._possible_roles(token):
            try:
                self.tree = self._state.feed_token(_leaf(role, token))
            except UnexpectedToken:
                self._replay()
                continue
            self.taken.append(token)
            self.roles.append(role)
            return True
        return False

    def give_back(self) -> None:
        """Forget the last token."""
        self.taken.pop()
        self.roles.pop()
        self._replay()

    def _possible_roles(self, token: Token) -> Iterator[str]:
        choices = self._state.choices()  # type: ignore[no-untyped-call]
        word = token.text.lower()
        if token.kind == "word" and word in KEYWORDS and word.upper() in choices:
            yield word.upper()
        roles = _ROLES.get(token.kind) or (_SYMBOLS.get(token.text, ""),)
        yield from (role for role in roles if role in choices)

    def _replay(self) -> None:
        """Return to the state after the tokens taken; a refused one may have reduced some."""
        self._state = _grammar().parse_interactive()
        for role, token in zip(self.roles, self.taken, strict=True):
            self._state.feed_token(_leaf(role, token))


class _Tokens:
    """The tokens of a statement, comments left out, with a look at the next."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self.seek(start)

    def seek(self, position: int) -> None:
        """Go on at *position* instead."""
        self._stream = (each for each in scan(self._text, position, "options") if each.kind != "comment")
        self.current = next(self._stream)
        self._after: Token | None = None

    def advance(self) -> None:
        """Go to the next token."""
        self.current, self._after = self.after, None

    @property
    def after(self) -> Token:
        """The token behind the current one; behind the last it is the last."""
        if self._after is None:
            self._after = next(self._stream, self.current)
        return self._after


def _leaf(role: str, token: Token) -> Leaf:
    return Leaf(role, token.text, start_pos=token.start, end_pos=token.end)


@cache
def _grammar() -> Lark:
    source = files("mlsql.grammar").joinpath("mlsql.lark").read_text(encoding="utf-8")
    return Lark(source, start="statement", parser="lalr", maybe_placeholders=True)
