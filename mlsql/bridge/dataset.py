"""The rows of a table in a worker: a local Arrow file as matrices, batches, tables and frames.

Order is that of the file. What nulls mean has been decided before: in numbers they are NaN here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsql.bridge.batching import Piece, resized
from mlsql.bridge.matrix import Matrix, fill, is_list, label_dtype, labels, missing, numbers, texts
from mlsql.bridge.memory import check_fits
from mlsql.bridge.request import Columns
from mlsql.bridge.vectors import (
    arrays_of,
    checked,
    count_entries,
    is_smaller_sparse,
    is_vector,
    stacked,
    width_of,
)
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

    def __init__(self, file: Path, columns: Columns, kept: Matrix | None = None) -> None:
        self.file = file
        self.columns = columns
        self._kept = kept

    @classmethod
    def open(cls, file: Path, columns: Columns) -> Self:
        """The dataset in *file*, which is mapped into memory when it is first asked for rows.

        Rows with a null are no part of it where the columns say that they are skipped.
        """
        data = cls(file, columns)
        return data.without_nulls() if columns.invalid == "skip" else data

    def without_nulls(self) -> Self:
        """The rows of the file that have no null in any column."""
        nulls = [
            np.logical_or.reduce([missing(column) for column in batch.columns]) for batch in self._mapped
        ]
        some = np.concatenate([np.empty(0, dtype=bool), *nulls])
        return type(self)(self.file, self.columns, ~some) if some.any() else self

    def only(self, rows: Matrix) -> Dataset:
        """The rows of these numbers alone, in the file's order."""
        kept = np.zeros(self._file_starts[-1], dtype=bool)
        kept[rows if self._kept is None else np.flatnonzero(self._kept)[rows]] = True
        return Dataset(self.file, self.columns, kept)

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return self._starts[-1]

    @cached_property
    def features(self) -> int:
        """How wide the matrix is."""
        return sum(width for _, width in self._widths)

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
        return self._is_vector and is_smaller_sparse(self.rows, self.features, self._entries)

    def arrays(self, dtype: Number = "float64", *, sparse: bool = False) -> tuple[Any, Matrix | None]:
        """(X, y): the whole matrix, and the labels in their own type or None.

        X is allocated once and filled batch by batch, so memory peaks at little more than X. With
        *sparse* it is a SciPy CSR where the rows are (:attr:`is_sparse`); else rows that are so are
        a DataFault when the matrix does not fit into memory.
        """
        if sparse and self.is_sparse:
            batches = self._read(range(len(self._mapped)))
            return self._csr(batches, self.rows, self._entries, dtype), self.labels()
        if self.is_sparse:
            self._check_dense(dtype)
        piece = self._filled(dtype)
        return piece.matrix, piece.label

    def labels(self) -> Matrix | None:
        """The label of every row in its own type; None without a label column."""
        return self._labels(self._batches())

    def weights(self) -> Matrix | None:
        """The weight of every row as a double; None without a weight column."""
        return self._weights(self._batches())

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
        table = pa.Table.from_batches(self._batches(), schema=self._schema)
        if not self._is_vector or self.is_sparse:
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
        return any(missing(batch.column(name)).any() for batch in self._batches())

    @cached_property
    def _reader(self) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self.file)))

    @property
    def _schema(self) -> pa.Schema:
        return self._reader.schema

    @cached_property
    def _mapped(self) -> list[pa.RecordBatch]:
        """The whole file."""
        return [self._reader.get_batch(number) for number in range(self._reader.num_record_batches)]

    @cached_property
    def _file_starts(self) -> list[int]:
        """The number in the file of each batch's first row, and of the row after the last."""
        return list(accumulate((batch.num_rows for batch in self._mapped), initial=0))

    @cached_property
    def _starts(self) -> list[int]:
        """The same, counting the kept rows alone."""
        if self._kept is None:
            return self._file_starts
        before = np.concatenate([[0], np.cumsum(self._kept)])
        return [int(each) for each in before[self._file_starts]]

    def _batch(self, number: int) -> pa.RecordBatch:
        return self._only_kept(self._mapped[number], number)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        return map(self._batch, range(len(self._mapped)))

    def _only_kept(self, batch: pa.RecordBatch, number: int) -> pa.RecordBatch:
        if self._kept is None:
            return batch
        return batch.filter(pa.array(self._kept[self._file_starts[number] : self._file_starts[number + 1]]))

    @cached_property
    def _widths(self) -> list[tuple[str, int]]:
        return [(column.name, self._width(column.name)) for column in self.columns.features]

    def _width(self, name: str) -> int:
        """1, or the length of the first array or vector."""
        kind = self._schema.field(name).type
        columns = (batch.column(name) for batch in self._batches())
        if is_vector(kind):
            return width_of(columns)
        if not is_list(kind):
            return 1
        first = next((column for column in columns if column.null_count < len(column)), None)
        return 0 if first is None else len(first.drop_null()[0])

    def _read(self, numbers: Iterable[int]) -> Iterator[pa.RecordBatch]:
        """Batches read instead of mapped: pages of the map would count as this process's memory."""
        with pa.OSFile(str(self.file)) as source, pa.ipc.open_file(source) as reader:
            for number in numbers:
                yield self._only_kept(reader.get_batch(number), number)

    @property
    def _is_vector(self) -> bool:
        return is_vector(self._schema.field(self.columns.features[0].name).type)

    def _labels(self, batches: Iterable[pa.RecordBatch]) -> Matrix | None:
        label = self.columns.label
        if label is None:
            return None
        values = [labels(batch.column(label.name), label.name) for batch in batches]
        return np.concatenate([np.empty(0, label_dtype(self._schema.field(label.name).type)), *values])

    def _weights(self, batches: Iterable[pa.RecordBatch]) -> Matrix | None:
        weight = self.columns.weight
        if weight is None:
            return None
        values = [numbers(batch.column(weight.name), weight.name) for batch in batches]
        return np.concatenate([np.empty(0), *values]).astype("float64", copy=False)

    @cached_property
    def _entries(self) -> int:
        """How many entries a CSR of all rows has."""
        return self._count_entries(self._batches())

    def _count_entries(self, batches: Iterable[pa.RecordBatch]) -> int:
        ((name, width),) = self._widths
        return sum(count_entries(batch.column(name), width) for batch in batches)

    def _csr(self, batches: Iterable[pa.RecordBatch], rows: int, entries: int, dtype: Number) -> Any:
        ((name, width),) = self._widths
        vectors = checked((batch.column(name) for batch in batches), width, name)
        return stacked(vectors, rows, entries, width, dtype)

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
        piece = self._empty(self.rows, dtype)
        middle, end = len(self._mapped) // 2, len(self._mapped)
        halves = range(middle), range(middle, end)
        with ThreadPoolExecutor(len(halves), thread_name_prefix="mlsql-matrix") as pool:
            list(
                pool.map(
                    lambda half: self._put_all(self._read(half), piece, self._starts[half.start]), halves
                )
            )
        return piece

    def _dense(self, batches: Iterable[pa.RecordBatch], rows: int, dtype: Number) -> Piece:
        """All *batches* in one piece, which has so many *rows*."""
        piece = self._empty(rows, dtype)
        self._put_all(batches, piece, 0)
        return piece

    def _empty(self, rows: int, dtype: Number) -> Piece:
        label, weight = self.columns.label, self.columns.weight
        return Piece(
            np.empty((rows, self.features), dtype),
            np.empty(rows, label_dtype(self._schema.field(label.name).type)) if label else None,
            np.empty(rows) if weight else None,
        )

    def _put_all(self, batches: Iterable[pa.RecordBatch], piece: Piece, start: int) -> None:
        for batch in batches:
            self._put(batch, piece, start)
            start += batch.num_rows

    def _put(self, batch: pa.RecordBatch, piece: Piece, start: int) -> None:
        """Write the batch to the rows from *start* on."""
        end = start + batch.num_rows
        fill(piece.matrix[start:end], batch, self._widths, start)
        if piece.label is not None and self.columns.label:
            piece.label[start:end] = labels(batch.column(self.columns.label.name), self.columns.label.name)
        if piece.weight is not None and self.columns.weight:
            piece.weight[start:end] = numbers(
                batch.column(self.columns.weight.name), self.columns.weight.name
            )

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
        batches = [piece for start, end in self._spans(blocks) for piece in self._between(start, end)]
        rows = sum(batch.num_rows for batch in batches)
        if not sparse:
            return self._dense(batches, rows, dtype)
        csr = self._csr(batches, rows, self._count_entries(batches), dtype)
        return Piece(csr, self._labels(batches), self._weights(batches))

    def _spans(self, blocks: list[int]) -> list[tuple[int, int]]:
        """The first row of each block and the one after its last; neighbours in turn are one."""
        breaks = [at for at in range(1, len(blocks)) if blocks[at] != blocks[at - 1] + 1]
        runs = zip([0, *breaks], [*breaks, len(blocks)], strict=True)
        return [
            (blocks[first] * BLOCK_ROWS, min((blocks[end - 1] + 1) * BLOCK_ROWS, self.rows))
            for first, end in runs
        ]

    def _between(self, start: int, end: int) -> Iterator[pa.RecordBatch]:
        """The rows from *start* to before *end*, as they lie in the file's batches."""
        number = bisect_right(self._starts, start) - 1
        while start < end:
            piece = self._batch(number).slice(start - self._starts[number], end - start)
            yield piece
            start += piece.num_rows
            number += 1


def _plain(table: pa.Table, name: str) -> Matrix:
    column = table.column(name)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return texts(column) if is_text else numbers(column.combine_chunks(), name)
