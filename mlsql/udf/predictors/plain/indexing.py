"""Texts and the numbers that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mlsql.errors import DataError
from mlsql.udf.predictors.plain.stepping import FittedStep, StepFunction, one

UNSEEN = -1
"""The number of a text that the fit has not seen."""
Unseen = Literal["unseen", "keep", "error"]


@dataclass(frozen=True)
class Labels(FittedStep):
    """Texts numbered from 0, and back."""

    labels: tuple[str, ...]
    unseen: Unseen = "unseen"
    """A text that was not there in training becomes -1, or the number behind the last, or is refused."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(text)``, ``f_array``, and back ``f_r(index)``, ``f_rarray``."""
        texts, indices = one("texts", "array<string>"), one("indices", "array<int>")
        return (
            StepFunction(one("text", "string"), "int", "index"),
            StepFunction(texts, "array<int>", "index_arrays", "_array"),
            StepFunction(one("index", "int"), "string", "label", "_r"),
            StepFunction(indices, "array<string>", "label_arrays", "_rarray"),
        )

    def index(self, texts: Sequence[str | None]) -> Any:
        """The number of each text."""
        if self.unseen == "error":
            self._refuse_unseen(texts)
        otherwise = len(self.labels) if self.unseen == "keep" else UNSEEN
        numbers = self._numbers
        return np.array([numbers.get(text, otherwise) for text in texts], dtype=np.int32)

    def index_arrays(self, arrays: Sequence[Sequence[str | None]]) -> list[Any]:
        """The numbers of the texts of each array."""
        return [self.index(texts) for texts in arrays]

    def label(self, indices: Sequence[int]) -> list[str | None]:
        """The text of each number; none for a number that stands for no text."""
        labels, count = self.labels, len(self.labels)
        return [labels[index] if 0 <= index < count else None for index in map(int, indices)]

    def label_arrays(self, arrays: Sequence[Sequence[int]]) -> list[list[str | None]]:
        """The texts of the numbers of each array."""
        return [self.label(indices) for indices in arrays]

    def _refuse_unseen(self, texts: Sequence[str | None]) -> None:
        for text in texts:
            if text not in self._numbers:
                raise DataError(f"'{text}' was not there in training, and this step refuses what is new")

    @cached_property
    def _numbers(self) -> Mapping[str | None, int]:
        return {label: number for number, label in enumerate(self.labels)}
