"""What is done to a matrix before a model gets it: scaling, filling, cutting, projecting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mlsql.udf.predictors.plain.base import Features, check_finite, linear
from mlsql.udf.predictors.plain.sparse import SparseRows, dense


@dataclass(frozen=True, slots=True)
class Standardise:
    """``(feature - centre) / scale``; None leaves that out. NaN stays NaN."""

    takes_sparse: ClassVar[bool] = True
    centre: Any
    scale: Any

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        if self.centre is not None:
            features = dense(features) - self.centre
        if self.scale is None:
            return features
        if isinstance(features, SparseRows):
            return features.with_values(features.values / self.scale[features.indices])
        return features / self.scale


@dataclass(frozen=True, slots=True)
class Rescale:
    """``feature * factor + offset``, cut off outside of *low* and *high* where there are such."""

    factors: Any
    offsets: Any
    low: float | None = None
    high: float | None = None

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        made = features * self.factors + self.offsets
        return made if self.low is None else np.clip(made, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Impute:
    """A number instead of NaN, and a column behind for each feature whose absence is told."""

    fills: Any
    told: tuple[int, ...] = ()
    """The features of which a column says whether they were missing."""
    marker: float | None = None
    """The number that is missing; None: NaN is."""

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        missing = np.isnan(features) if self.marker is None else features == self.marker
        filled = np.where(missing, self.fills, features)
        if not self.told:
            return filled
        return np.concatenate([filled, missing[..., list(self.told)].astype(np.float64)], axis=-1)


@dataclass(frozen=True, slots=True)
class ImputeTexts:
    """A text instead of null, a column each; it takes columns and gives columns."""

    fills: tuple[str, ...]

    def __call__(self, features: Features) -> Any:
        """The columns."""
        return [_filled(values, fill) for values, fill in zip(features, self.fills, strict=True)]


@dataclass(frozen=True, slots=True)
class Binarise:
    """1 for what is above the threshold, 0 for the rest."""

    takes_sparse: ClassVar[bool] = True
    threshold: float

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        if isinstance(features, SparseRows) and self.threshold >= 0.0:
            check_finite(features, features.values)
            return features.with_values((features.values > self.threshold).astype(np.float64))
        features = dense(features)
        check_finite(features, features)
        return (features > self.threshold).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Normalise:
    """Each row scaled to length 1; one of zeros stays."""

    takes_sparse: ClassVar[bool] = True
    norm: Literal["l1", "l2", "max"]

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        if isinstance(features, SparseRows):
            return self._sparse(features)
        sizes = np.abs(features)
        lengths = {
            "l1": lambda: sizes.sum(axis=-1, keepdims=True),
            "l2": lambda: np.sqrt((sizes**2).sum(axis=-1, keepdims=True)),
            "max": lambda: sizes.max(axis=-1, keepdims=True),
        }[self.norm]()
        check_finite(features, lengths)
        return features / np.where(lengths == 0.0, 1.0, lengths)

    def _sparse(self, rows: SparseRows) -> SparseRows:
        sizes = np.abs(rows.values)
        by = np.maximum if self.norm == "max" else np.add
        sums = rows.reduced(by, sizes**2 if self.norm == "l2" else sizes)
        lengths = np.sqrt(sums) if self.norm == "l2" else sums
        check_finite(rows, lengths)
        return rows.with_values(rows.values / np.where(lengths == 0.0, 1.0, lengths)[rows.rows])


@dataclass(frozen=True, slots=True)
class Project:
    """``components @ (features - centre)``: principal components and the like."""

    takes_sparse: ClassVar[bool] = True
    components: Any
    """New features × old ones."""
    centre: Any
    """None leaves it out."""

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        made = linear(self.components, features if self.centre is None else dense(features) - self.centre)
        check_finite(features, made)
        return made


@dataclass(frozen=True, slots=True)
class Select:
    """The features at these positions, in this order."""

    takes_sparse: ClassVar[bool] = True
    positions: tuple[int, ...]

    def __call__(self, features: Features) -> Any:
        """The matrix."""
        if isinstance(features, SparseRows):
            return features.selected(self.positions)
        return features[..., list(self.positions)]


def _filled(values: Any, fill: str) -> Any:
    if isinstance(values, np.ndarray) and values.ndim:
        values = values.tolist()
    if isinstance(values, list):
        return [fill if _is_missing(each) else each for each in values]
    return fill if _is_missing(values) else values


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 — NaN
