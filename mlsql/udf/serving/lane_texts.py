"""Functions of texts, and casts of them, that give what Spark's give, a row at a time.

What Spark refuses, or is not plainly the same here, is a ValueError: then the query is asked of Spark.
Texts are counted in code points on both sides. A null argument never comes in.
"""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?[0-9]{1,17}(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_LONGEST = 10_000
"""What becomes longer is Spark's affair."""
_LEAST_PLAIN, _MOST_PLAIN, _MOST_DIGITS = 1e-3, 1e7, 15
"""Between these Java writes doubles without an exponent, and up to so many digits as everybody."""
_INT = 2**31
_TRUE, _FALSE = frozenset({"t", "true", "y", "yes", "1"}), frozenset({"f", "false", "n", "no", "0"})


def substring(text: str, place: int, length: int = _INT - 1) -> str:
    """So many characters from a place on, counted from 1 or, backwards, from -1."""
    start = place - 1 if place > 0 else len(text) + place if place < 0 else 0
    return text[max(start, 0) : max(start + length, 0)]


def left(text: str, length: int) -> str:
    """The first characters."""
    return text[: max(length, 0)]


def right(text: str, length: int) -> str:
    """The last characters."""
    return text[-length:] if length > 0 else ""


def place_in(text: str, part: str) -> int:
    """Where a part begins, counted from 1; 0 where it is not."""
    return text.find(part) + 1


def place_of(part: str, text: str) -> int:
    """The same, the part first."""
    return place_in(text, part)


def replaced(text: str, part: str, by: str = "") -> str:
    """With another part instead."""
    return _short(text.replace(part, by)) if part else text


def reversed_text(text: str) -> str:
    """From the end."""
    return text[::-1]


def repeated(text: str, count: int) -> str:
    """So often."""
    _expect(len(text) * count <= _LONGEST)
    return text * count


def padded_left(text: str, length: int, filler: str = " ") -> str:
    """At this length, filled up in front."""
    return _filling(text, length, filler) + text[: max(length, 0)]


def padded_right(text: str, length: int, filler: str = " ") -> str:
    """At this length, filled up behind."""
    return text[: max(length, 0)] + _filling(text, length, filler)


def _filling(text: str, length: int, filler: str) -> str:
    _expect(length <= _LONGEST)
    missing = max(length - len(text), 0)
    return (filler * missing)[:missing]


def translated(text: str, given: str, wanted: str) -> str:
    """Each character that is given as the wanted one at its place; without one it is left out."""
    _expect("\0" not in wanted)
    pairs: dict[str, str] = {}
    for place, each in enumerate(given):
        pairs.setdefault(each, wanted[place : place + 1])
    return "".join(pairs.get(each, each) for each in text)


def double_of(text: str) -> float:
    """The number that a text plainly is."""
    _expect(_NUMBER.fullmatch(text) is not None)
    return float(text)


def int_of(text: str) -> int:
    """The same, of 32 bits."""
    number = bigint_of(text)
    _expect(-_INT <= number < _INT)
    return number


def bigint_of(text: str) -> int:
    """The same, of 64 bits."""
    _expect(_WHOLE.fullmatch(text) is not None)
    return int(text)


def boolean_of(text: str) -> bool:
    """What a text says."""
    said = text.lower()
    _expect(text.isascii() and said in _TRUE | _FALSE)
    return said in _TRUE


def text_of_double(number: float) -> str:
    """A double as Java writes it."""
    if not math.isfinite(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"  # noqa: PLR0124
    text = repr(number)
    _expect(number == 0 or _LEAST_PLAIN <= abs(number) < _MOST_PLAIN)
    _expect(sum(map(str.isdigit, text)) <= _MOST_DIGITS)
    return text


def _short(text: str) -> str:
    _expect(len(text) <= _LONGEST)
    return text


def _expect(holds: bool) -> None:  # noqa: FBT001 -- the one thing it is about
    if not holds:
        raise ValueError
