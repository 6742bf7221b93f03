"""What every plain model and every step in front of one can do, and what they share."""

from __future__ import annotations

from abc import abstractmethod
from math import isfinite
from typing import Any, Protocol, TypeAlias

import numpy as np

from mlsql.errors import DataError
from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.sparse import SparseRows

Features: TypeAlias = Any
"""A matrix of doubles, a row a row, or one row as an array; sparse rows; in front of an encoder, columns.

Columns are a sequence with, for each column, its values in a list or array, or one plain value."""


class PlainModel(Protocol):
    """A fitted model."""

    def predict(self, features: Features, /) -> Any:
        """An answer a row; of one row its answer alone, which of a classifier is a label of Python."""
        ...

    @property
    def has_probabilities(self) -> bool:
        """Whether it can tell :meth:`probabilities`."""
        ...

    def probabilities(self, features: Features, /) -> Any:
        """How probable each class is, on the last axis, in the order of the classes."""
        ...


class AnswersOnly:
    """A model that tells no probabilities."""

    __slots__ = ()

    @property
    def has_probabilities(self) -> bool:
        """It tells none."""
        return False

    def probabilities(self, features: Features, /) -> Any:  # noqa: ARG002
        """None that it could tell."""
        raise DataError("this model has answers, and no probabilities")


class MostProbable:
    """A classifier whose answer is the class with the highest probability."""

    __slots__ = ()
    classes: tuple[Label, ...]

    def predict(self, features: Features, /) -> Any:
        """The classes."""
        return labelled(self.classes, self.probabilities(features).argmax(axis=-1))

    @property
    def has_probabilities(self) -> bool:
        """Always."""
        return True

    @abstractmethod
    def probabilities(self, features: Features, /) -> Any:
        """How probable each class is, on the last axis."""


class Step(Protocol):
    """What makes other features of features."""

    def __call__(self, features: Features, /) -> Any:
        """A matrix for columns or a matrix, one row for one row."""
        ...


def labelled(classes: tuple[Label, ...], chosen: Any) -> Any:
    """The labels with the numbers *chosen*: an array, or of one number the label itself."""
    if isinstance(chosen, np.ndarray):
        return np.array(classes)[chosen.astype(np.intp)]
    return classes[int(chosen)]


def linear(weights: Any, features: Features) -> Any:
    """The products of *features* with each row of *weights*, on the last axis.

    Row by row, since a product of matrices rounds otherwise than that of a matrix with one row.
    """
    if isinstance(features, SparseRows):
        return features.times(weights)
    if features.ndim == 1:
        return weights @ features
    return np.matmul(weights, features[..., None])[..., 0]


def distances(centres: Any, variances: Any, features: Features) -> Any:
    """The squared distances to each of the *centres*, in units of its *variances*, on the last axis."""
    if features.ndim == 1:
        return ((features - centres) ** 2 / variances).sum(axis=-1)
    pairs = zip(centres, variances, strict=True)  # class by class: all at once would take much memory
    return np.stack([((features - mean) ** 2 / variance).sum(axis=-1) for mean, variance in pairs], axis=-1)


def check_finite(features: Features, told: Any) -> None:
    """Raise NotFinite where *told*, which depends on all *features*, shows NaN or infinity among them."""
    is_finite = isfinite(np.vdot(told, told)) if told.ndim == 1 else np.isfinite(told).all()
    if is_finite:
        return
    if isinstance(features, SparseRows):
        places = features.indices[~np.isfinite(features.values)]
    else:
        places = np.nonzero(~np.isfinite(features))[-1]
    if len(places):
        raise NotFinite(int(places[0]))


class NotFinite(DataError):
    """A feature is NaN or infinite, and the model cannot tell what that means."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"feature {position + 1} is NaN or infinite, of which this model can make nothing",
            hint="give a finite number, or null where there is none",
        )
        self.position = position
