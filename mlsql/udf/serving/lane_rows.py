"""The vec_ and array_ functions of MLSQL on plain lists, a row at a time, as DuckDB calls them.

Each does what its declaration in :mod:`mlsql.udf.builtin` says, in the same order of operations, so
that doubles are the same to the last bit. What is an error there is one here, whatever its text:
then the query is asked of Spark, which says it. A null argument never comes in; a null inside an
array fails unless it is handled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Numbers = Sequence[float]
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_BEYOND = 9e15
"""From here on a double is whole."""
_LONGEST = 100_000
"""What becomes longer is Spark's affair."""
_INT = 2**31


def total(values: Iterable[float]) -> float:
    """The sum from left to right, from a zero on, as Spark's ``aggregate`` adds."""
    added = 0.0
    for each in values:
        added += each
    return added


def dense(values: Numbers) -> Numbers:
    """The vector of these numbers."""
    return [_present(each) for each in values]


def dense_or_null(values: Numbers | None) -> Numbers | None:
    """The same where there may be no array."""
    return None if values is None else dense(values)


def argmax(values: Numbers) -> int | None:
    """The index of the greatest."""
    return values.index(max(map(_ordered, dense(values)))) if values else None


def norm(values: Numbers, p: float) -> float:
    """Those that are not computed by a power."""
    if p == 1:
        return total(map(abs, values))
    if p == 2:  # noqa: PLR2004 -- the Euclidean norm
        return math.sqrt(total(each * each for each in values))
    if p == math.inf:
        return max((abs(_ordered(each)) for each in values), default=0.0)
    raise ValueError(p)


def squared_distance(a: Numbers, b: Numbers) -> float:
    """Of vectors of one size."""
    return total((x - y) * (x - y) for x, y in zip(a, b, strict=True))


def flat(arrays: Sequence[Sequence[Any] | None]) -> list[Any] | None:
    """One behind the other; null when one of them is."""
    if any(each is None for each in arrays):
        return None
    return [value for each in arrays if each is not None for value in each]


def flat_vector(vectors: Sequence[Sequence[Any] | None]) -> Numbers | None:
    """The same as one vector."""
    return dense_or_null(flat(vectors))


def chosen(values: Numbers, indices: Sequence[int]) -> Numbers:
    """Those at the indices."""
    return [_present(values[_index(index)]) for index in indices]


def ranged(values: Numbers, bounds: Sequence[int]) -> Numbers:
    """Those from the first bound up to the second."""
    start, until = bounds
    return dense(part(values, start, max(until, 0)))


def part(array: Sequence[Any], start: int, until: int) -> Sequence[Any]:
    """The elements from a place up to another; -1 is the end."""
    begin = max(start, 0)
    _expect(begin < _INT - 1)
    length = max((len(array) if until == -1 else until) - begin, 0)
    return array[begin : begin + length]


def paired(operation: Callable[[float, float], float]) -> Callable[[Numbers, Numbers], Numbers]:
    """What applies *operation* to the numbers at the same index."""
    return lambda a, b: [operation(x, y) for x, y in zip(a, b, strict=True)]


def each(operation: Callable[[float, float], float]) -> Callable[[Numbers, float], Numbers]:
    """What applies *operation* to each number and another."""
    return lambda values, number: [operation(value, number) for value in values]


def whole(rounding: Callable[[float], int]) -> Callable[[Numbers], Numbers]:
    """What rounds each number."""
    return lambda values: [float(rounding(each)) if abs(each) < _BEYOND else each for each in values]


def mean(values: Numbers) -> float | None:
    """The mean; null of none."""
    return total(values) / len(values) if values else None


def deviation(values: Numbers) -> float | None:
    """The standard deviation of a sample, about a mean of two passes as StatUtils has it; null below two."""
    count = len(values)
    if count < 2:  # noqa: PLR2004 -- a sample
        return None
    first = total(values) / count
    middle = first + total(each - first for each in values) / count
    squares = total((each - middle) * (each - middle) for each in values)
    rest = total(each - middle for each in values)
    return math.sqrt((squares - rest * rest / count) / (count - 1.0))


def onehot(index: int, size: int) -> Numbers:
    """A 1 at the index, if it is inside."""
    return [1.0 if place == index else 0.0 for place in range(_length(size))]


def onehots(indices: Sequence[int], size: int) -> Sequence[Numbers]:
    """A row for each index."""
    _length(len(indices) * _length(size))
    return matrix([onehot(_present(each), size) for each in indices])


def matrix(rows: Sequence[Numbers]) -> Sequence[Numbers]:
    """Rows of one width."""
    (width,) = {len(row) for row in rows}
    _expect(width > 0)
    return [dense(row) for row in rows]


def matrix_sum(rows: Sequence[Numbers], axis: int) -> Numbers:
    """Of the columns, or of the rows."""
    _expect(axis in (0, 1))
    return [total(each) for each in (rows if axis else zip(*rows, strict=True))]


def index_of(array: Sequence[Any], element: Any) -> int:
    """Where the element first stands; -1 for nowhere."""
    _ordered(element)
    return array.index(element) if element in array else -1


def padded(array: Sequence[int | None], length: int, filler: int) -> Sequence[int | None]:
    """At this length."""
    return [*array, *[filler] * _length(length)][:length]


def ngrams(words: Sequence[str], n: int) -> Sequence[str]:
    """Each *n* words beside each other."""
    _expect(n > 0)
    return [" ".join(words[place : place + n]) for place in range(len(words) - n + 1)]


def joined(separator: str, array: Sequence[str | None]) -> str:
    """The texts that are not null as one."""
    return separator.join(each for each in array if each is not None)


def parsed(array: Sequence[str | None]) -> Sequence[float | None]:
    """Texts that are plainly numbers."""
    return [None if each is None else float(_plain_number(each)) for each in array]


def parsed_whole(array: Sequence[str | None]) -> Sequence[int | None]:
    """Texts that are plainly whole numbers."""
    numbers = [None if each is None else int(_plain_number(each)) for each in array]
    _expect(all(each is None or -_INT <= each < _INT for each in numbers))
    return numbers


def sparse(size: int, numbers: Mapping[int, float]) -> Numbers:
    """Zeros, but for the numbers by their index."""
    _expect(all(0 <= index < size for index in numbers))
    return [_present(numbers.get(place, 0.0)) for place in range(_length(size))]


def _plain_number(text: str) -> str:
    _expect(_NUMBER.fullmatch(text) is not None)
    return text


def _present(value: Any) -> Any:
    _expect(value is not None)
    return value


def _ordered(value: Any) -> Any:
    """What Python orders as Spark does: no NaN."""
    _expect(value == value)  # noqa: PLR0124 -- only a NaN is not
    return value


def _index(number: int) -> int:
    _expect(number >= 0)
    return number


def _length(number: int) -> int:
    _expect(number <= _LONGEST)
    return _index(number)


def _expect(holds: bool) -> None:  # noqa: FBT001 -- the one thing it is about
    if not holds:
        raise ValueError
