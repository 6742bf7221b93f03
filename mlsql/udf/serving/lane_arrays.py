"""Functions of arrays that give what Spark's give, a row at a time.

What Spark refuses, or is not plainly the same here, is a ValueError: then the query is asked of Spark.
A null argument never comes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


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


def _expect(holds: bool) -> None:  # noqa: FBT001 -- the one thing it is about
    if not holds:
        raise ValueError
