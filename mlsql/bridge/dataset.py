"""The rows of a table in a worker: a local Arrow file as matrices, batches, tables and frames.

Order is that of the file. What nulls mean has been decided before: in numbers they are NaN here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsql.bridge.matrix import Matrix, fill, is_list, label_dtype, labels, missing, numbers, texts
from mlsql.bridge.request import Columns
from mlsql.models import Label

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Matrix", "Number"]

Number = Literal["float32", "float64"]

BLOCK_ROWS = 1024
POOL_BYTES = 64 * 1024 * 1024
"""A shuffle mixes blocks, drawn from the whole file, that together have at most so many bytes."""


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

    def arrays(self, dtype: Number = "float64") -> tuple[Matrix, Matrix | None]:
        """(X, y): the whole matrix, and the labels in their own type or None.

        X is allocated once and filled batch by batch, so memory peaks at little more than X.
        """
        matrix, answers = self._empty(self.rows, dtype)
        start = 0
        # Reads instead of the memory map: pages of the map would count as this process's memory.
        with pa.OSFile(str(self.file)) as source, pa.ipc.open_file(source) as reader:
            for number in range(reader.num_record_batches):
                batch = self._only_kept(reader.get_batch(number), number)
                self._put(batch, matrix, answers, start)
                start += batch.num_rows
        return matrix, answers

    def labels(self) -> Matrix | None:
        """The label of every row in its own type; None without a label column."""
        label = self.columns.label
        if label is None:
            return None
        values = [labels(batch.column(label.name), label.name) for batch in self._batches()]
        return np.concatenate([np.empty(0, label_dtype(self._schema.field(label.name).type)), *values])

    def weights(self) -> Matrix | None:
        """The weight of every row as a double; None without a weight column."""
        weight = self.columns.weight
        if weight is None:
            return None
        values = [numbers(batch.column(weight.name), weight.name) for batch in self._batches()]
        return np.concatenate([np.empty(0), *values]).astype("float64", copy=False)

    def batches(
        self,
        size: int,
        *,
        epochs: int = 1,
        shuffle: bool | None = None,
        seed: int = 0,
        dtype: Number = "float64",
    ) -> Iterator[tuple[Matrix, Matrix | None]]:
        """(X, y) of *size* rows at a time, the last of an epoch perhaps smaller; holds only few of them.

        A shuffle draws blocks of rows in a new order every epoch and mixes the rows of many blocks;
        it depends on the rows' order, the seed and the width alone.
        """
        for epoch in range(epochs):
            random = np.random.default_rng([seed, epoch]) if shuffle else None
            yield from _resized(self._pools(random, dtype), size)

    def table(self) -> pa.Table:
        """All columns, in the mapped file's memory; a part of the rows is a copy."""
        return pa.Table.from_batches(self._batches(), schema=self._schema)

    def frame(self) -> pd.DataFrame:
        """All columns as a pandas frame."""
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
        """1, or the length of the first array."""
        if not is_list(self._schema.field(name).type):
            return 1
        columns = (batch.column(name) for batch in self._batches())
        first = next((column for column in columns if column.null_count < len(column)), None)
        return 0 if first is None else len(first.drop_null()[0])

    def _empty(self, rows: int, dtype: Number) -> tuple[Matrix, Matrix | None]:
        label = self.columns.label
        answers = np.empty(rows, label_dtype(self._schema.field(label.name).type)) if label else None
        return np.empty((rows, self.features), dtype), answers

    def _put(self, batch: pa.RecordBatch, matrix: Matrix, answers: Matrix | None, start: int) -> None:
        """Write the batch to the rows from *start* on."""
        end = start + batch.num_rows
        fill(matrix[start:end], batch, self._widths, start)
        if answers is not None and self.columns.label:
            answers[start:end] = labels(batch.column(self.columns.label.name), self.columns.label.name)

    def _pools(
        self, random: np.random.Generator | None, dtype: Number
    ) -> Iterator[tuple[Matrix, Matrix | None]]:
        """Blocks by the poolful, both in the file's order or both mixed by *random*."""
        blocks = np.arange(-(-self.rows // BLOCK_ROWS))
        if random:
            random.shuffle(blocks)
        row_bytes = max(1, self.features) * np.dtype(dtype).itemsize
        count = max(1, POOL_BYTES // (row_bytes * BLOCK_ROWS))
        for start in range(0, len(blocks), count):
            matrix, answers = self._pool(blocks[start : start + count].tolist(), dtype)
            order = random.permutation(len(matrix)) if random else slice(None)
            yield matrix[order], None if answers is None else answers[order]

    def _pool(self, blocks: list[int], dtype: Number) -> tuple[Matrix, Matrix | None]:
        spans = [(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, self.rows)) for block in blocks]
        matrix, answers = self._empty(sum(end - start for start, end in spans), dtype)
        place = 0
        for piece in (piece for start, end in spans for piece in self._between(start, end)):
            self._put(piece, matrix, answers, place)
            place += piece.num_rows
        return matrix, answers

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


def _resized(
    pools: Iterator[tuple[Matrix, Matrix | None]], size: int
) -> Iterator[tuple[Matrix, Matrix | None]]:
    """The same rows in the same order, *size* at a time."""
    rest: tuple[Matrix, Matrix | None] | None = None
    for pool in pools:
        matrix, answers = _joined(rest, pool)
        full = len(matrix) - len(matrix) % size
        for start in range(0, full, size):
            end = start + size
            yield matrix[start:end], None if answers is None else answers[start:end]
        rest = matrix[full:], None if answers is None else answers[full:]
    if rest is not None and len(rest[0]):
        yield rest


def _joined(
    rest: tuple[Matrix, Matrix | None] | None, pool: tuple[Matrix, Matrix | None]
) -> tuple[Matrix, Matrix | None]:
    if rest is None or not len(rest[0]):
        return pool
    answers = None if rest[1] is None or pool[1] is None else np.concatenate([rest[1], pool[1]])
    return np.concatenate([rest[0], pool[0]]), answers
