"""The keyword that a word of a query was meant for, near the place where Spark stops understanding it."""

from __future__ import annotations

import re

from mlsql.names import nearest, words

_KEYWORDS = words("""
    select from where group order having limit offset join left right inner outer full cross using union
    distinct case when then else between like null lateral view over partition values exists intersect except
    into table tables database databases functions columns partitions schemas view views overwrite interval
    create replace temporary insert
""")
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_STATEMENT = re.compile(r"(?:select|with|insert|create|drop|show|describe|explain)\b", re.IGNORECASE)
_LOOKED_AT = 3
"""A misspelt keyword is taken for an alias; Spark stumbles over one of the next words."""


def way_out(query: str, stumbled: int) -> str | None:
    """What to do about *query*, of which Spark's parser does not understand what stands at *stumbled*."""
    if query.startswith("$", stumbled):
        return "a variable is written ${name}"
    line = query[query.rfind("\n", 0, stumbled) + 1 : stumbled]
    if stumbled > len(line) and not line.strip() and _STATEMENT.match(query, stumbled):
        return "is the `;` before it missing?"
    keyword = misspelt_keyword(query, stumbled)
    return f"did you mean '{keyword}'?" if keyword else None


def misspelt_keyword(query: str, stumbled: int) -> str | None:
    """The keyword that differs by one slip from a word at *stumbled*, or from one close before it.

    >>> misspelt_keyword("select a form t", 9)
    'from'
    >>> misspelt_keyword("select a from t wher a > 1", 21)
    'where'
    >>> misspelt_keyword("select a from t where a >", 25) is None
    True
    """
    plain = _QUOTED.sub(lambda found: " " * len(found[0]), query)
    near = [word[0].lower() for word in _WORD.finditer(plain) if word.start() <= stumbled][-_LOOKED_AT:]
    meant = (nearest(word, slips) for word in reversed(near) if (slips := _slips(word)))
    return next(meant, None)


def _slips(word: str) -> list[str]:
    """The keywords of which *word* is a slip; a plural is a name."""
    if word in _KEYWORDS:
        return []
    return [each for each in sorted(_KEYWORDS) if _is_slip(word, each) and word != f"{each}s"]


def _is_slip(word: str, keyword: str) -> bool:
    """Whether one letter more, less or other, or two that changed places, make one of the other."""
    shorter, longer = sorted((word, keyword), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(longer) > len(shorter):
        return shorter[start:] == longer[start + 1 :]
    swapped = longer[start : start + 2] == shorter[start : start + 2][::-1]
    return shorter[start + 1 :] == longer[start + 1 :] or (
        swapped and shorter[start + 2 :] == longer[start + 2 :]
    )
