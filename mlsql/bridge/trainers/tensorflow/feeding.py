"""Rows as a ``tf.data.Dataset``: matrices of single precision, labels as the network sees them.

Rows come from the mapped file by the poolful and are cut into batches within TensorFlow, so that a
step does not wait for Python, and no more of them are in memory than a shuffle mixes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from mlsql.bridge.batching import Matrix, Piece
from mlsql.bridge.errors import DataFault
from mlsql.names import listed

PIECE_BYTES = 8 * 1024 * 1024
"""So much of a matrix goes to TensorFlow at a time."""

Encode = Callable[[Matrix], Matrix]
"""Labels to what a network is fitted on."""


class Rows(Protocol):
    """What a network is fitted on: a ``Dataset``, or :class:`HeldRows`."""

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        ...

    def epoch(
        self, size: int, number: int, *, seed: int | None = None, dtype: Literal["float32"] = "float32"
    ) -> Iterator[Piece]:
        """All rows, *size* at a time: in their order, or in one that seed and number give."""
        ...

    def only(self, rows: Matrix, /) -> Rows:
        """The rows of these numbers alone."""
        ...


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Rows in memory, where an encoder has made the matrix of texts."""

    piece: Piece

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.piece.rows

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        return int(self.piece.matrix.shape[1])

    def epoch(
        self,
        size: int,
        number: int,
        *,
        seed: int | None = None,
        dtype: Literal["float32"] = "float32",  # noqa: ARG002 — they are so
    ) -> Iterator[Piece]:
        """All rows, from memory."""
        order = np.arange(self.rows)
        if seed is not None:
            np.random.default_rng([seed, number]).shuffle(order)
        return (self.piece.take(order[start : start + size]) for start in range(0, self.rows, size))

    def only(self, rows: Matrix, /) -> HeldRows:
        """The rows of these numbers alone."""
        return HeldRows(self.piece.take(rows))


@dataclass(frozen=True, slots=True)
class Moments:
    """What one pass over the rows tells of each feature."""

    mean: Matrix
    variance: Matrix
    least: Matrix
    most: Matrix


def measure(rows: Rows, names: Sequence[str]) -> Moments:
    """The moments of the features; DataFault for one that is not finite.

    *names* are those of the features, or of the one column that holds them all.
    """
    count, mean, squares = 0, np.zeros(rows.features), np.zeros(rows.features)
    least, most = np.full(rows.features, np.inf), np.full(rows.features, -np.inf)
    for piece in rows.epoch(_piece_rows(rows, 1), 0, dtype="float32"):
        here, new = piece.matrix.mean(axis=0, dtype="float64"), piece.rows
        _check_finite(here, names)
        change = here - mean  # Chan et al., 1983: moments of parts make those of the whole
        squares += piece.matrix.var(axis=0, dtype="float64") * new + change**2 * (count * new / (count + new))
        mean, count = mean + change * (new / (count + new)), count + new
        least, most = np.minimum(least, piece.matrix.min(0)), np.maximum(most, piece.matrix.max(0))
    return Moments(mean, squares / max(1, count), least, most)


def tensors(rows: Rows, encode: Encode, batch: int, *, epochs: int = 1, seed: int | None = None) -> Any:
    """The rows as a ``tf.data.Dataset`` of (features, labels) by the batch, and weights where there are any.

    It holds all epochs one after the other, each with a last batch that may be smaller; with a
    *seed* each is in an order of its own. The same rows and seed give the same batches.
    """
    import tensorflow as tf

    def pieces(number: int) -> Iterator[tuple[Matrix, ...]]:
        for piece in rows.epoch(_piece_rows(rows, batch), int(number), seed=seed, dtype="float32"):
            yield _shown(piece, encode)

    def cut(*piece: Any) -> Any:
        starts = tf.data.Dataset.range(0, tf.shape(piece[0], out_type=tf.int64)[0], batch)
        return starts.map(lambda start: tuple(each[start : start + batch] for each in piece))

    one = _shown(next(rows.epoch(1, 0, dtype="float32")), encode)
    signature = tuple(tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in one)

    def epoch(number: Any) -> Any:
        return tf.data.Dataset.from_generator(pieces, output_signature=signature, args=(number,))

    batches = tf.data.Dataset.range(epochs).flat_map(epoch).flat_map(cut)
    counted = tf.data.experimental.assert_cardinality(epochs * steps(rows, batch))
    return batches.apply(counted).prefetch(tf.data.AUTOTUNE)


def steps(rows: Rows, batch: int) -> int:
    """How many batches an epoch has."""
    return -(-rows.rows // batch)


def _shown(piece: Piece, encode: Encode) -> tuple[Matrix, ...]:
    """What a network is shown of some rows."""
    assert piece.label is not None  # the driver has seen to it
    shown = (piece.matrix, encode(piece.label))
    return shown if piece.weight is None else (*shown, piece.weight.astype("float32"))


def _piece_rows(rows: Rows, batch: int) -> int:
    """Rows of a piece, a multiple of *batch*."""
    return batch * max(1, PIECE_BYTES // (4 * max(1, rows.features) * batch))


def _check_finite(means: Matrix, names: Sequence[str]) -> None:
    wrong = np.flatnonzero(~np.isfinite(means))
    if len(wrong):
        named = listed([names[int(each)] for each in wrong] if len(names) == len(means) else names)
        raise DataFault(f"a network takes no NaN and no infinite numbers, which there are in {named}")
