"""The steps of a fit in Keras: compiled, fed, watched."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlsql.bridge.errors import DataFault
from mlsql.bridge.trainer import Run
from mlsql.bridge.trainers.tensorflow.feeding import Encode, Rows, steps, tensors
from mlsql.bridge.trainers.tensorflow.options import FitOptions
from mlsql.models.manifest import ModelKind

TOLD_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How a network is fitted, and who is told."""

    options: FitOptions
    kind: ModelKind
    run: Run

    def fit(self, model: Any, rows: Rows, encode: Encode) -> Mapping[str, bytes]:
        """Fit *model* on *rows*; the logs that TensorBoard reads, by the names of their files."""
        training, held_out = self._split(rows)
        batch, options = self.options.batch, self.options
        fed = tensors(training, encode, batch, epochs=options.epochs, seed=options.seed)
        validation = None if held_out is None else tensors(held_out, encode, batch)
        self._compile(model)
        with tempfile.TemporaryDirectory() as folder:
            told = _Watch(self.run, options.epochs, steps(training, batch), _writer(folder))
            with closing(told) as watch:
                model.fit(
                    fed,
                    epochs=options.epochs,
                    steps_per_epoch=steps(training, batch),
                    validation_data=validation,
                    callbacks=[
                        *watch.callbacks(),
                        *self._stopping("loss" if held_out is None else "val_loss"),
                    ],
                    verbose=0,
                    shuffle=False,  # the rows are
                )
            return {each.name: each.read_bytes() for each in Path(folder).iterdir()}

    def _split(self, rows: Rows) -> tuple[Rows, Rows | None]:
        """The rows to fit on and those held out, drawn by the seed."""
        count = round(rows.rows * self.options.validation)
        if count == 0:
            return rows, None
        if count == rows.rows:
            raise DataFault(f"of {rows.rows:,} rows validationSplit leaves none to fit on")
        order = np.random.default_rng(self.options.seed).permutation(rows.rows)
        return rows.only(np.sort(order[count:])), rows.only(np.sort(order[:count]))

    def _compile(self, model: Any) -> None:
        import keras

        optimizer = keras.optimizers.get(self.options.optimizer)
        optimizer.learning_rate = self.options.rate
        classifies = self.kind == "classifier"
        model.compile(
            optimizer,
            loss="sparse_categorical_crossentropy" if classifies else "mean_squared_error",
            weighted_metrics=["accuracy"] if classifies else [],
            jit_compile=False,  # it takes seconds for each network, and again for a smaller last batch
        )

    def _stopping(self, loss: str) -> list[Any]:
        """What ends the fit when *loss* grows no smaller."""
        import keras

        patience = self.options.patience
        if patience is None:
            return []
        return [keras.callbacks.EarlyStopping(loss, patience=patience, mode="min", restore_best_weights=True)]


@dataclass(slots=True)
class _Watch:
    """Tells how a fit comes along, and writes it down for TensorBoard."""

    run: Run
    epochs: int
    steps: int
    writer: Any
    epoch: int = 0
    told: float = field(default_factory=time.monotonic)

    def callbacks(self) -> list[Any]:
        """What Keras calls."""
        import keras

        return [
            keras.callbacks.LambdaCallback(
                on_train_batch_end=self._step_ended, on_epoch_end=self._epoch_ended
            )
        ]

    def close(self) -> None:
        """Nothing more is written."""
        self.writer.close()

    def _step_ended(self, step: int, logs: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self.told < TOLD_EVERY_SECONDS:
            return
        self.told = now
        done = (self.epoch + (step + 1) / self.steps) / self.epochs
        doing = f"epoch {self.epoch + 1} of {self.epochs}, step {step + 1:,} of {self.steps:,}"
        self.run.progress(f"{doing}, loss {float(logs['loss']):.4g}", done)

    def _epoch_ended(self, epoch: int, logs: Mapping[str, float]) -> None:
        import tensorflow as tf

        self.epoch = epoch + 1
        if not math.isfinite(logs["loss"]):
            raise DataFault(
                f"the loss is {logs['loss']} after epoch {self.epoch}: the steps are too wide, "
                'a smaller learningRate or scale="true" may help'
            )
        told = ", ".join(
            f"{name.removeprefix('val_') + ' held out' * name.startswith('val_')} {value:.4g}"
            for name, value in logs.items()
        )
        self.run.progress(f"epoch {self.epoch} of {self.epochs}, {told}", self.epoch / self.epochs)
        with self.writer.as_default():
            for name, value in logs.items():
                self.run.metric(f"epoch_{name}", float(value))
                tf.summary.write(f"epoch_{name}", float(value), epoch, _scalars())


def _scalars() -> Any:
    """How TensorBoard knows numbers to draw; TensorFlow's own ``scalar`` needs TensorBoard installed."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(data_class="DATA_CLASS_SCALAR")
    metadata.plugin_data.plugin_name = "scalars"
    return metadata


def _writer(folder: str) -> Any:
    import tensorflow as tf

    return tf.summary.create_file_writer(folder)
