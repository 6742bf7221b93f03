"""The rows of a local Arrow file, or some of them, in the file's order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlsql.bridge.matrix import Matrix, missing


class RowFile:
    """The rows of *path*, which is mapped into memory when it is first asked for them; *kept* says which."""

    def __init__(self, path: Path, kept: Matrix | None = None) -> None:
        self.path = path
        self._kept = kept

    def without_nulls(self) -> RowFile:
        """The rows of the file that have no null in any column."""
        nulls = [
            np.logical_or.reduce([missing(column) for column in batch.columns]) for batch in self._mapped
        ]
        some = np.concatenate([np.empty(0, dtype=bool), *nulls])
        return RowFile(self.path, ~some) if some.any() else self

    def only(self, rows: Matrix) -> RowFile:
        """The rows of these numbers alone."""
        kept = np.zeros(self._file_starts[-1], dtype=bool)
        kept[rows if self._kept is None else np.flatnonzero(self._kept)[rows]] = True
        return RowFile(self.path, kept)

    @property
    def schema(self) -> pa.Schema:
        """That of the batches."""
        return self._reader.schema

    @cached_property
    def starts(self) -> list[int]:
        """The number of each batch's first row, and of the row after the last."""
        if self._kept is None:
            return self._file_starts
        before = np.concatenate([[0], np.cumsum(self._kept)])
        return [int(each) for each in before[self._file_starts]]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All batches, in the mapped file's memory; a part of one is a copy."""
        return map(self._batch, range(len(self._mapped)))

    def read(self, numbers: Iterable[int]) -> Iterator[pa.RecordBatch]:
        """Batches read instead of mapped: pages of the map would count as this process's memory."""
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            for number in numbers:
                yield self._only_kept(reader.get_batch(number), number)

    def between(self, start: int, end: int) -> Iterator[pa.RecordBatch]:
        """The rows from *start* to before *end*, as they lie in the file's batches."""
        number = bisect_right(self.starts, start) - 1
        while start < end:
            piece = self._batch(number).slice(start - self.starts[number], end - start)
            yield piece
            start += piece.num_rows
            number += 1

    @cached_property
    def _reader(self) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self.path)))

    @cached_property
    def _mapped(self) -> list[pa.RecordBatch]:
        """The whole file."""
        return [self._reader.get_batch(number) for number in range(self._reader.num_record_batches)]

    @cached_property
    def _file_starts(self) -> list[int]:
        """Like :attr:`starts`, as if all rows were kept."""
        return list(accumulate((batch.num_rows for batch in self._mapped), initial=0))

    def _batch(self, number: int) -> pa.RecordBatch:
        return self._only_kept(self._mapped[number], number)

    def _only_kept(self, batch: pa.RecordBatch, number: int) -> pa.RecordBatch:
        if self._kept is None:
            return batch
        return batch.filter(pa.array(self._kept[self._file_starts[number] : self._file_starts[number + 1]]))
