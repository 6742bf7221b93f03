"""Record batches as pieces: a matrix or a CSR with the labels and the weights of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlsql.bridge.batching import Piece
from mlsql.bridge.matrix import Matrix, fill, label_dtype, labels, numbers
from mlsql.bridge.request import Columns
from mlsql.bridge.vectors import checked, count_entries, is_vector, stacked


@dataclass(frozen=True, slots=True)
class Filling:
    """Makes pieces of batches with *schema*, whose features have these *widths*."""

    columns: Columns
    schema: pa.Schema
    widths: Sequence[tuple[str, int]]

    @property
    def features(self) -> int:
        """How wide a matrix is."""
        return sum(width for _, width in self.widths)

    @property
    def is_vector(self) -> bool:
        """Whether the features are one column of vectors."""
        return is_vector(self.schema.field(self.columns.features[0].name).type)

    def dense(self, batches: Iterable[pa.RecordBatch], rows: int, dtype: str) -> Piece:
        """All *batches* in one piece, which has so many *rows*."""
        piece = self.empty(rows, dtype)
        self.put(batches, piece, 0)
        return piece

    def empty(self, rows: int, dtype: str) -> Piece:
        """Memory for so many *rows*."""
        label, weight = self.columns.label, self.columns.weight
        return Piece(
            np.empty((rows, self.features), dtype),
            np.empty(rows, label_dtype(self.schema.field(label.name).type)) if label else None,
            np.empty(rows) if weight else None,
        )

    def put(self, batches: Iterable[pa.RecordBatch], piece: Piece, start: int) -> None:
        """Write *batches* to the rows of *piece* from *start* on."""
        for batch in batches:
            end = start + batch.num_rows
            fill(piece.matrix[start:end], batch, self.widths, start)
            if piece.label is not None and self.columns.label:
                name = self.columns.label.name
                piece.label[start:end] = labels(batch.column(name), name)
            if piece.weight is not None and self.columns.weight:
                name = self.columns.weight.name
                piece.weight[start:end] = numbers(batch.column(name), name)
            start = end

    def sparse(self, batches: Sequence[pa.RecordBatch], rows: int, dtype: str) -> Piece:
        """The same with a CSR."""
        csr = self.csr(batches, rows, self.count_entries(batches), dtype)
        return Piece(csr, self.labels(batches), self.weights(batches))

    def csr(self, batches: Iterable[pa.RecordBatch], rows: int, entries: int, dtype: str) -> Any:
        """The vectors of all *batches*, which have so many *entries*."""
        ((name, width),) = self.widths
        vectors = checked((batch.column(name) for batch in batches), width, name)
        return stacked(vectors, rows, entries, width, dtype)

    def count_entries(self, batches: Iterable[pa.RecordBatch]) -> int:
        """How many entries a CSR of all *batches* has."""
        ((name, width),) = self.widths
        return sum(count_entries(batch.column(name), width) for batch in batches)

    def labels(self, batches: Iterable[pa.RecordBatch]) -> Matrix | None:
        """The label of every row in its own type; None without a label column."""
        label = self.columns.label
        if label is None:
            return None
        values = [labels(batch.column(label.name), label.name) for batch in batches]
        return np.concatenate([np.empty(0, label_dtype(self.schema.field(label.name).type)), *values])

    def weights(self, batches: Iterable[pa.RecordBatch]) -> Matrix | None:
        """The weight of every row as a double; None without a weight column."""
        weight = self.columns.weight
        if weight is None:
            return None
        values = [numbers(batch.column(weight.name), weight.name) for batch in batches]
        return np.concatenate([np.empty(0), *values]).astype("float64", copy=False)
