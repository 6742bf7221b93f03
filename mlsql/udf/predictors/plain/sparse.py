"""Rows of mostly zeros, as texts become: each keeps the places and values of what is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Rows of mostly zeros: row i has ``values[starts[i]:starts[i + 1]]`` at these ``indices``, ascending."""

    size: int
    starts: Any
    indices: Any
    values: Any
    is_one: bool = False
    """Whether this is one row alone, of which a model gives one answer."""

    @property
    def ndim(self) -> int:
        """As an array has it: 1 of one row alone."""
        return 1 if self.is_one else 2

    def __len__(self) -> int:
        return len(self.starts) - 1

    def parts(self, flat: Any) -> list[Any]:
        """The part of each row of *flat*, its indices or values, as a list."""
        entries, starts = flat.tolist(), self.starts.tolist()
        return [entries[start:end] for start, end in pairwise(starts)]

    def dense(self) -> Any:
        """The same as a matrix, or as an array where it is one row alone."""
        made = np.zeros((len(self), self.size))
        made[self.rows, self.indices] = self.values
        return made[0] if self.is_one else made

    @property
    def rows(self) -> Any:
        """The row that each value is in."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def with_values(self, values: Any) -> SparseRows:
        """Other *values* at the same places."""
        return replace(self, values=values)

    def reduced(self, by: np.ufunc, values: Any) -> Any:
        """What *by* makes of the *values*, on the last axis, of each row; 0 of a row without any."""
        made = np.zeros((*values.shape[:-1], len(self)))
        filled = np.diff(self.starts) > 0
        if filled.any():
            made[..., filled] = by.reduceat(values, self.starts[:-1][filled], axis=-1)
        return made

    def times(self, weights: Any) -> Any:
        """The products with each row of *weights*, on the last axis."""
        if self.is_one:
            return self.reduced(np.add, weights.take(self.indices, axis=1) * self.values)[:, 0]
        every = (self.reduced(np.add, each.take(self.indices) * self.values) for each in weights)
        return np.stack([*every], axis=-1)  # one by one: all at once would take much memory

    def selected(self, positions: Sequence[int]) -> SparseRows:
        """The columns at these ascending *positions* alone."""
        wanted = np.asarray(positions, dtype=np.int64)
        places = np.searchsorted(wanted, self.indices)
        kept = wanted.take(places, mode="clip") == self.indices
        starts = np.concatenate([[0], np.cumsum(kept)])[self.starts]
        return SparseRows(len(wanted), starts, places[kept], self.values[kept], self.is_one)


def dense(features: Any) -> Any:
    """*features* as an array; one is left as it is."""
    return features.dense() if isinstance(features, SparseRows) else features


def takes_sparse(by: Any) -> bool:
    """Whether a step or a model says that it takes sparse rows."""
    return bool(getattr(by, "takes_sparse", False))


def taken(by: Any, features: Any) -> Any:
    """*features* as the step or model *by* takes them."""
    return features if takes_sparse(by) else dense(features)


def joined(blocks: Sequence[Any]) -> Any:
    """Blocks side by side: sparse rows where one of them is, else a matrix, or an array of one row alone."""
    if any(isinstance(each, SparseRows) for each in blocks):
        return side_by_side(blocks)
    return np.concatenate(blocks, axis=-1)


def side_by_side(blocks: Sequence[Any]) -> SparseRows:
    """Matrices and sparse rows, or the parts of one row alone, as one."""
    is_one = blocks[0].ndim == 1
    offset = 0
    rows, places, values = [], [], []
    for block in blocks:
        row, place, value = _entries(block)
        rows.append(row)
        places.append(place + offset)
        values.append(value)
        offset += width_of(block)
    count = 1 if is_one else len(blocks[0])
    row, place = np.concatenate(rows), np.concatenate(places)
    order = np.lexsort((place, row))
    starts = np.searchsorted(row[order], np.arange(count + 1))
    return SparseRows(offset, starts, place[order].astype(np.int32), np.concatenate(values)[order], is_one)


def width_of(block: Any) -> int:
    """How many features a matrix, sparse rows or an array of one row has."""
    width: int = block.size if isinstance(block, SparseRows) else block.shape[-1]
    return width


def _entries(block: Any) -> tuple[Any, Any, Any]:
    """Row, place and value of each number of a block that is not 0."""
    if isinstance(block, SparseRows):
        return block.rows, block.indices, block.values
    matrix = np.atleast_2d(block)
    row, place = np.nonzero(matrix)
    return row, place, matrix[row, place]
