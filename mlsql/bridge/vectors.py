"""Spark's vectors in Arrow: a struct a row, that of a dense one with values alone, as rows of a matrix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsql.bridge.errors import DataFault

Matrix = np.ndarray[Any, np.dtype[Any]]
FIELDS = ("size", "indices", "values")
"""``size`` is that of a sparse vector, and -1 for a dense one, which has no indices."""
_DENSE = -1


def is_vector(kind: pa.DataType) -> bool:
    """Whether a column of this type holds a vector a row."""
    return bool(pa.types.is_struct(kind)) and tuple(field.name for field in kind) == FIELDS


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of one batch, taken apart; *missing* are the rows without one."""

    sizes: Matrix
    """How wide each row is; 0 where there is none."""
    counts: Matrix
    """How many values each row has."""
    sparse: Matrix
    """Which rows have indices."""
    missing: Matrix
    indices: Matrix
    """Of the sparse rows, one after the other."""
    values: Matrix
    """Of all rows, one after the other."""

    @classmethod
    def of(cls, column: pa.StructArray) -> Self:
        """The vectors in *column*."""
        size, indices, values = column.flatten()
        counts = pc.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False)
        given = size.fill_null(_DENSE).to_numpy(zero_copy_only=False)
        sparse = given != _DENSE
        return cls(
            sizes=np.where(sparse, given, counts),
            counts=counts,
            sparse=sparse,
            missing=column.is_null().to_numpy(zero_copy_only=False),
            indices=indices.flatten().to_numpy(zero_copy_only=False),
            values=values.flatten().to_numpy(zero_copy_only=False),
        )

    def check_width(self, width: int, name: str, first_row: int) -> None:
        """Raise DataFault unless each row is *width* wide; *first_row* is the number of the first, for it."""
        wrong = np.flatnonzero((self.sizes != width) & ~self.missing)
        if len(wrong):
            row = int(wrong[0])
            raise DataFault(
                f"the vectors of the column '{name}' differ in size: {width:,} in the first row, "
                f"{int(self.sizes[row]):,} in row {first_row + row + 1:,}"
            )

    def fill(self, target: Matrix) -> None:
        """Write all rows into the matrix *target*; those that are missing are NaN."""
        if not (self.sparse.any() or self.missing.any()):
            target[:] = self.values.reshape(target.shape)
            return
        full = ~self.sparse & ~self.missing
        target[:] = 0
        target[self.missing] = np.nan
        target[full] = self.values[np.repeat(full, self.counts)].reshape(-1, target.shape[1])
        rows = np.repeat(np.arange(len(target)), self.counts)
        given = self.sparse[rows]
        target[rows[given], self.indices] = self.values[given]

    def stored(self, width: int) -> tuple[Matrix, Matrix, Matrix]:
        """How many entries each row has in a CSR, their columns and their values."""
        if not self.missing.any() and self.sparse.all():
            return self.counts, self.indices, self.values
        counts = np.where(self.missing, width, self.counts)
        values = np.full(counts.sum(), np.nan)
        values[np.repeat(~self.missing, counts)] = self.values
        columns = np.empty(len(values), "int32")
        given = np.repeat(self.sparse, counts)
        columns[given] = self.indices
        columns[~given] = np.tile(np.arange(width, dtype="int32"), int((~self.sparse).sum()))
        return counts, columns, values


def width_of(columns: Iterable[pa.StructArray]) -> int:
    """How wide the first vector is; 0 without one."""
    first = next((column for column in columns if column.null_count < len(column)), None)
    if first is None:
        return 0
    vectors = Vectors.of(first.drop_null().slice(0, 1))
    return int(vectors.sizes[0])


def checked(columns: Iterable[pa.StructArray], width: int, name: str) -> Iterator[Vectors]:
    """The vectors of all *columns*, which have the same width."""
    row = 0
    for column in columns:
        vectors = Vectors.of(column)
        vectors.check_width(width, name, row)
        yield vectors
        row += len(column)


def count_entries(column: pa.StructArray, width: int) -> int:
    """How many entries a CSR of the vectors in *column* has; one that is missing is a row of NaN."""
    values = pc.struct_field(column, "values")
    given = pc.sum(pc.list_value_length(values)).as_py() or 0
    return int(given + width * column.null_count)


def arrays_of(column: pa.ChunkedArray, width: int) -> pa.ChunkedArray:
    """The vectors in *column*, which are *width* wide, as arrays."""
    return pa.chunked_array([_arrays(chunk, width) for chunk in column.chunks], pa.list_(pa.float64()))


def _arrays(column: pa.StructArray, width: int) -> pa.ListArray:
    vectors = Vectors.of(column)
    matrix = np.empty((len(column), width))
    vectors.fill(matrix)
    starts = np.arange(len(column) + 1, dtype="int32") * width
    return pa.ListArray.from_arrays(starts, matrix.ravel(), mask=pa.array(vectors.missing))


def is_smaller_sparse(rows: int, width: int, entries: int) -> bool:
    """Whether a CSR of doubles with 32-bit indices takes less memory than the matrix."""
    return 12 * entries + 4 * (rows + 1) < 8 * rows * width


def stacked(batches: Iterable[Vectors], rows: int, entries: int, width: int, dtype: str) -> Any:
    """One SciPy CSR of all *batches*, which together have so many *rows* and *entries*.

    It is allocated once. Values that are stored stay so, zeros too.
    """
    from scipy.sparse import csr_matrix

    offsets = "int32" if entries < 2**31 else "int64"
    starts, columns = np.zeros(rows + 1, offsets), np.empty(entries, offsets)
    values = np.empty(entries, dtype)
    row = place = 0
    for batch in batches:
        counts, batch_columns, batch_values = batch.stored(width)
        starts[row + 1 : row + len(counts) + 1] = place + np.cumsum(counts)
        end = place + len(batch_values)
        columns[place:end], values[place:end] = batch_columns, batch_values
        row, place = row + len(counts), end
    return csr_matrix((values, columns, starts), shape=(rows, width))
