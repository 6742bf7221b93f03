"""Functions of texts, arrays and dates that give what Spark's give, a row at a time.

What Spark refuses, or is not plainly the same here, is a ValueError: then the query is asked of Spark.
Texts are counted in code points on both sides. A null argument never comes in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

_NUMBER = re.compile(r"[+-]?[0-9]{1,17}(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_LONGEST = 10_000
"""What becomes longer is Spark's affair."""
_LEAST_PLAIN, _MOST_PLAIN, _MOST_DIGITS = 1e-3, 1e7, 15
"""Between these Java writes doubles without an exponent, and up to so many digits as everybody."""
_INT = 2**31
_TRUE, _FALSE = frozenset({"t", "true", "y", "yes", "1"}), frozenset({"f", "false", "n", "no", "0"})


def substring(text: str, place: int, length: int = _INT) -> str:
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
    said = text.casefold()
    _expect(said in _TRUE | _FALSE)
    return said in _TRUE


def text_of_double(number: float) -> str:
    """A double as Java writes it."""
    if not math.isfinite(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"  # noqa: PLR0124
    text = repr(number)
    _expect(number == 0 or _LEAST_PLAIN <= abs(number) < _MOST_PLAIN)
    _expect(sum(map(str.isdigit, text)) <= _MOST_DIGITS)
    return text


def date_of(text: str) -> date:
    """The day that is written out."""
    _expect(_DAY.fullmatch(text) is not None)
    return date.fromisoformat(text)


def days_after(day: date, count: int) -> date:
    """So many days later."""
    return day + timedelta(days=count)


def days_before(day: date, count: int) -> date:
    """So many days earlier."""
    return day - timedelta(days=count)


def days_between(later: date, earlier: date) -> int:
    """How many days lie between two."""
    return (later - earlier).days


def last_day(day: date) -> date:
    """The last one of its month."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - timedelta(days=1)


def quarter(day: date) -> int:
    """Of the year."""
    return (day.month + 2) // 3


def week(day: date) -> int:
    """Of the year, as ISO 8601 counts."""
    return day.isocalendar().week


def day_of_week(day: date) -> int:
    """From Sunday, which is 1."""
    return day.isoweekday() % 7 + 1


def day_of_year(day: date) -> int:
    """From 1."""
    return day.timetuple().tm_yday


def greatest(array: Sequence[Any]) -> Any:
    """The first of the greatest that is no null."""
    return max(map(_no_nan, _present(array)), default=None)


def smallest(array: Sequence[Any]) -> Any:
    """The first of the smallest that is no null."""
    return min(map(_no_nan, _present(array)), default=None)


def _present(array: Sequence[Any]) -> Sequence[Any]:
    return [each for each in array if each is not None]


def contains(array: Sequence[Any], element: Any) -> bool | None:
    """Whether it is there; where a null might be it, nobody knows."""
    if _plain(element) in array:
        return True
    return None if None in array else False


def place_in_array(array: Sequence[Any], element: Any) -> int:
    """Where it first stands, counted from 1; 0 where it is not."""
    return array.index(element) + 1 if _plain(element) in array else 0


def element_at(array: Sequence[Any], place: int) -> Any:
    """Counted from 1 or, backwards, from -1."""
    _expect(1 <= abs(place) <= len(array))
    return array[place - 1 if place > 0 else place]


def element_or_null(array: Sequence[Any], index: int) -> Any:
    """Counted from 0."""
    return array[index] if 0 <= index < len(array) else None


def part_of(array: Sequence[Any], place: int, length: int) -> Sequence[Any]:
    """So many elements from a place on, counted from 1 or, backwards, from -1."""
    _expect(place != 0 and length >= 0)
    start = place - 1 if place > 0 else len(array) + place
    return array[start : start + length] if start >= 0 else []


def ascending(array: Sequence[Any]) -> Sequence[Any]:
    """In order, nulls first."""
    values = sorted(map(_plain, _present(array)))
    return [None] * (len(array) - len(values)) + values


def distinct(array: Sequence[Any]) -> Sequence[Any]:
    """Each once."""
    return [*dict.fromkeys(map(_plain, array))]


def _no_nan(value: Any) -> Any:
    _expect(value == value)  # noqa: PLR0124 -- only a NaN is not
    return value


def _plain(value: Any) -> Any:
    """What is equal to itself alone: neither a NaN nor one of two zeros, nor an array with nulls."""
    _expect(not isinstance(value, list | dict))
    _expect(value != 0 or isinstance(value, int) or math.copysign(1, value) > 0)
    return _no_nan(value)


def _short(text: str) -> str:
    _expect(len(text) <= _LONGEST)
    return text


def _expect(holds: bool) -> None:  # noqa: FBT001 -- the one thing it is about
    if not holds:
        raise ValueError
