"""What is wrong where the parser of a statement with options stops.

:data:`DIAGNOSES` are asked in order, and the first that recognises a :class:`Mistake` tells the
error and how to read on. They speak of roles, the terminals of mlsql.lark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.grammar.errors import (
    Finding,
    missing_semicolon,
    place,
    place_behind,
    shortened,
    swallowed,
    typographic,
    unclosed,
)
from mlsql.grammar.literals import read_literal
from mlsql.grammar.scanner import Kind, Token, is_statement, starts_line
from mlsql.names import nearest
from mlsql.spans import Script

_IN_WORDS: Mapping[str, str] = {
    "TABLE": "the name of a table",
    "FUNCTION": "the name of a function",
    "ALIAS": "a name",
    "COLUMN": "the name of a column",
    "FORMAT": "format.`path`",
    "PATH": "a path in backquotes",
    "PATH_NAME": "a path in backquotes",
    "KEY": 'an option key="value"',
    "VALUE": "a value",
    "SET_VALUE": "a value",
    "DOT": "`.`",
    "EQUAL": "`=`",
    "COMMA": "`,`",
    "$END": "`;`",
}
_AFTER_AS: Mapping[str, str] = {
    "load": "<table>",
    "save": "<format>.<path>",
    "train": "<Algorithm>.<path>",
    "run": "<Algorithm>.<path>",
    "predict": "<Algorithm>.<path>",
    "register": "<function>",
}
_NAMES = frozenset({"TABLE", "FUNCTION", "ALIAS", "COLUMN", "KEY", "FORMAT"})
_VALUES = frozenset({"VALUE", "SET_VALUE"})
_PATHS = frozenset({"PATH", "PATH_NAME"})
_OPENS_OPTION = frozenset({"WHERE", "OPTIONS", "AND"})
_WORDLIKE: tuple[Kind, ...] = ("word", "backquoted")
_QUOTED: tuple[Kind, ...] = ("string", "block")
_RUN = re.compile(r"[^\s;]+")
_KEY_RUN = re.compile(r"[^\s;=]+")
_VALUE_RUN = re.compile(r"(?:[^\s;,]|,(?!\s|[\w`.]+\s*=))+")
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
        text, start = self.script.text, self.token.start
        return self.token.kind == "stop" or (is_statement(text, start) and starts_line(text, start))

    @property
    def key_follows(self) -> bool:
        """Whether the token looks like the key of an option."""
        return self.token.kind in _WORDLIKE and (self.after.is_symbol("=") or self.after.is_symbol("."))

    def here(self, message: str, hint: str | None = None) -> ScriptError:
        """The error *message*, said of the token that does not fit."""
        return ScriptError(message, span=place(self.script, self.token), hint=hint)

    def missing(self, message: str, hint: str | None = None, *, after: Token | None = None) -> ScriptError:
        """The error *message*, said at the end of the token *after* (the last one)."""
        return ScriptError(message, span=place_behind(self.script, after or self.last), hint=hint)

    def inserted(self, *texts: str) -> tuple[Token, ...]:
        """Tokens of these texts, standing before the one that does not fit."""
        return tuple(Token(_kind(text), text, self.token.start, self.token.start) for text in texts)

    def end_of(self, run: re.Pattern[str], start: int) -> int:
        """Where what was meant as one piece ends, at least behind the token that does not fit."""
        match = run.match(self.script.text, start)
        return max(self.token.end, match.end() if match else start)


Diagnosis = Callable[[Mistake], Finding | None]


def diagnose(mistake: Mistake) -> Finding:
    """What the first diagnosis that recognises *mistake* says of it."""
    found = (diagnosis(mistake) for diagnosis in DIAGNOSES)
    return next(finding for finding in found if finding is not None)


def _unclosed(mistake: Mistake) -> Finding | None:
    quoted = swallowed(mistake.script, mistake.before, mistake.token)
    if quoted is None and mistake.token.kind == "unclosed":
        quoted = mistake.token
    return quoted and unclosed(mistake.script, quoted)


def _next_statement(mistake: Mistake) -> Finding | None:
    if "$END" in mistake.expected and is_statement(mistake.script.text, mistake.token.start):
        return missing_semicolon(mistake.script, mistake.before, mistake.token)
    return None


def _typographic(mistake: Mistake) -> Finding | None:
    return typographic(mistake.script, mistake.token)


def _doubled_equal(mistake: Mistake) -> Finding | None:
    if not (mistake.token.is_symbol("=") and mistake.last.is_symbol("=")):
        return None
    return Finding(mistake.here("an option is set with one `=`"), resume=mistake.token.end)


def _comma(mistake: Mistake) -> Finding | None:
    between = mistake.token.is_symbol(",") and mistake.role in _VALUES
    if not between or mistake.after.kind not in (*_WORDLIKE, "stop"):
        return None
    error = mistake.here("option values are joined by `and`, not `,`")
    return Finding(error, mistake.inserted("and"), resume=mistake.token.end)


def _value_left_out(mistake: Mistake) -> Finding | None:
    """``a= as t``, ``a= and b="c"``: the keyword was taken for the value."""
    keyword = mistake.role in _VALUES and mistake.last.is_word("as", "and", "where")
    if not keyword or mistake.token.kind not in _WORDLIKE or mistake.touches:
        return None
    error = mistake.missing(f"missing a value after `{_assigned(mistake)} =`", after=mistake.earlier)
    return Finding(error, mistake.inserted(mistake.last.text))


def _option_left_out(mistake: Mistake) -> Finding | None:
    """``where as t``: the keyword was taken for a key."""
    keyword = mistake.role == "KEY" and mistake.earlier_role in _OPENS_OPTION and mistake.last.is_word("as")
    if not keyword or mistake.token.kind not in _WORDLIKE:
        return None
    error = mistake.missing(f"missing an option after `{mistake.earlier.text}`", after=mistake.earlier)
    return Finding(error, mistake.inserted("=", '""', mistake.last.text))


def _table_left_out(mistake: Mistake) -> Finding | None:
    """``save overwrite as csv.`x` ``: the keyword was taken for the table."""
    keyword = mistake.role == "TABLE" and mistake.last.is_word("as", "into")
    if not keyword or not mistake.after.is_symbol("."):
        return None
    error = mistake.missing(
        f"missing the name of a table after `{mistake.earlier.text}`", after=mistake.earlier
    )
    return Finding(error, mistake.inserted("as"))


def _unquoted_value(mistake: Mistake) -> Finding | None:
    begun = mistake.role in _VALUES and mistake.last.kind in ("word", "number") and mistake.touches
    wanted = mistake.expected & _VALUES and mistake.token.kind == "symbol"
    if not (begun or wanted):
        return None
    start = mistake.last.start if begun else mistake.token.start
    end = mistake.end_of(_VALUE_RUN, start)
    error = ScriptError(
        "a value other than a number or one name must be quoted",
        span=mistake.script.span(start, end),
        hint=f'write "{shortened(mistake.script.text[start:end])}"',
    )
    return Finding(error, () if begun else mistake.inserted('""'), resume=end)


def _path_without_format(mistake: Mistake) -> Finding | None:
    """``load `/x` as t``, ``load /x as t``."""
    quoted = mistake.role == "FORMAT" and mistake.last.kind == "backquoted" and not mistake.touches
    bare = "FORMAT" in mistake.expected and mistake.token.kind in ("symbol", *_QUOTED)
    if not (quoted or bare):
        return None
    before = mistake.earlier if quoted else mistake.last
    path = mistake.last if quoted else mistake.token
    end = mistake.token.end if mistake.token.kind in _QUOTED else mistake.end_of(_RUN, path.start)
    text = read_literal(
        path.text if quoted or path.kind in _QUOTED else mistake.script.text[path.start : end]
    )
    error = mistake.missing(
        f"missing `<format>.` after `{before.text}`", f"as in csv.`{shortened(text)}`", after=before
    )
    if quoted:
        return Finding(error, mistake.inserted(".", "``"))
    return Finding(error, mistake.inserted("_", ".", "``"), resume=end)


def _dotted_format(mistake: Mistake) -> Finding | None:
    """``load org.apache.x.`path` ``: the last of the dots was meant to end the format."""
    if not (
        mistake.token.kind == "backquoted" and mistake.last.is_symbol(".") and "PATH" not in mistake.expected
    ):
        return None
    start = mistake.before[mistake.roles.index("FORMAT")].start
    written = mistake.script.text[start : mistake.last.start]
    error = ScriptError(
        "a format with dots is written in backquotes",
        span=mistake.script.span(start, mistake.last.start),
        hint=f"write `{shortened(written)}`.{shortened(mistake.token.text)}",
    )
    return Finding(error, mistake.inserted("_"), resume=mistake.token.end)


def _unquoted_path(mistake: Mistake) -> Finding | None:
    begun = mistake.role == "PATH_NAME" and mistake.touches
    wanted = "PATH_NAME" in mistake.expected and mistake.token.kind in ("symbol", "number", *_QUOTED)
    if not (begun or wanted):
        return None
    source = mistake.before[mistake.roles.index("FORMAT")]
    start = source.end + 1 if begun else mistake.token.start
    quoted = mistake.token.kind in _QUOTED and not begun
    end = mistake.token.end if quoted else mistake.end_of(_RUN, start)
    written = mistake.script.text[start:end]
    path = read_literal(written) if quoted else written
    error = ScriptError(
        "a path is written in backquotes",
        span=mistake.script.span(start, end),
        hint=f"write {source.text}.`{shortened(path)}`",
    )
    return Finding(error, () if begun else mistake.inserted("_"), resume=end)


def _dotted_table(mistake: Mistake) -> Finding | None:
    if not (mistake.role in ("TABLE", "FUNCTION", "ALIAS") and mistake.token.is_symbol(".")):
        return None
    start = mistake.last.start
    end = mistake.end_of(_RUN, start)
    written = mistake.script.text[start:end]
    output = mistake.earlier.is_word("as")
    error = ScriptError(
        "this name has no dots",
        span=mistake.script.span(start, end),
        hint=f"write {mistake.after.text}" if output else f"name {shortened(written)} by a select first",
    )
    return Finding(error, resume=end)


def _quoted_name(mistake: Mistake) -> Finding | None:
    misplaced = mistake.expected & _NAMES and mistake.token.kind in ("number", *_QUOTED)
    if not misplaced or ("KEY" in mistake.expected and mistake.role not in (*_OPENS_OPTION, "SET")):
        return None
    name = shortened(read_literal(mistake.token.text))
    error = mistake.here("a name is written without quotes, or in backquotes", f"write `{name}`")
    return Finding(error, mistake.inserted("`_`"), resume=mistake.token.end)


def _unquoted_name(mistake: Mistake) -> Finding | None:
    if not (mistake.role in _NAMES and mistake.last.kind == "word" and mistake.touches):
        return None
    if mistake.token.kind != "symbol":
        return None
    start = mistake.last.start
    end = mistake.end_of(_KEY_RUN if mistake.role in ("KEY", "FORMAT") else _RUN, start)
    error = ScriptError(
        "a name with other characters than letters, digits and _ is written in backquotes",
        span=mistake.script.span(start, end),
        hint=f"write `{shortened(mistake.script.text[start:end])}`",
    )
    return Finding(error, resume=end)


def _missing_dot(mistake: Mistake) -> Finding | None:
    if not (mistake.role == "FORMAT" and "DOT" in mistake.expected and mistake.token.kind == "backquoted"):
        return None
    error = mistake.missing(f"missing `.` between `{mistake.last.text}` and the path")
    return Finding(error, mistake.inserted("."))


def _missing_and(mistake: Mistake) -> Finding | None:
    if not (mistake.key_follows and "AND" in mistake.expected and mistake.role in _VALUES):
        return None
    return Finding(mistake.missing("missing `and` between two options"), mistake.inserted("and"))


def _missing_as(mistake: Mistake) -> Finding | None:
    """``load csv.`x` t;``: what should follow ``as`` was taken for a key, or for nothing."""
    name = mistake.token
    if (
        mistake.role == "KEY"
        and mistake.earlier_role in _PATHS
        and mistake.at_end
        and mistake.verb != "include"
    ):
        return Finding(mistake.missing(f"missing `as` before `{mistake.last.text}`", after=mistake.earlier))
    if "AS" not in mistake.expected or name.kind not in _WORDLIKE:
        return None
    if mistake.role == "TABLE" and mistake.after.is_symbol("."):
        return Finding(mistake.missing(f"missing `as` before `{name.text}.`"), mistake.inserted("as"))
    if mistake.after.kind == "stop":
        return Finding(mistake.missing(f"missing `as` before `{name.text}`"), mistake.inserted("as"))
    return None


def _misspelt_where(mistake: Mistake) -> Finding | None:
    """``load csv.`x` whre a="b" ``: the misspelt word was taken for a key."""
    if not (
        mistake.role == "KEY" and mistake.earlier_role not in (*_OPENS_OPTION, "DOT") and mistake.key_follows
    ):
        return None
    near = nearest(mistake.last.text, ["where", "options"])
    error = ScriptError(
        f"unexpected `{mistake.last.text}`",
        span=place(mistake.script, mistake.last),
        hint=f"did you mean `{near}`?" if near else "options begin with `where`",
    )
    return Finding(error, mistake.inserted("=", '""', "and"))


def _missing_equal(mistake: Mistake) -> Finding | None:
    if not (mistake.role == "KEY" and "EQUAL" in mistake.expected):
        return None
    value = mistake.token.kind in ("number", *_QUOTED)
    hint = None if mistake.verb == "set" else 'an option is written key="value"'
    error = mistake.missing(f"missing `=` after `{mistake.last.text}`", hint)
    return Finding(error, mistake.inserted("=") if value else mistake.inserted("=", '""'))


def _late_options(mistake: Mistake) -> Finding | None:
    if not (mistake.token.is_word("where", "options", "and") and "$END" in mistake.expected):
        return None
    ends = [
        token
        for token, role in zip(mistake.before, mistake.roles, strict=True)
        if role in ("AS", "PARTITIONBY")
    ]
    if not ends:
        return None
    what = mistake.script.text[ends[-1].start : mistake.last.end]
    return Finding(mistake.here(f"options stand before `{shortened(what)}`"))


def _misspelt_keyword(mistake: Mistake) -> Finding | None:
    keywords = [role.lower() for role in mistake.expected if role not in _IN_WORDS]
    near = nearest(mistake.token.text, keywords) if mistake.token.kind == "word" else None
    if near is None:
        return None
    error = mistake.here(f"unexpected `{mistake.token.text}`", f"did you mean `{near}`?")
    return Finding(error, mistake.inserted(near), resume=mistake.token.end)


def _missing_part(mistake: Mistake) -> Finding | None:
    """The statement ends too early, or has something else where one thing alone may stand."""
    expected, after = mistake.expected, f"after `{shortened(mistake.last.text)}`"
    if "$END" in expected:
        return None
    if mistake.role == "FORMAT":
        hint = f"write {mistake.last.text}.`…`, with the path in backquotes"
        return Finding(mistake.missing(f"missing `.<path>` {after}", hint))
    if "AS" in expected:
        return Finding(mistake.missing(f"missing `as {_AFTER_AS[mistake.verb]}`"))
    if mistake.role == "SET":
        return Finding(mistake.missing(f"missing the name of a variable {after}"))
    wanted = sorted({_IN_WORDS[role] for role in expected if role in _IN_WORDS})
    return Finding(mistake.missing(f"missing {wanted[0]} {after}")) if len(wanted) == 1 else None


def _unexpected(mistake: Mistake) -> Finding:
    wanted = sorted({_IN_WORDS.get(role, f"`{role.lower()}`") for role in mistake.expected})
    return Finding(
        mistake.here(f"unexpected `{shortened(mistake.token.text)}`", f"expected {' or '.join(wanted)}")
    )


DIAGNOSES: tuple[Diagnosis, ...] = (
    _unclosed,
    _next_statement,
    _typographic,
    _doubled_equal,
    _comma,
    _value_left_out,
    _option_left_out,
    _table_left_out,
    _unquoted_value,
    _path_without_format,
    _dotted_format,
    _unquoted_path,
    _dotted_table,
    _quoted_name,
    _unquoted_name,
    _missing_dot,
    _missing_and,
    _missing_as,
    _misspelt_where,
    _missing_equal,
    _late_options,
    _misspelt_keyword,
    _missing_part,
    _unexpected,
)
"""Asked in this order; the last recognises everything."""


def _assigned(mistake: Mistake) -> str:
    """The key of the option whose value is the last token."""
    keys = [token for token, role in zip(mistake.before, mistake.roles, strict=True) if role == "KEY"]
    return keys[-1].text


def _kind(text: str) -> Kind:
    if text[0] in "\"'":
        return "string"
    return "backquoted" if text[0] == "`" else "word" if text[0].isalpha() or text[0] == "_" else "symbol"
