"""An epoch of FCClassify, fed from a mapped file, against ``fit`` of Keras by hand on the same arrays."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.tensorflow.trainer import FC_CLASSIFY
from mlsql.models.manifest import Column

from .measures import Measure

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset, Matrix

_TARGET = 1.1
_EPOCHS = 4
_TURNS = 3
_FEATURES = 64
_SIZES = ((2_000, 32), (40_000, 32), (200_000, 512))
"""Rows, and rows of a step."""


def tensorflow() -> Iterator[Measure]:
    """One measure a size."""
    import numpy as np

    from mlsql.bridge.dataset import Dataset

    random = np.random.default_rng(0)
    FC_CLASSIFY.prepare({})
    with tempfile.TemporaryDirectory() as folder:
        for rows, batch in _SIZES:
            matrix, label = random.normal(size=(rows, _FEATURES)), random.integers(0, 10, rows)
            features = (Column("features", "array<double>"),)
            columns = Columns("features", features, Column("label", "bigint"))
            data = Dataset.open(_written(Path(folder), matrix, label), columns)
            x, y = data.arrays("float32")
            assert y is not None
            ours: list[float] = []
            peer: list[float] = []
            for _ in range(_TURNS):
                ours += _by_us(data, batch)
                peer += _by_hand(x, y, batch)
            name = f"epoch of FCClassify, {rows:,} × {_FEATURES} by {batch}, against Keras by hand"
            yield Measure(name, statistics.median(ours), statistics.median(peer), _TARGET)


@dataclass(slots=True)
class _Clock:
    """A run that notes when an epoch ends."""

    ends: list[float] = field(default_factory=list)

    def progress(self, doing: str, share: float | None = None) -> None:
        """Note the time where an epoch has ended."""
        if share is not None and "step" not in doing:
            self.ends.append(time.perf_counter())

    def log(self, message: str, level: str = "info") -> None:
        """Nothing."""

    def metric(self, name: str, value: float) -> None:
        """Nothing."""

    @property
    def epochs(self) -> list[float]:
        """Seconds of every epoch but the first, in which Keras traces its functions."""
        return [end - begin for begin, end in pairwise(self.ends)]


def _by_us(data: Dataset, batch: int) -> list[float]:
    clock = _Clock()
    given = {"layerGroup": "300,100", "epochs": str(_EPOCHS), "batchSize": str(batch), "scale": "false"}
    FC_CLASSIFY.train(data, given, clock)
    return clock.epochs


def _by_hand(x: Matrix, y: Matrix, batch: int) -> list[float]:
    import keras

    clock = _Clock()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            layers.Dense(300, "relu"),
            layers.Dense(100, "relu"),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: clock.progress("epoch", epoch))
    with _as_it_comes():
        model.fit(x, y, batch_size=batch, epochs=_EPOCHS, callbacks=[note], verbose=0)
    return clock.epochs


@contextmanager
def _as_it_comes() -> Iterator[None]:
    """A block in which TensorFlow is not bound to the same results each time."""
    from tensorflow.python.framework import config

    config.disable_op_determinism()
    try:
        yield
    finally:
        config.enable_op_determinism()


def _written(folder: Path, matrix: Matrix, label: Matrix) -> Path:
    """The rows in an Arrow file, as the feeder writes it."""
    import pyarrow as pa

    values = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    table = pa.table({"features": values.cast(pa.list_(pa.float64())), "label": label})
    file = folder / f"{len(label)}.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2_000)
    return file
