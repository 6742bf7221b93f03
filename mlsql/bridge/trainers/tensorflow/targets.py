"""What a network answers with, and how labels become that: the number of a class, or a scaled number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mlsql.bridge.errors import DataFault
from mlsql.bridge.matrix import Matrix
from mlsql.models.manifest import Label

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset


class Target(Protocol):
    """How the labels of a table are given to a network."""

    @property
    def outputs(self) -> int:
        """How many numbers the network answers with."""
        ...

    def encode(self, labels: Matrix) -> Matrix:
        """A number a label."""
        ...


@dataclass(frozen=True, slots=True)
class Classes:
    """A probability for each of these labels, which are in ascending order."""

    labels: tuple[Label, ...]

    @property
    def outputs(self) -> int:
        """As many as there are classes."""
        return len(self.labels)

    def encode(self, labels: Matrix) -> Matrix:
        """The number of each label's class; DataFault for a label that is none."""
        import pandas as pd

        numbers = pd.Index(self.labels).get_indexer(labels)
        unknown = np.flatnonzero(numbers < 0)
        if len(unknown):
            raise DataFault(f"the label '{labels[unknown[0]]}' is none of the classes that the network knows")
        return np.asarray(numbers, dtype="int64")


@dataclass(frozen=True, slots=True)
class Number:
    """A number, which the network sees less *mean* and in deviations of the labels."""

    mean: float
    deviation: float

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    def encode(self, labels: Matrix) -> Matrix:
        """The labels, brought to mean 0 and deviation 1."""
        return np.asarray((labels.astype("float64") - self.mean) / self.deviation, dtype="float32")


def classes_of(data: Dataset) -> Classes:
    """The classes that the labels of *data* are."""
    assert data.classes is not None  # the driver has seen to it
    return Classes(data.classes)


def number_of(data: Dataset) -> Number:
    """The scale of the labels of *data*; DataFault where they are no numbers."""
    labels = data.labels()
    assert labels is not None  # the driver has seen to it
    if labels.dtype == object:
        name = data.columns.label.name if data.columns.label else ""
        raise DataFault(f"the label column '{name}' holds texts; a network that regresses answers numbers")
    values = labels.astype("float64")
    return Number(float(values.mean()), float(values.std()) or 1.0)
