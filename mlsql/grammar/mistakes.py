"""The place where a statement with options stops making sense, as the diagnoses see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.grammar.errors import Finding, place, place_behind
from mlsql.grammar.scanner import Kind, Token, is_statement
from mlsql.spans import Script

NAMES = frozenset({"TABLE", "FUNCTION", "ALIAS", "COLUMN", "KEY", "FORMAT"})
VALUES = frozenset({"VALUE", "SET_VALUE"})
PATHS = frozenset({"PATH", "PATH_NAME"})
OPENS_OPTION = frozenset({"WHERE", "OPTIONS", "AND", "DOT"})
"""The roles behind which a key is certain; elsewhere it may be a misspelt or missing keyword."""

WORDLIKE: tuple[Kind, ...] = ("word", "backquoted")
QUOTED: tuple[Kind, ...] = ("string", "block")
_NO_TOKEN = Token("stop", "", 0, 0)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where a statement stops making sense.

    ``before`` are its tokens so far and ``roles`` what they were taken for; ``token`` is the one
    that does not fit and ``after`` the next; ``expected`` are the roles that would fit.
    """

    script: Script
    before: Sequence[Token]
    roles: Sequence[str]
    token: Token
    after: Token
    expected: frozenset[str]

    @property
    def verb(self) -> str:
        """The word that the statement begins with."""
        return self.before[0].text.lower()

    @property
    def last(self) -> Token:
        """The token before the one that does not fit."""
        return self.before[-1]

    @property
    def earlier(self) -> Token:
        """The one before the last."""
        return self.before[-2] if len(self.before) > 1 else _NO_TOKEN

    @property
    def role(self) -> str:
        """What the last token was taken for."""
        return self.roles[-1]

    @property
    def earlier_role(self) -> str:
        """What the one before the last was taken for."""
        return self.roles[-2] if len(self.roles) > 1 else ""

    @property
    def touches(self) -> bool:
        """Whether no blank stands between the last token and this one."""
        return self.last.end == self.token.start and self.token.kind != "stop"

    @property
    def at_end(self) -> bool:
        """Whether the statement ends here, be it without its ``;``."""
        return self.token.kind == "stop" or is_statement(self.script.text, self.token.start)

    @property
    def key_follows(self) -> bool:
        """Whether the token looks like the key of an option."""
        return self.token.kind in WORDLIKE and (self.after.is_symbol("=") or self.after.is_symbol("."))

    def taken_for(self, *roles: str) -> list[Token]:
        """The tokens that were taken for one of *roles*."""
        return [token for token, role in zip(self.before, self.roles, strict=True) if role in roles]

    def here(self, message: str, hint: str | None = None) -> ScriptError:
        """The error *message*, said of the token that does not fit."""
        return ScriptError(message, span=place(self.script, self.token), hint=hint)

    def before_here(self, message: str, hint: str | None = None) -> ScriptError:
        """The error *message*, said of the last token."""
        return ScriptError(message, span=place(self.script, self.last), hint=hint)

    def missing(self, message: str, hint: str | None = None, *, after: Token | None = None) -> ScriptError:
        """The error *message*, said at the end of the token *after* (the last one)."""
        return ScriptError(message, span=place_behind(self.script, after or self.last), hint=hint)

    def between(self, start: int, end: int, message: str, hint: str | None) -> ScriptError:
        """The error *message*, said of the text from *start* to *end*."""
        return ScriptError(message, span=self.script.span(start, end), hint=hint)

    def inserted(self, *texts: str) -> tuple[Token, ...]:
        """Tokens of these texts, standing before the one that does not fit."""
        return tuple(Token(_kind(text), text, self.token.start, self.token.start) for text in texts)

    def end_of(self, run: re.Pattern[str], start: int) -> int:
        """Where what was meant as one piece ends, at least behind the token that does not fit."""
        match = run.match(self.script.text, start)
        return max(self.token.end, match.end() if match else start)


Diagnosis = Callable[[Mistake], Finding | None]
"""Recognises one kind of mistake, or gives None."""


def _kind(text: str) -> Kind:
    kinds: dict[str, Kind] = {'"': "string", "'": "string", "`": "backquoted", "=": "symbol", ".": "symbol"}
    return kinds.get(text[0], "word")
