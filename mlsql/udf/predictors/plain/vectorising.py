"""Values to vectors: a category as a 1 in its place, columns side by side, the entries of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlsql.errors import DataError
from mlsql.models.manifest import Column
from mlsql.udf.predictors.plain.sparse import SparseRows, joined, width_of
from mlsql.udf.predictors.plain.stepping import VECTOR, FittedStep, StepFunction, one


@dataclass(frozen=True)
class OneHotVector(FittedStep):
    """A category, counted from 0, as a vector with a 1 in its place."""

    categories: int
    """How many there were in training."""
    drops_last: bool = True
    """Whether the last category is the vector of zeros."""
    keeps_invalid: bool = False
    """Whether other numbers are a category of their own behind the others."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(category)``."""
        return (StepFunction(one("category", "double"), VECTOR, "vectors", gives=self.size),)

    @property
    def size(self) -> int:
        """Of the vectors."""
        return self.categories + self.keeps_invalid - self.drops_last

    def vectors(self, numbers: Any) -> SparseRows:
        """A vector a number."""
        given = np.asarray(numbers, dtype=np.float64)
        invalid = ~((given >= 0) & (given < self.categories) & (given == np.floor(given)))
        if invalid.any() and not self.keeps_invalid:
            raise DataError(
                f"{given[invalid][0]:g} is no category: they are 0 to {self.categories - 1}",
                hint='handleInvalid="keep" makes one category of all others',
            )
        places = np.where(invalid, self.categories, given).astype(np.int32)
        shown = places < self.size
        starts = np.concatenate([[0], np.cumsum(shown)])
        return SparseRows(self.size, starts, places[shown], np.ones(starts[-1]))


@dataclass(frozen=True)
class Assembled(FittedStep):
    """Numbers, arrays and vectors side by side in one vector, which is sparse where one of them is."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    """How each is taken: ``double``, ``array<double>``, or ``any`` for a vector."""
    widths: tuple[int, ...]
    keeps_invalid: bool = False
    """Whether nulls become NaN; else the vector is null."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(column, …)``."""
        parameters, gives = tuple(map(Column, self.names, self.kinds)), sum(self.widths)
        return (StepFunction(parameters, VECTOR, "vectors", gives=gives, keeps_nulls=self.keeps_invalid),)

    def vectors(self, *columns: Any) -> Any:
        """A row of numbers a row."""
        blocks = [
            self._block(name, width, column)
            for name, width, column in zip(self.names, self.widths, columns, strict=True)
        ]
        return joined(blocks)

    @staticmethod
    def _block(name: str, width: int, column: Any) -> Any:
        if not isinstance(column, SparseRows):
            column = np.asarray(column, dtype=np.float64)
            column = column[:, None] if column.ndim == 1 else column
        if width_of(column) != width:
            raise DataError(f"'{name}' had {width} numbers in training, not {width_of(column)}")
        return column


@dataclass(frozen=True)
class MapVector(FittedStep):
    """A map of texts to numbers as a vector with a place a key; other keys are left out."""

    keys: tuple[str, ...]

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(map)``."""
        parameter = one("map", "map<string,double>")
        return (StepFunction(parameter, VECTOR, "vectors", gives=len(self.keys)),)

    def vectors(self, maps: Sequence[Any]) -> SparseRows:
        """A vector a map, or list of its pairs."""
        rows = [self._entries(dict(each)) for each in maps]
        starts = np.cumsum([0, *map(len, rows)])
        entries = [entry for row in rows for entry in row]
        indices = np.array([place for place, _ in entries], dtype=np.int32)
        values = np.array([value for _, value in entries], dtype=np.float64)
        return SparseRows(len(self.keys), starts, indices, values)

    def _entries(self, given: Mapping[str, float | None]) -> list[tuple[int, float]]:
        places = self._places
        known = ((places[key], value) for key, value in given.items() if key in places)
        return sorted((place, value) for place, value in known if value is not None)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {key: place for place, key in enumerate(self.keys)}
