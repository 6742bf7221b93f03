"""What is kept of the data of a training and of a classifier's answers: figures, without the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """The figures of one column; of arrays and vectors they are those of all their entries.

    Entries that a sparse vector does not name are zeros and count as such.
    """

    type: str
    """Of Arrow."""
    count: int
    """Values that are not null."""
    nulls: int = 0
    """Rows that are null, and nulls within arrays."""
    not_finite: int = 0
    """NaN and infinities, which take no part in the figures."""
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    deviation: float | None = None
    """The standard deviation of all values, as of a whole population."""
    distinct: int | None = None
    """How many values there are of a text or a label; None when they are too many to count."""
    frequent: tuple[tuple[Value, int], ...] = ()
    """The most frequent values with how often they come: the classes of a label."""

    @classmethod
    def from_record(cls, raw: Mapping[str, Any]) -> Self:
        """What was written as JSON."""
        return cls(**{**raw, "frequent": tuple((value, count) for value, count in raw["frequent"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDetail:
    """How a classifier did on each class; the figures stand in the order of *classes*."""

    classes: tuple[Value, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    support: tuple[int, ...]
    """Rows of the class."""
    confusion: tuple[tuple[int, ...], ...] | None = None
    """For each class the answers that its rows got; None of very many classes."""

    @classmethod
    def from_record(cls, raw: Mapping[str, Any]) -> Self:
        """What was written as JSON."""
        confusion = raw["confusion"]
        lists = {name: tuple(raw[name]) for name in ("classes", "precision", "recall", "f1", "support")}
        return cls(**lists, confusion=None if confusion is None else tuple(map(tuple, confusion)))
