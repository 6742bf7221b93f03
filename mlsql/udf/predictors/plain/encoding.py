"""Columns to a matrix: numbers as they are, categories by their places, blocks of columns side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlsql.errors import DataError
from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import Features, Step
from mlsql.udf.predictors.plain.chain import prepared
from mlsql.udf.predictors.plain.sparse import joined


@dataclass(frozen=True, slots=True)
class Numbers:
    """Columns of numbers as a matrix of doubles; null is NaN."""

    def __call__(self, features: Features) -> Any:
        """The matrix; one is left as it is."""
        if isinstance(features, np.ndarray):
            return features
        return np.ascontiguousarray(np.array(features, dtype=np.float64).T)


@dataclass(frozen=True, slots=True)
class Block:
    """Some of the features, and what is made of them; without *steps* they are numbers as they are."""

    positions: tuple[int, ...]
    steps: tuple[Step, ...]

    def __call__(self, features: Features) -> Any:
        """Its part of the matrix."""
        if isinstance(features, np.ndarray):
            part: Any = features[..., list(self.positions)]
        else:
            part = [features[each] for each in self.positions]
        return prepared(self.steps or (Numbers(),), part)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The parts that the *blocks* make, side by side."""

    blocks: tuple[Block, ...]

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        return joined([block(features) for block in self.blocks])


@dataclass(frozen=True, slots=True)
class Categories:
    """The values of one column in training, and what each becomes; null and NaN are the same value."""

    values: tuple[Label | None, ...]
    codes: tuple[float, ...]
    """A number a value; in a :class:`OneHot` the column that is 1, or -1 for none."""
    unknown: float | None
    """What any other value becomes; None where it is refused."""
    numbers: dict[Any, float] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Index the values."""
        object.__setattr__(self, "numbers", dict(zip(self.values, self.codes, strict=True)))

    def of(self, value: Any) -> float:
        """The code of one value."""
        found = self.numbers.get(None if value != value else value, self.unknown)  # noqa: PLR0124 — NaN
        if found is None:
            raise DataError(f"'{value}' was not there in training, and this model refuses what is new")
        return found


@dataclass(frozen=True, slots=True)
class OneHot:
    """A column a category: 1 in that of the value, 0 in the others."""

    columns: tuple[Categories, ...]
    width: int
    """Of the matrix."""

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        codes = coded(self.columns, features)
        if not isinstance(codes[0], list):
            made = np.zeros(self.width)
            made[[code for code in codes if code >= 0]] = 1.0
            return made
        made = np.zeros((len(codes[0]), self.width))
        for column in codes:
            places = np.array(column, dtype=np.intp)
            rows = np.nonzero(places >= 0)[0]
            made[rows, places[rows]] = 1.0
        return made


@dataclass(frozen=True, slots=True)
class Ordinal:
    """The code of each value."""

    columns: tuple[Categories, ...]

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        return np.ascontiguousarray(np.array(coded(self.columns, features), dtype=np.float64).T)


def coded(columns: Sequence[Categories], features: Features) -> list[Any]:
    """The codes of each column: a list, or of one row one code."""
    given = features.T if isinstance(features, np.ndarray) else features
    return [_coded(column, values) for column, values in zip(columns, given, strict=True)]


def _coded(column: Categories, values: Any) -> Any:
    if isinstance(values, np.ndarray) and values.ndim:
        values = values.tolist()
    return [column.of(each) for each in values] if isinstance(values, list) else column.of(values)
