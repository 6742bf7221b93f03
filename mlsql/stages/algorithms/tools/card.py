"""A scorecard as it is kept: base points, and the points of each bin; and the SQL that adds them up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlsql.models.manifest import Column
from mlsql.session import quoted
from mlsql.stages.algorithms.tools.bins import MISSING, FeatureBins

BASE = "basepoints"


@dataclass(frozen=True, slots=True)
class Scale:
    """How log odds become a score.

    >>> Scale.of(score=600, odds=50, pdo=20)
    Scale(factor=28.85390081777927, offset=487.1228762045055)
    """

    factor: float
    offset: float

    @classmethod
    def of(cls, *, score: float, odds: float, pdo: float) -> Scale:
        """The scale on which *score* means *odds*, and *pdo* points more double them."""
        factor = pdo / math.log(2)
        return cls(factor, score - factor * math.log(odds))


@dataclass(frozen=True, slots=True)
class Card:
    """The points that all get, and those by (feature, number of the bin)."""

    base: float
    scale: Scale
    features: tuple[FeatureBins, ...]
    points: Mapping[tuple[str, int], float]

    @property
    def parameters(self) -> tuple[Column, ...]:
        """What a score is made of: a number or a text for each feature."""
        return tuple(
            Column(each.feature, "double" if each.categories is None else "string") for each in self.features
        )

    @property
    def score(self) -> str:
        """SQL of the score, over columns named as the features."""
        return " + ".join([_number(self.base), *(value_sql(each, self.points) for each in self.features)])

    @property
    def probability(self) -> str:
        """SQL of the probability of being good."""
        return (
            f"1 / (1 + exp(({_number(self.scale.offset)} - ({self.score})) / {_number(self.scale.factor)}))"
        )


def value_sql(bins: FeatureBins, values: Mapping[tuple[str, int], float]) -> str:
    """SQL of the value of the bin in which a row lies; 0, which says nothing, for what was never seen."""
    name = quoted(bins.feature)
    own = {number: _number(value) for (feature, number), value in values.items() if feature == bins.feature}
    missing = own.get(MISSING, _number(0))
    if bins.categories is not None:
        known = ((f"= {_text(each)}", own[number]) for number, each in enumerate(bins.categories))
        return _case(f"cast({name} as string)", "", missing, known, _number(0))
    number = f"cast({name} as double)"
    below = ((f"< {_number(cut)}", own[place]) for place, cut in enumerate(bins.cuts))
    return _case(number, f" or isnan({number})", missing, below, own[len(bins.cuts)])


def _case(value: str, or_missing: str, missing: str, tests: Iterable[tuple[str, str]], otherwise: str) -> str:
    branches = " ".join(f"when {value} {test} then {found}" for test, found in tests)
    return f"(case when {value} is null{or_missing} then {missing} {branches} else {otherwise} end)"


def _number(value: float) -> str:
    return f"cast('{float(value)!r}' as double)"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
