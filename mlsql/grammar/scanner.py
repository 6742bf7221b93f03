"""Text into tokens, in the three ways in which a statement can be written.

The first word of a statement says how the rest is cut: *options* (``load``, ``train`` …),
*sql* (Spark's own text, by Spark's quoting) or *command* (``!name arguments``). Every token is
a stretch of the text, comments included, so nothing but blanks is lost. What is opened and
never closed becomes a token too (``unclosed``): the parser knows best what to say about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

Mode = Literal["options", "sql", "command"]
Kind = Literal["word", "number", "string", "block", "backquoted", "symbol", "comment", "unclosed", "stop"]

MODES: Mapping[str, Mode] = {
    **dict.fromkeys(
        ("load", "save", "set", "connect", "train", "run", "predict", "register", "unregister", "include"),
        "options",
    ),
    **dict.fromkeys(("select", "with"), "sql"),
    **dict.fromkeys(("create", "insert", "drop", "refresh", "alter", "truncate", "merge", "update"), "sql"),
    **dict.fromkeys(("delete", "use", "analyze", "show", "describe", "desc", "explain"), "sql"),
    "!": "command",
}
"""How each statement is written, by its first word."""

KEYWORDS = frozenset(
    {"load", "save", "set", "connect", "train", "run", "predict", "register", "unregister", "include"}
    | {"overwrite", "append", "errorifexists", "ignore", "partitionby"}
    | {"as", "into", "where", "options", "and"}
)
"""The words of statements with options; each is an ordinary name where a name is expected."""

VARIABLE = r"\$\{[^{}\n]*\}"
NAME = rf"(?:\w|{VARIABLE})++"
RAW_WORD = rf"(?:{VARIABLE}|\$(?!\{{)|[^\s;\"'`$])++"
"""A word of a command in which no ``${`` is left open: a ``}`` behind it would close that."""
_BACKQUOTED = r"`(?:[^`]++|``)*+`"
_BLANK = r"[\s\ufeff]*+"
_BLOCK = r"'''.*?'''(?!')|\"\"\".*?\"\"\"(?!\")"
_STRING = r"""(?!'''|\"{3})(?:'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+")"""
# https://github.com/apache/spark/blob/v4.0.0/sql/api/src/main/antlr4/org/apache/spark/sql/catalyst/parser/SqlBaseLexer.g4
_SPARK_STRING = r"""[rR]'[^']*+'|[rR]"[^"]*+"|'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+\""""
NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_UNQUOTED_NUMBER = rf"(?<![\w.`}}]){NUMBER}(?![\w$])"


def _pattern(*kinds: str) -> re.Pattern[str]:
    return re.compile(rf"{_BLANK}(?:{'|'.join(kinds)})?", re.DOTALL)


_OTHERS = rf"(?P<backquoted>{_BACKQUOTED})|(?P<opening>'''|\"\"\"|[\"'`])|(?P<symbol>.)"
_PATTERNS: Mapping[Mode, re.Pattern[str]] = {
    "options": _pattern(
        rf"(?P<number>{_UNQUOTED_NUMBER})",
        rf"(?P<word>{NAME})",
        r"(?P<comment>--[^\n]*+|/\*)",
        rf"(?P<block>{_BLOCK})",
        rf"(?P<string>{_STRING})",
        _OTHERS,
    ),
    "sql": _pattern(
        rf"(?P<string>{_SPARK_STRING})",
        rf"(?P<word>{NAME})",
        r"(?P<comment>--(?:\\\n|[^\r\n])*+|/\*)",
        rf"(?P<backquoted>{_BACKQUOTED})|(?P<opening>[\"'`])|(?P<symbol>.)",
    ),
    "command": _pattern(
        r"(?P<comment>(?<=\s)(?:--[^\n]*+|/\*))",
        rf"(?P<word>(?:{VARIABLE}|[^\s;\"'`])++)",
        rf"(?P<block>{_BLOCK})",
        rf"(?P<string>{_STRING})",
        _OTHERS,
    ),
}
_COMMENT_EDGE = re.compile(r"/\*(?!\+)|\*/")  # inside a comment Spark does not take a hint for one

_NAMED = rf"(?:{NAME}|{_BACKQUOTED})"
_OF_OURS = rf"""
    load \s+ {_NAMED} \s* \. | include \s+ {_NAMED} \s* \. | register \s+ {_NAMED} \s* \.
    | save \s+ (?:(?:overwrite|append|errorIfExists|ignore) \s+)? {_NAMED} \s+ as \s+ {_NAMED} \s* \.
    | (?:train|run|predict) \s+ {_NAMED} \s+ (?:as|into) \s+ {_NAMED} \s* \.
    | set \s+ {_NAMED} (?:\s*\.\s*{_NAMED})* \s* =
    | connect \s+ {_NAMED} \s+ (?:where|options|as) \b | unregister \s+ {_NAMED} \s* (?:;|$)
"""
_OF_SPARK = rf"""
    insert \s+ (?:into|overwrite) \b | merge \s+ into \b | delete \s+ from \b
    | select \s+ [^\s=.,)] | with \s+ {_NAMED} \s* (?:\(|as\b)
    | (?:create|drop|refresh|alter|truncate|update|use|analyze|show|describe|desc|explain) \s+ \w
    | ! \w
"""
_OURS = re.compile(_OF_OURS, re.IGNORECASE | re.MULTILINE | re.VERBOSE)
_ANY = re.compile(f"{_OF_OURS} | {_OF_SPARK}", re.IGNORECASE | re.MULTILINE | re.VERBOSE)
_LINE = re.compile(rf"^[^\S\n]* (?={_OF_OURS} | {_OF_SPARK})", re.IGNORECASE | re.MULTILINE | re.VERBOSE)


class Token(NamedTuple):
    """A stretch of the text and what it is; ``stop`` is the ``;`` or the end of the text."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of *words*, given in lower case."""
        return self.kind == "word" and self.text.lower() in words

    def is_symbol(self, symbol: str) -> bool:
        """Whether it is that character."""
        return self.kind == "symbol" and self.text == symbol


def scan(text: str, start: int, mode: Mode) -> Iterator[Token]:
    """The tokens of one statement, from *start* to its ``;`` or the end of the text."""
    pattern = _PATTERNS[mode]
    position = start
    while True:
        match = pattern.match(text, position)
        assert match is not None
        token = _token(text, match)
        yield token
        if token.kind == "stop":
            return
        position = token.end


def query_comments(text: str) -> list[tuple[int, int]]:
    """Start and end of each comment in the text of a query; a hint (``/*+ … */``) is none."""
    comments = (token for token in scan(text, 0, "sql") if token.kind == "comment")
    return [(token.start, token.end) for token in comments if not token.text.startswith("/*+")]


def _token(text: str, match: re.Match[str]) -> Token:
    kind, end = match.lastgroup, match.end()
    if kind is None:
        return Token("stop", "", end, end)
    start = match.start(kind)
    found = text[start:end]
    if found == ";":
        return Token("stop", found, start, end)
    if kind == "comment" and found == "/*":
        closed = _comment_end(text, end)
        return Token("comment", text[start:closed], start, closed) if closed else _unclosed(text, start)
    if kind == "opening":
        return _unclosed(text, start)
    return Token(kind, found, start, end)  # type: ignore[arg-type]


def _unclosed(text: str, start: int) -> Token:
    return Token("unclosed", text[start:], start, len(text))


def _comment_end(text: str, position: int) -> int | None:
    """Where the comment that is open at *position* ends; comments nest, as they do in Spark."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, position):
        depth += -1 if edge[0] == "*/" else 1
        if depth == 0:
            return edge.end()
    return None


def starts_line(text: str, position: int) -> bool:
    """Whether nothing but blanks stands before *position* on its line."""
    return not text[text.rfind("\n", 0, position) + 1 : position].strip()


def is_statement(text: str, position: int, *, ours: bool = False) -> bool:
    """Whether a statement word followed by its form stands at *position*; *ours*: none that SQL has."""
    return (_OURS if ours else _ANY).match(text, position) is not None


def next_statement(text: str, start: int, end: int | None = None) -> int | None:
    """The start of the first line after that of *start* which begins like a statement."""
    newline = text.find("\n", start, len(text) if end is None else end)
    if newline < 0:
        return None
    match = _LINE.search(text, newline + 1, len(text) if end is None else end)
    return match.end() if match else None
