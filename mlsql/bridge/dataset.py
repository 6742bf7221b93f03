"""The rows of a table in a worker: a local Arrow file as matrices, batches, tables and frames.

Order is that of the file. What nulls mean has been decided before: in numbers they are NaN here.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsql.bridge.batching import Piece, resized
from mlsql.bridge.filling import Filling
from mlsql.bridge.matrix import Matrix, is_list, labels, missing, numbers, texts
from mlsql.bridge.memory import check_fits
from mlsql.bridge.request import Columns
from mlsql.bridge.row_file import RowFile
from mlsql.bridge.vectors import arrays_of, is_smaller_sparse, is_vector, width_of
from mlsql.models.manifest import Label

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Matrix", "Number"]

Number = Literal["float32", "float64"]

BLOCK_ROWS = 1024
POOL_BYTES = 64 * 1024 * 1024
"""A shuffle mixes blocks, drawn from the whole file, that together have at most so many bytes."""
PIECE_BYTES = 4 * 1024 * 1024
"""What is read at once where nothing is shuffled: small enough for the processor's cache."""


class Dataset:
    """A file that ``feeder.fetch`` wrote, and what its columns are for."""

    def __init__(self, rows: RowFile, columns: Columns) -> None:
        self.row_file = rows
        self.columns = columns

    @classmethod
    def open(cls, file: Path, columns: Columns) -> Self:
        """The dataset in *file*, which is mapped into memory when it is first asked for rows.

        Rows with a null are no part of it where the columns say that they are skipped.
        """
        data = cls(RowFile(file), columns)
        return data.without_nulls() if columns.invalid == "skip" else data

    def without_nulls(self) -> Self:
        """The rows of the file that have no null in any column."""
        return type(self)(self.row_file.without_nulls(), self.columns)

    def only(self, rows: Matrix) -> Self:
        """The rows of these numbers alone, in the file's order."""
        return type(self)(self.row_file.only(rows), self.columns)

    @property
    def file(self) -> Path:
        """The file that the rows lie in, perhaps among others."""
        return self.row_file.path

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return self.row_file.starts[-1]

    @cached_property
    def features(self) -> int:
        """How wide the matrix is."""
        return self._filling.features

    @cached_property
    def classes(self) -> tuple[Label, ...] | None:
        """The distinct labels in ascending order; None without a label."""
        label = self.columns.label
        if label is None:
            return None
        distinct = pc.unique(self.table().column(label.name))
        return tuple(sorted(labels(distinct, label.name).tolist()))

    @cached_property
    def is_sparse(self) -> bool:
        """Whether the features are vectors that take less memory as a CSR than as a matrix."""
        return self._filling.is_vector and is_smaller_sparse(self.rows, self.features, self._entries)

    def arrays(self, dtype: Number = "float64", *, sparse: bool = False) -> tuple[Any, Matrix | None]:
        """(X, y): the whole matrix, and the labels in their own type or None.

        X is allocated once and filled batch by batch, so memory peaks at little more than X. With
        *sparse* it is a SciPy CSR where the rows are (:attr:`is_sparse`); else rows that are so are
        a DataFault when the matrix does not fit into memory.
        """
        if sparse and self.is_sparse:
            batches = self.row_file.read(range(self._batch_count))
            return self._filling.csr(batches, self.rows, self._entries, dtype), self.labels()
        if self.is_sparse:
            self._check_dense(dtype)
        piece = self._filled(dtype)
        return piece.matrix, piece.label

    def labels(self) -> Matrix | None:
        """The label of every row in its own type; None without a label column."""
        return self._filling.labels(self.row_file.batches())

    def weights(self) -> Matrix | None:
        """The weight of every row as a double; None without a weight column."""
        return self._filling.weights(self.row_file.batches())

    def batches(
        self,
        size: int,
        *,
        epochs: int = 1,
        shuffle: bool | None = None,
        seed: int = 0,
        dtype: Number = "float64",
        sparse: bool = False,
    ) -> Iterator[tuple[Any, Matrix | None]]:
        """(X, y) of *size* rows at a time, the last of an epoch perhaps smaller; holds only few of them.

        A shuffle draws blocks of rows in a new order every epoch and mixes the rows of many blocks;
        it depends on the rows' order, the seed and their size alone. *sparse* is as in :meth:`arrays`.
        """
        for epoch in range(epochs):
            pieces = self.epoch(size, epoch, seed=seed if shuffle else None, dtype=dtype, sparse=sparse)
            yield from ((piece.matrix, piece.label) for piece in pieces)

    def epoch(
        self,
        size: int,
        number: int,
        *,
        seed: int | None = None,
        dtype: Number = "float64",
        sparse: bool = False,
    ) -> Iterator[Piece]:
        """The batches of one epoch with the weights of their rows, shuffled where there is a *seed*."""
        random = None if seed is None else np.random.default_rng([seed, number])
        return resized(self._pools(random, dtype, sparse=sparse and self.is_sparse), size)

    def table(self) -> pa.Table:
        """All columns, in the mapped file's memory; a part of the rows is a copy.

        Vectors are arrays, but where they are really sparse structs of size, indices and values.
        """
        table = pa.Table.from_batches(self.row_file.batches(), schema=self.row_file.schema)
        if not self._filling.is_vector or self.is_sparse:
            return table
        place = table.column_names.index(name := self.columns.features[0].name)
        return table.set_column(place, name, arrays_of(table.column(name), self.features))

    def frame(self) -> pd.DataFrame:
        """All columns of :meth:`table` as a pandas frame."""
        return self.table().to_pandas()

    def inputs(self) -> pd.DataFrame:
        """The plain features as a pandas frame: texts with None for null, all others as numbers."""
        import pandas as pd

        table = self.table()
        return pd.DataFrame({each.name: _plain(table, each.name) for each in self.columns.features})

    def has_null(self, name: str) -> bool:
        """Whether a row has a null in the column *name*, be it within its array."""
        return any(missing(batch.column(name)).any() for batch in self.row_file.batches())

    @property
    def _batch_count(self) -> int:
        return len(self.row_file.starts) - 1

    @cached_property
    def _filling(self) -> Filling:
        widths = [(column.name, self._width(column.name)) for column in self.columns.features]
        return Filling(self.columns, self.row_file.schema, widths)

    def _width(self, name: str) -> int:
        """1, or the length of the first array or vector."""
        kind = self.row_file.schema.field(name).type
        columns = (batch.column(name) for batch in self.row_file.batches())
        if is_vector(kind):
            return width_of(columns)
        if not is_list(kind):
            return 1
        first = next((column for column in columns if column.null_count < len(column)), None)
        return 0 if first is None else len(first.drop_null()[0])

    @cached_property
    def _entries(self) -> int:
        """How many entries a CSR of all rows has."""
        return self._filling.count_entries(self.row_file.batches())

    def _check_dense(self, dtype: Number) -> None:
        """Raise DataFault when the rows, which are sparse, do not fit into memory as a matrix."""
        check_fits(
            self.rows * self.features * np.dtype(dtype).itemsize,
            f"a matrix of {self.rows:,} sparse vectors with {self.features:,} features",
            "choose an estimator that takes sparse vectors (a linear or naive Bayes one, or trees), "
            "or make fewer features",
        )

    def _filled(self, dtype: Number) -> Piece:
        """All rows in one piece, by two threads: much of the time goes into new pages and the file."""
        piece = self._filling.empty(self.rows, dtype)
        middle, end = self._batch_count // 2, self._batch_count

        def put(half: range) -> None:
            self._filling.put(self.row_file.read(half), piece, self.row_file.starts[half.start])

        halves = range(middle), range(middle, end)
        with ThreadPoolExecutor(len(halves), thread_name_prefix="mlsql-matrix") as pool:
            list(pool.map(put, halves))
        return piece

    def _pools(self, random: np.random.Generator | None, dtype: Number, *, sparse: bool) -> Iterator[Piece]:
        """Blocks by the poolful, both in the file's order or both mixed by *random*."""
        blocks = np.arange(-(-self.rows // BLOCK_ROWS))
        if random:
            random.shuffle(blocks)
        pool_bytes = POOL_BYTES if random else PIECE_BYTES
        count = max(1, pool_bytes // (self._row_bytes(dtype, sparse=sparse) * BLOCK_ROWS))
        for start in range(0, len(blocks), count):
            pool = self._pool(blocks[start : start + count].tolist(), dtype, sparse=sparse)
            yield pool.take(random.permutation(pool.rows)) if random else pool

    def _row_bytes(self, dtype: Number, *, sparse: bool) -> int:
        """How much memory a row takes in a pool, in the mean."""
        row = self.features * np.dtype(dtype).itemsize
        return max(1, 12 * self._entries // self.rows if sparse else row)

    def _pool(self, blocks: list[int], dtype: Number, *, sparse: bool) -> Piece:
        spans = self._spans(blocks)
        batches = [piece for start, end in spans for piece in self.row_file.between(start, end)]
        fill = self._filling.sparse if sparse else self._filling.dense
        return fill(batches, sum(batch.num_rows for batch in batches), dtype)

    def _spans(self, blocks: list[int]) -> list[tuple[int, int]]:
        """The first row of each block and the one after its last; neighbours in turn are one."""
        breaks = [at for at in range(1, len(blocks)) if blocks[at] != blocks[at - 1] + 1]
        runs = zip([0, *breaks], [*breaks, len(blocks)], strict=True)
        return [
            (blocks[first] * BLOCK_ROWS, min((blocks[end - 1] + 1) * BLOCK_ROWS, self.rows))
            for first, end in runs
        ]


def _plain(table: pa.Table, name: str) -> Matrix:
    column = table.column(name)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return texts(column) if is_text else numbers(column.combine_chunks(), name)
