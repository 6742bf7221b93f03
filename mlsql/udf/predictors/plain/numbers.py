"""Numbers to other numbers: scaled, put into buckets, multiplied, hashed; an array or a vector a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from mlsql.errors import DataError
from mlsql.udf.predictors.plain.base import Features, Step
from mlsql.udf.predictors.plain.chain import prepared
from mlsql.udf.predictors.plain.stepping import NUMBERS, FittedStep, StepFunction, check_width, one

Formula = Literal["log2", "logn", "log10", "sqrt", "abs"]
_FORMULAS: Mapping[str, Any] = MappingProxyType(
    {"log2": np.log2, "logn": np.log, "log10": np.log10, "sqrt": np.sqrt, "abs": np.abs}
)
_PRIME = 2038074743
"""Spark's MinHashLSH computes modulo this number."""


@dataclass(frozen=True)
class Prepared(FittedStep):
    """Arrays of numbers behind some steps, which work on each row alone."""

    steps: tuple[Step, ...]
    width: int
    gives: int
    output: str = NUMBERS
    fills: bool = False
    """Whether a null is a value for the steps: they see NaN."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(features)``."""
        main = StepFunction(
            one("features", NUMBERS),
            self.output,
            "rows",
            width=self.width,
            gives=self.gives,
            keeps_nulls=self.fills,
        )
        return (main,)

    def rows(self, matrix: Any) -> Any:
        """The matrix that the steps make of *matrix*."""
        check_width(matrix, self.width)
        return prepared(self.steps, matrix)


@dataclass(frozen=True)
class PreparedNumber(FittedStep):
    """One number behind some steps."""

    steps: tuple[Step, ...]

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(number)``."""
        return (StepFunction(one("number", "double"), "double", "numbers"),)

    def numbers(self, given: Any) -> Any:
        """A number for each."""
        return prepared(self.steps, np.asarray(given, dtype=np.float64).reshape(-1, 1))[:, 0]


@dataclass(frozen=True, slots=True)
class Outliers:
    """The fill of its column for a number below its *low* or above its *high*."""

    low: Any
    high: Any
    fill: Any

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        return np.where((features < self.low) | (features > self.high), self.fill, features)


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula of each number; NaN where there is none, as the logarithm of -1."""

    formula: Formula

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return _FORMULAS[self.formula](features)


@dataclass(frozen=True, slots=True)
class PNorm:
    """Each row divided by its p-norm; one of zeros stays."""

    p: float

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        if np.isinf(self.p):
            norms = np.abs(features).max(axis=-1, keepdims=True)
        else:
            norms = (np.abs(features) ** self.p).sum(axis=-1, keepdims=True) ** (1 / self.p)
        return features / np.where(norms == 0, 1.0, norms)


@dataclass(frozen=True, slots=True)
class Buckets:
    """For each number of a row the bucket of its column that it falls into, counted from 0.

    Bucket i is from split i up to the next, which belongs to it in the last one alone.
    """

    splits: tuple[Any, ...]
    """Ascending, an array a column."""
    keeps_invalid: bool = False
    """Whether NaN, and what lies outside, has a bucket of its own behind the others."""

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        columns = [self._column(features[..., place], each) for place, each in enumerate(self.splits)]
        return np.stack(columns, axis=-1)

    def _column(self, values: Any, splits: Any) -> Any:
        last = len(splits) - 1
        bucket = np.where(values == splits[-1], last - 1, np.searchsorted(splits, values, side="right") - 1)
        invalid = (bucket < 0) | (bucket >= last) | np.isnan(values)
        if np.any(invalid) and not self.keeps_invalid:
            bad = np.asarray(values)[invalid].ravel()[0]
            raise DataError(
                f"{bad} is in no bucket: they are from {splits[0]:g} to {splits[-1]:g}",
                hint='handleInvalid="keep" gives such numbers a bucket of their own',
            )
        return np.where(invalid, last, bucket).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Monomials:
    """Products of powers of the numbers: an exponent a number, a row a product."""

    exponents: Any

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        columns = [self._product(features, powers) for powers in self.exponents]
        return np.stack(columns, axis=-1)

    @staticmethod
    def _product(features: Any, powers: Any) -> Any:
        factors = np.repeat(np.arange(len(powers)), powers)
        return np.multiply.reduce(features[..., factors], axis=-1)


@dataclass(frozen=True)
class CategoryPlaces:
    """In columns with few values the place of each value among them; other columns stay."""

    values: tuple[Any, ...]
    """The values of a column in the order of their places; none for one that stays."""
    keeps_invalid: bool = False

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        made = np.array(features)
        for place, numbers in self._numbers.items():
            column = np.atleast_1d(features[..., place])
            made[..., place] = [self._number(value, numbers, place) for value in column.tolist()]
        return made

    def _number(self, value: float, numbers: Mapping[float, int], place: int) -> float:
        number = numbers.get(value, len(numbers) if self.keeps_invalid else None)
        if number is None:
            raise DataError(f"{value:g} was not there in training among the values of feature {place}")
        return number

    @cached_property
    def _numbers(self) -> Mapping[int, Mapping[float, int]]:
        return {
            place: {value: number for number, value in enumerate(values.tolist())}
            for place, values in enumerate(self.values)
            if len(values)
        }


@dataclass(frozen=True, slots=True)
class MinHashes:
    """For each hash function its least value over the places that are not zero, as Spark's MinHashLSH."""

    factors: Any
    offsets: Any

    def __call__(self, features: Features) -> Any:
        """The matrix, a column a hash function."""
        rows = np.atleast_2d(features)
        if not (rows != 0).any(axis=1).all():
            raise DataError("a vector without a number that is not 0 has no MinHash")
        places = np.arange(1, rows.shape[1] + 1, dtype=np.int64)
        hashes = (np.outer(places, self.factors) + self.offsets) % _PRIME
        least = [hashes[row != 0].min(axis=0) for row in rows]
        return np.array(least if features.ndim > 1 else least[0], dtype=np.float64)
