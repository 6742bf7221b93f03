"""Weight of evidence and information value: what a bin says of who is good and who is bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """One bin: *p* good and *n* bad rows, and what their shares of all good and bad rows say.

    ``woe`` is ln((p / all good) / (n / all bad)): above 0 where the good are more than elsewhere.
    ``iv`` is the bin's part of the information value.
    """

    p: int
    n: int
    woe: float
    iv: float

    @property
    def total(self) -> int:
        """How many rows lie in the bin."""
        return self.p + self.n

    @property
    def rate(self) -> float:
        """The share of the good among them."""
        return self.p / self.total if self.total else 0.0


def weigh(counts: Sequence[tuple[int, int]]) -> list[Evidence]:
    """The evidence of bins with so many good and bad rows each; of both there must be some.

    A bin with good or bad rows alone gets half a row more of each, since its evidence would be infinite.

    >>> [round(each.woe, 3) for each in weigh([(10, 5), (90, 95)])]
    [0.693, -0.054]
    """
    good, bad = (sum(each[side] for each in counts) for side in (0, 1))
    return [_evidence(p, n, good, bad) for p, n in counts]


def _evidence(p: int, n: int, good: int, bad: int) -> Evidence:
    more = 0.0 if p and n else _HALF
    of_good, of_bad = (p + more) / good, (n + more) / bad
    woe = math.log(of_good / of_bad) if p or n else 0.0
    return Evidence(p, n, woe, (of_good - of_bad) * woe)


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the share of a bin has moved from what was expected; ``logarithm`` is that of their ratio."""

    actual: float
    expected: float
    logarithm: float
    psi: float

    @property
    def difference(self) -> float:
        """Actual less expected share."""
        return self.actual - self.expected


def shifts(counts: Sequence[tuple[int, int]], least: float = 1e-4) -> list[Shift]:
    """The population stability index by bin, of how many rows (actual, expected) each has.

    A share below *least* counts as that, since the index of an empty bin would be infinite.
    """
    actual, expected = (max(1, sum(each[side] for each in counts)) for side in (0, 1))
    return [_shift(one / actual, other / expected, least) for one, other in counts]


def _shift(actual: float, expected: float, least: float) -> Shift:
    one, other = max(actual, least), max(expected, least)
    logarithm = math.log(one / other)
    return Shift(actual, expected, logarithm, (one - other) * logarithm)
