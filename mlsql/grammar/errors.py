"""Errors of a text that does not parse, in the words of its author, and where reading goes on.

These are the ones that every kind of statement can have; diagnosis.py knows those of a statement
with options. What is missing is reported at the end of the token before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar.foreign_words import way_out
from mlsql.grammar.nodes import Option
from mlsql.grammar.scanner import MODES, Token, next_statement
from mlsql.spans import Script, Span

_LONGEST = 40
_OPENING = re.compile(r"""[rR]?(/\*|'''|\"{3}|['"`])""")
_FULL_WIDTH: Mapping[str, str] = {"；": ";", "，": ",", "＝": "=", "．": ".", "。": ".", "（": "(", "）": ")"}
_MISNAMED = re.compile(
    r"""\bas\s+(?P<written>\w+\.(?P<dotted>\w+)|(?P<quote>['"])(?P<quoted>[^'"\n]+)(?P=quote))\Z""",
    re.IGNORECASE,
)
_CURLY = re.compile("""[“”„‟‘’‚‛«»´＂＇｀]([^“”„‟‘’‚‛«»´＂＇｀"'\n]*)[“”„‟‘’‚‛«»´＂＇｀"']?""")


@dataclass(frozen=True, slots=True)
class Finding:
    """An error, and how reading goes on, so that it does not hide the next.

    ``insert`` is put before what follows; reading goes on at ``resume`` (at the same token when
    None). With ``next_statement`` the statement is over and the next begins there.
    """

    error: ScriptError
    insert: tuple[Token, ...] = ()
    resume: int | None = None
    next_statement: int | None = None


def place(script: Script, token: Token) -> Span:
    """Where *token* stands."""
    return script.span(token.start, token.end)


def place_behind(script: Script, token: Token) -> Span:
    """The empty place at the end of *token*, where something is missing."""
    return script.span(token.end, token.end)


def unclosed(script: Script, token: Token) -> Finding:
    """*token* is never closed, or closed by what should open another; said at its opening."""
    opening = _OPENING.match(token.text)
    assert opening is not None
    quote = opening[1]
    what = {"/*": "comment", "`": "backquote"}.get(quote, "block string" if len(quote) > 1 else "string")
    span = script.span(token.start, token.start + opening.end())
    since = f" that starts at line {span.line}" if len(quote) > 1 else ""
    error = ScriptError(f"unclosed {what}{since}", span=span, hint=_closing_hint(token, quote))
    after = next_statement(script.text, token.start)
    return Finding(error, next_statement=len(script.text) if after is None else after)


def _closing_hint(token: Token, quote: str) -> str:
    line, *_ = token.text.split("\n", 1)
    if quote == '"' and re.search("[“”]", line):
        return f"a typographic quote does not close it: write {quote}"
    if quote in ("'", '"') and f"\\{quote}" in line:
        return f"a backslash before {quote} makes it part of the text; a backslash itself is written \\\\"
    if quote == "/*":
        return "comments nest: each /* needs its own */" if "*/" in token.text else "close it with */"
    return f"close it with {quote}"


def swallowed(script: Script, tokens: Sequence[Token], token: Token) -> Token | None:
    """The first of *tokens* that a quote of a later statement has closed, if any.

    It spans lines, one of which begins like a statement, and what follows touches it, as the text
    behind an opening quote does; or *token*, where reading stopped, is an unclosed quote.
    """
    for quoted, follower in pairwise((*tokens, token)):
        if quoted.kind not in ("string", "block", "backquoted") or "\n" not in quoted.text:
            continue
        wordlike = follower.kind in ("word", "number") or (follower is token and token.kind != "stop")
        suspect = token.kind == "unclosed" or (wordlike and quoted.end == follower.start)
        if suspect and next_statement(script.text, quoted.start, quoted.end) is not None:
            return quoted
    return None


def unknown_statement(script: Script, token: Token) -> ScriptError:
    """*token* stands where a statement begins, but begins none."""
    hint = way_out(token.text, script.text[token.end : token.end + _LONGEST])
    if token.kind == "word":
        words = [word for word in MODES if word != "!"]
        return UnknownName("statement", token.text, words, span=place(script, token), hint=hint)
    return ScriptError(
        f"a statement begins with a word, not with {shown(token.text)}",
        span=place(script, token),
        hint=hint or "such as load, select, train, or with ! and the name of a command",
    )


def missing_semicolon(script: Script, tokens: Sequence[Token], token: Token) -> Finding:
    """The next statement begins at *token*, and *tokens* lack their ``;``."""
    *before, last = tokens
    named = before and before[-1].is_word("as", "into")
    what = f"{before[-1].text} {last.text}" if named else last.text
    error = ScriptError(f"missing `;` after {shown(what)}", span=place_behind(script, last))
    return Finding(error, next_statement=token.start)


def missing_table(query: Span, *, stop: str = "") -> ScriptError:
    """The select of *query* names no table, although more statements follow; *stop* is missing too."""
    misnamed = _MISNAMED.search(query.text)
    if misnamed is not None:
        written = query.script.span(query.start + misnamed.start("written"), query.end)
        message = "this name has no dots" if misnamed["dotted"] else "a name is written without quotes"
        name = misnamed["dotted"] or misnamed["quoted"]
        return ScriptError(message, span=written, hint=f"write `{name}`{stop}")
    end = query.script.span(query.end, query.end)
    return ScriptError(
        f"missing `as <table>{stop}`", span=end, hint="only the last statement may leave it out"
    )


def duplicate_options(options: Sequence[Option]) -> tuple[ScriptError, ...]:
    """An error for each key that has another value than before."""
    first: dict[str, Option] = {}
    errors = []
    for option in options:
        earlier = first.setdefault(option.key.text, option)
        if earlier.value.text != option.value.text:
            message = f"the option '{option.key.text}' is given twice, with different values"
            hint = f"line {earlier.key.span.line} gives it first; keep one of them"
            errors.append(ScriptError(message, span=option.key.span, hint=hint))
    return tuple(errors)


def typographic(script: Script, token: Token, *, quote: str = '"') -> Finding | None:
    """Quotes that a word processor has put in, and the punctuation of a Chinese keyboard."""
    plain = _FULL_WIDTH.get(token.text)
    if plain is not None:
        message = f"`{token.text}` is a full-width character"
        error = ScriptError(message, span=place(script, token), hint=f"write {plain}")
        mended = token._replace(kind="stop" if plain == ";" else "symbol", text=plain)
        return Finding(error, (mended,), resume=token.end)
    curly = _CURLY.match(script.text, token.start)
    if curly is None:
        return None
    hint = f"write {quote}{shortened(curly[1])}{quote}"
    error = ScriptError("typographic quotes do not quote", span=script.span(*curly.span()), hint=hint)
    mended = Token("backquoted" if quote == "`" else "string", quote * 2, *curly.span())
    return Finding(error, (mended,), resume=curly.end())


def typographic_errors(script: Script, tokens: Iterable[Token]) -> Iterator[ScriptError]:
    """The errors of all such characters outside quotes."""
    done = 0
    for token in tokens:
        finding = typographic(script, token) if token.start >= done else None
        if finding is not None:
            yield finding.error
            done = finding.resume or token.end


def shown(text: str) -> str:
    """*text* shortened and in backquotes, unless it has some itself."""
    line = shortened(text)
    return line if "`" in line else f"`{line}`"


def shortened(text: str) -> str:
    """*text* on one line, cut when it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
