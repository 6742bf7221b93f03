"""Regular expressions that Java and DuckDB's RE2 read alike, and splitting at a plain text.

Taken are literal characters, classes, groups, alternatives, repetitions and anchors, without a backslash;
not what only one of the two knows, or reads otherwise. A text of several lines is for Spark: the
two mean different things by a dot and by the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from mlsql.udf.serving.lane_types import Carried

Literal = str | int | None
_KNOWN = re.compile(
    r"(?:[^\\\[\](){}*+?|^$.]|\.|\^|\$|\||\((?!\?)|\)|\[\^?[^\\\[\]&^~-](?:-[^\\\[\]&^~-])?"
    r"(?:[^\\\[\]&^~-](?:-[^\\\[\]&^~-])?)*\]|(?<=[^*+?{}|(^])[*+?]|(?<=[^*+?{}|(^])\{[0-9]{1,2}(?:,[0-9]{1,2})?\})+"
)
_SPECIAL = frozenset("\\[](){}*+?|^$.")
_LINE_ENDS = [r"chr(10)", r"chr(13)", r"chr(133)", r"chr(8232)", r"chr(8233)"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _of_one_line(text: str, call: str, kind: str) -> str:
    found = " or ".join(f"contains({text}, {each})" for each in _LINE_ENDS)
    return f"if({found}, cast(error('several lines') as {kind}), {call})"


def is_known(pattern: Literal) -> bool:
    """Whether both read it alike.

    >>> is_known("^[a-c]+(x|y){2}$"), is_known("a++"), is_known("(?i)a"), is_known("[a&&b]")
    (True, False, False, False)
    """
    if not isinstance(pattern, str) or _KNOWN.fullmatch(pattern) is None:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _matches(text: str, given: Sequence[Literal]) -> Carried | None:
    if len(given) != 1 or not is_known(given[0]):
        return None
    call = f"regexp_matches({text}, {_quoted(str(given[0]))})"
    return Carried(_of_one_line(text, call, "BOOLEAN"), "boolean")


def _extracted(text: str, given: Sequence[Literal]) -> Carried | None:
    """The group of the first match, by default the first one; an empty text without a match."""
    pattern, group = (*given, 1)[:2] if given else (None, None)
    if len(given) > 2 or not is_known(pattern) or not isinstance(group, int):  # noqa: PLR2004 -- pattern, group
        return None
    if group > re.compile(str(pattern)).groups:
        return None
    call = f"regexp_extract({text}, {_quoted(str(pattern))}, {group})"
    return Carried(_of_one_line(text, call, "VARCHAR"), "string")


def _replaced(text: str, given: Sequence[Literal]) -> Carried | None:
    """Every match; one of nothing beside another is found by Java alone."""
    if len(given) != 2 or not is_known(given[0]) or not isinstance(given[1], str):  # noqa: PLR2004
        return None
    if re.fullmatch(str(given[0]), "") or "$" in given[1] or "\\" in given[1]:
        return None
    call = f"regexp_replace({text}, {_quoted(str(given[0]))}, {_quoted(given[1])}, 'g')"
    return Carried(_of_one_line(text, call, "VARCHAR"), "string")


def _split(text: str, given: Sequence[Literal]) -> Carried | None:
    """At a text that stands for itself."""
    if len(given) != 1 or not isinstance(given[0], str) or not given[0] or _SPECIAL & set(given[0]):
        return None
    return Carried(f"string_split({text}, {_quoted(given[0])})", "array<string>")


PATTERNS: Mapping[str, Callable[[str, Sequence[Literal]], Carried | None]] = {
    **dict.fromkeys(("rlike", "regexp", "regexp_like"), _matches),
    "regexp_extract": _extracted,
    "regexp_replace": _replaced,
    "split": _split,
}
"""Functions of a text and of literals, by their names in lower case; None is what differs."""
