"""The figures of each column of rows that pass by: exact, in one pass, with memory for a few values.

Sums are those of deviations from each batch's own mean, put together as Chan, Golub and LeVeque do,
so that large numbers close together keep their digits. A struct that is a vector, dense or sparse,
counts its size: entries that it does not hold are zeros, and none is ever made.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsql.bridge.digest import Digest
from mlsql.bridge.matrix import Matrix, is_list
from mlsql.models.summaries import ColumnSummary

MOST_DISTINCT = 1_000
"""Values of a text or a label are counted until they are more."""
MOST_FREQUENT = 20
"""So many are kept of a feature; of a label all that were counted."""
_MOST_CHARACTERS = 100
_ROWS_AT_ONCE = 2048
"""Small batches cost more than their rows: they are gathered until they have so many."""
_MOST_WAITING = 8
"""Batches that the thread may be behind."""
_VECTOR = {"size", "indices", "values"}
_BLOCK = 8192
"""Numbers at a time: they stay in the processor's cache, and NumPy takes no more threads for them."""
_ONES = np.ones(_BLOCK)
_ENOUGH = 1e-3


@dataclass(slots=True)
class Moments:
    """Count, extremes, mean and sum of squared deviations of finite numbers."""

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: Matrix) -> int:
        """Take *values* into account; how many of them are not finite."""
        left_out = 0
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            mean = float(np.dot(block, _ONES[: len(block)])) / len(block)
            if not math.isfinite(mean):
                finite = block[np.isfinite(block)]
                left_out += len(block) - len(finite)
                block, mean = finite, float((finite / max(1, len(finite))).sum())
            if len(block):
                self.join(_moments(block, mean))
        return left_out

    @property
    def deviation(self) -> float | None:
        """Of the whole population; None when a double cannot hold it."""
        deviation = math.sqrt(self.squares / self.count)
        return deviation if math.isfinite(deviation) else None

    def join(self, other: Moments) -> None:
        """Take what *other* has seen into account."""
        count = self.count + other.count
        if not other.count:
            return
        apart = other.mean - self.mean
        share = other.count / count
        self.squares += other.squares + apart * apart * self.count * share
        self.mean += apart * share
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.count = count


def _moments(block: Matrix, mean: float) -> Moments:
    """Of finite numbers that have this mean."""
    squares = float(np.dot(block, block))
    spread = squares - mean * mean * len(block)
    if not spread > squares * _ENOUGH:  # the difference has lost digits
        deviations = block - mean
        spread = float(np.dot(deviations, deviations))
    return Moments(len(block), float(np.minimum.reduce(block)), float(np.maximum.reduce(block)), mean, spread)


@dataclass(slots=True)
class _Column:
    """The running figures of one column."""

    type: pa.DataType
    is_label: bool
    count: int = 0
    nulls: int = 0
    not_finite: int = 0
    zeros: int = 0
    """Entries of sparse vectors that are not held."""
    moments: Moments = field(default_factory=Moments)
    values: Counter[Any] | None = None
    """None where values are not counted, or are too many."""

    def __post_init__(self) -> None:
        if self.is_label or _is_text(self.type):
            self.values = Counter()

    def add(self, array: pa.Array) -> None:
        """Take the next values of the column into account."""
        kind = array.type
        if is_list(kind):
            self.nulls += array.null_count
            self.add(array.flatten())
        elif pa.types.is_struct(kind) and {each.name for each in kind} >= _VECTOR:
            self._add_vectors(array)
        else:
            self._add_plain(array)

    def summary(self) -> ColumnSummary:
        """What was seen so far."""
        numbers = dataclasses.replace(self.moments)
        if self.zeros:
            numbers.join(Moments(self.zeros, 0.0, 0.0))
        counted = None if self.values is None else self.values.most_common()
        kept = counted if counted is None or self.is_label else counted[:MOST_FREQUENT]
        figures: dict[str, Any] = {}
        if numbers.count:
            figures = {
                "min": numbers.low,
                "max": numbers.high,
                "mean": numbers.mean,
                "deviation": numbers.deviation,
            }
        return ColumnSummary(
            type=str(self.type),
            count=self.count + self.zeros,
            nulls=self.nulls,
            not_finite=self.not_finite,
            distinct=None if counted is None else len(counted),
            frequent=tuple((_short(value), count) for value, count in kept or ()),
            **figures,
        )

    def _add_plain(self, array: pa.Array) -> None:
        self.nulls += array.null_count
        valid = array.drop_null() if array.null_count else array
        self.count += len(valid)
        if self.values is not None:
            self._count(valid)
        numbers = _numbers(valid)
        if numbers is not None:
            self.not_finite += self.moments.add(numbers)

    def _add_vectors(self, array: pa.Array) -> None:
        """Structs of a size (null where dense) and the values that are held."""
        self.nulls += array.null_count
        names = [each.name for each in array.type]
        valid = array.drop_null() if array.null_count else array
        fields = dict(zip(names, valid.flatten(), strict=True))
        held = fields["values"].flatten()
        lengths = pc.list_value_length(fields["values"]).cast(pa.int64())
        given = fields["size"].cast(pa.int64())  # -1 or null where the vector is dense
        sizes = pc.coalesce(pc.if_else(pc.greater_equal(given, 0), given, None), lengths)
        self.zeros += (pc.sum(sizes).as_py() or 0) - len(held)
        self._add_plain(held)

    def _count(self, valid: pa.Array) -> None:
        assert self.values is not None
        found = pc.value_counts(valid)
        if len(found) + len(self.values) > MOST_DISTINCT:
            found = found if len(found) <= MOST_DISTINCT else None
        if found is not None:
            counts = found.field(1).to_pylist()
            self.values.update(dict(zip(found.field(0).to_pylist(), counts, strict=True)))
        if found is None or len(self.values) > MOST_DISTINCT:
            self.values = None


class Statistics:
    """The figures of record batches with *schema*, given one after the other; *label* names that column."""

    def __init__(self, schema: pa.Schema, label: str | None = None) -> None:
        self._columns = {each.name: _Column(each.type, each.name == label) for each in schema}
        self._gathered: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows into account."""
        self._gathered.append(batch)
        if sum(each.num_rows for each in self._gathered) >= _ROWS_AT_ONCE:
            self._flush()

    def columns(self) -> Mapping[str, ColumnSummary]:
        """The figures of all that was added, by column."""
        self._flush()
        return {name: column.summary() for name, column in self._columns.items()}

    def _flush(self) -> None:
        batches, self._gathered = self._gathered, []
        with np.errstate(all="ignore"):  # what is not finite is counted
            for number, column in enumerate(self._columns.values() if batches else ()):
                arrays = [batch.column(number) for batch in batches]
                column.add(arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays))


class Observer:
    """Digest and statistics in a thread of their own, so that whoever hands the rows over hardly waits.

    As a context manager; what it computes, the :attr:`digest` too, is complete when :meth:`columns`
    returns.
    """

    def __init__(self, schema: pa.Schema, label: str | None = None) -> None:
        self.digest = Digest(schema)
        self._statistics = Statistics(schema, label)
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mlsql-statistics")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows into account, soon."""
        self._pending.append(self._pool.submit(self._observe, batch))
        if len(self._pending) > _MOST_WAITING:
            self._pending.popleft().result()

    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        """The figures of all that was added, by column, as plain values (``ColumnSummary.from_record``)."""
        while self._pending:
            self._pending.popleft().result()
        return {name: dataclasses.asdict(each) for name, each in self._statistics.columns().items()}

    def _observe(self, batch: pa.RecordBatch) -> None:
        self.digest.add(batch)
        self._statistics.add(batch)


def _numbers(array: pa.Array) -> Matrix | None:
    """The numbers of an array without nulls; None for what is no number."""
    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif pa.types.is_decimal(kind):
        array = array.cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    values = np.asarray(array.to_numpy(zero_copy_only=False))
    return values.astype(np.float64, copy=False)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _short(value: Any) -> Any:
    """A value as JSON keeps it; of a long text the beginning."""
    if isinstance(value, str):
        return value if len(value) <= _MOST_CHARACTERS else f"{value[:_MOST_CHARACTERS]}…"
    return value if isinstance(value, bool | int | float) else str(value)
