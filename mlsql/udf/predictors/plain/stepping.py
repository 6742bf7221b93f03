"""A fitted feature step: the functions that it has, and how they are asked for many rows and for one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.errors import DataError
from mlsql.models.manifest import Column
from mlsql.udf.predictors.plain.base import AnswersOnly, Features
from mlsql.udf.predictors.plain.sparse import SparseRows

VECTOR, NUMBERS, ANY = "vector", "array<double>", "any"


@dataclass(frozen=True, slots=True)
class StepFunction:
    """How one function of a step is called, and the method that answers it.

    The method takes a sequence a parameter: texts and arrays as lists, numbers as an array, of
    ``array<double>`` a matrix, of ``any``, which is a vector here, a matrix or :class:`SparseRows`.
    It gives a list or array; of ``vector`` a matrix or :class:`SparseRows`.
    """

    parameters: tuple[Column, ...]
    output: str
    method: str
    suffix: str = ""
    """What its name ends with, behind the name that the step is registered under."""
    width: int | None = None
    """How many numbers its array takes; None: any number of them."""
    gives: int | None = None
    """How many numbers its vector or array has; None: that depends on the row."""
    keeps_nulls: bool = False
    """Whether a null among numbers is a value, NaN; else, and for what is no number, null gives null."""


def one(name: str, kind: str) -> tuple[Column, ...]:
    """The parameters of a function that has one."""
    return (Column(name, kind),)


class FittedStep(AnswersOnly):
    """What the records of fitted steps share: a PlainModel that answers with its first function.

    It is a step of a chain, too, whose matrix is dense.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def functions(self) -> tuple[StepFunction, ...]:
        """Its functions, the main one first."""

    def ask(self, function: StepFunction, columns: Sequence[Any]) -> Any:
        """What *function*, one of its own, answers to many rows."""
        return getattr(self, function.method)(*columns)

    def predict(self, features: Features) -> Any:
        """The answers of the main function to rows of a matrix or of columns, or to one row alone."""
        main = self.functions[0]
        if isinstance(features, np.ndarray) or [each.type for each in main.parameters] == [NUMBERS]:
            features = [features]
        columns = [_rows(each, column) for each, column in zip(main.parameters, features, strict=True)]
        answers = self.ask(main, [rows for rows, _ in columns])
        if any(is_many for _, is_many in columns):
            return answers
        return answers.dense()[0] if isinstance(answers, SparseRows) else answers[0]

    def __call__(self, features: Features) -> Any:
        """The same as numbers that a model takes."""
        answers = self.predict(features)
        return answers.dense() if isinstance(answers, SparseRows) else np.asarray(answers)


def _rows(parameter: Column, given: Any) -> tuple[Any, bool]:
    """What *given* is as many rows, and whether it was many."""
    if parameter.type in (NUMBERS, ANY):
        matrix = np.asarray(given, dtype=np.float64)
        return np.atleast_2d(matrix), matrix.ndim > 1
    is_many = isinstance(given, list | tuple | np.ndarray)
    if parameter.type.startswith("array"):
        is_many = is_many and len(given) > 0 and isinstance(given[0], list | tuple | np.ndarray)
    rows = given if is_many else [given]
    return np.asarray(rows) if parameter.type in ("double", "int") else rows, is_many


def check_width(matrix: Any, width: int) -> None:
    """DataError for rows that are not *width* wide."""
    if matrix.shape[1] != width:
        raise DataError(f"this step takes {width} numbers, not {matrix.shape[1]}")
