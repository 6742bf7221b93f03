r"""What the quotes of a literal mean, and how a text is written between quotes.

In ``"…"`` and ``'…'`` the escapes are ``\" \' \\ \n \t \uXXXX``; any other backslash stays as it
is, so that regular expressions survive. Block strings are raw, backquotes double inside
themselves.
"""

from __future__ import annotations

import re

from mlsql.grammar.nodes import Quote
from mlsql.grammar.scanner import NAME, NUMBER

_ESCAPE = re.compile(
    r"""(?x)
    \\ (?: (?P<character> ["'\\nt] )
       | u (?P<code> [dD][89abAB][0-9a-fA-F]{2} \\u [dD][c-fC-F][0-9a-fA-F]{2}   # a pair beyond the BMP
                   | (?! [dD][89a-fA-F] ) [0-9a-fA-F]{4} ) )                      # half a pair is no escape
    """
)
_MEANS = {"n": "\n", "t": "\t"}
_AMBIGUOUS = re.compile(r"""\\(?=["'\\ntu]|\Z)""")
_BARE_NAME = re.compile(NAME)
_BARE_NUMBER = re.compile(NUMBER)
_QUOTES: tuple[Quote, ...] = ('"""', "'''", '"', "'", "`")


def quote_of(written: str) -> Quote:
    """The quotes around *written*, empty when there are none.

    >>> quote_of("'''a'''"), quote_of("12")
    ("'''", '')
    """
    if written[:1] not in ("'", '"', "`"):
        return ""
    return next(quote for quote in _QUOTES if written.startswith(quote))


def read_literal(written: str) -> str:
    r"""The text that *written*, a token with its quotes, stands for.

    >>> read_literal(r'"a\tb\d"'), read_literal("'''it's'''"), read_literal("`a``b`")
    ('a\tb\\d', "it's", 'a`b')
    """
    quote = quote_of(written)
    inner = written[len(quote) : len(written) - len(quote)]
    if quote == "`":
        return inner.replace("``", "`")
    return _ESCAPE.sub(_meaning, inner) if quote in ("'", '"') else inner


def write_literal(text: str, quote: Quote) -> str:
    r"""*text* as a value, in the given quotes when these can hold it.

    >>> print(write_literal("200", ""), write_literal("a b", ""), write_literal("it's", "'"))
    200 "a b" 'it\'s'
    """
    if quote == "" and is_bare_value(text):
        return text
    if quote in ("'''", '"""') and _fits_block(text, quote):
        return quote + text + quote
    if quote == "`":
        return write_name(text, quoted=True)
    return _escaped(text, "'" if quote == "'" else '"')


def write_name(text: str, *, quoted: bool) -> str:
    """*text* as a name: in backquotes when *quoted* or when it needs them."""
    return text if is_bare_name(text) and not quoted else f"`{text.replace('`', '``')}`"


def is_bare_name(text: str) -> bool:
    """Whether *text* is a name without backquotes: letters, digits, ``_`` and ``${…}``, no number."""
    return _BARE_NAME.fullmatch(text) is not None and _BARE_NUMBER.fullmatch(text) is None


def is_bare_value(text: str) -> bool:
    """Whether *text* is a value without quotes: a number or one name."""
    return is_bare_name(text) or _BARE_NUMBER.fullmatch(text) is not None


def _meaning(escape: re.Match[str]) -> str:
    if character := escape["character"]:
        return _MEANS.get(character, character)
    return bytes.fromhex(escape["code"].replace("\\u", "")).decode("utf-16-be")


def _fits_block(text: str, quote: Quote) -> bool:
    """A run of three quotes inside would end it; at its end a run belongs to the text."""
    return quote not in text.rstrip(quote[0])


def _escaped(text: str, quote: str) -> str:
    text = _AMBIGUOUS.sub(r"\\\\", text).replace(quote, "\\" + quote)
    if text.strip():
        return quote + text + quote
    return quote + text.replace("\n", "\\n").replace("\t", "\\t") + quote
