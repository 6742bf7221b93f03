"""Rows with their label and weight, cut into batches of a size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

Matrix = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows: a matrix or a SciPy CSR, and of each row the label and the weight where there are any."""

    matrix: Any
    label: Matrix | None
    weight: Matrix | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.matrix.shape[0])

    def take(self, rows: slice | Matrix) -> Self:
        """The rows of these numbers, in their order."""
        label, weight = (None if each is None else each[rows] for each in (self.label, self.weight))
        return type(self)(self.matrix[rows], label, weight)


def resized(pieces: Iterator[Piece], size: int) -> Iterator[Piece]:
    """The same rows in the same order, *size* at a time."""
    rest: Piece | None = None
    for piece in pieces:
        start = 0
        if rest is not None:
            start = min(size - rest.rows, piece.rows)
            rest = _joined(rest, piece.take(slice(0, start)))
            if rest.rows < size:
                continue
            yield rest
        full = piece.rows - (piece.rows - start) % size
        yield from (piece.take(slice(each, each + size)) for each in range(start, full, size))
        rest = piece.take(slice(full, None)) if full < piece.rows else None
    if rest is not None:
        yield rest


def _joined(first: Piece, second: Piece) -> Piece:
    pairs = ((first.label, second.label), (first.weight, second.weight))
    label, weight = (None if a is None or b is None else np.concatenate([a, b]) for a, b in pairs)
    return Piece(_stacked([first.matrix, second.matrix]), label, weight)


def _stacked(matrices: Sequence[Any]) -> Any:
    if isinstance(matrices[0], np.ndarray):
        return np.concatenate(matrices)
    from scipy.sparse import vstack

    return vstack(matrices, format="csr")
