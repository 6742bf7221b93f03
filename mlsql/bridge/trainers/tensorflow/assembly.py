"""A network put together for a dataset: scaling before the layers, labels behind them, fitted in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.bridge.batching import Piece
from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Run
from mlsql.bridge.trainers.encoding import encoder as encoder_of
from mlsql.bridge.trainers.tensorflow import answering
from mlsql.bridge.trainers.tensorflow.feeding import HeldRows, Moments, Rows, measure
from mlsql.bridge.trainers.tensorflow.fitted import FOLDER, FittedNetwork
from mlsql.bridge.trainers.tensorflow.fitting import Fit
from mlsql.bridge.trainers.tensorflow.networks import Layers
from mlsql.bridge.trainers.tensorflow.options import FitOptions
from mlsql.bridge.trainers.tensorflow.own import OwnNetwork
from mlsql.bridge.trainers.tensorflow.targets import Classes, Number, Target, classes_of, number_of
from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    import pandas as pd

    from mlsql.bridge.dataset import Dataset, Matrix

EXAMPLE_ROWS = 3


@dataclass(frozen=True, slots=True)
class Assembly:
    """How a network is made; either the user's *own* or the *layers* of one of ours."""

    kind: ModelKind
    options: FitOptions
    own: OwnNetwork | None
    layers: Layers | None
    run: Run

    def fitted(self, data: Dataset, initial: FittedNetwork | None) -> FittedNetwork:
        """The network fitted on *data*, from new weights or those of *initial*."""
        import keras

        keras.utils.clear_session(free_memory=False)  # layers are named as in a process of their own
        keras.utils.set_random_seed(self.options.seed)
        target = self._target(data, initial)
        encoder, rows = _encoded(data, initial)
        moments = measure(rows, [each.name for each in data.columns.features])
        vocabulary: int | None = getattr(self.options, "vocabulary", None)
        _check_vocabulary(moments, vocabulary)
        model = self._model(rows.features, target.outputs, moments)
        if initial is not None:
            _take_weights(model, initial.network.model)
        # The network that is stored is never compiled: it is smaller without its optimizer.
        fitting = keras.Model(model.inputs, model.outputs)
        logs = Fit(self.options, self.kind, self.run).fit(fitting, rows, target.encode)
        described = _description(data.columns, target, vocabulary)
        return FittedNetwork(
            network=answering.Network(model, described, encoder),
            kind=self.kind,
            columns=data.columns,
            width=rows.features,
            rows=_first_rows(data),
            script=None if self.own is None else self.own.script.text,
            logs=logs,
        )

    def _target(self, data: Dataset, initial: FittedNetwork | None) -> Target:
        """That of *initial*, so that its outputs go on meaning what they mean."""
        if initial is None:
            return classes_of(data) if self.kind == "classifier" else number_of(data)
        described = initial.network.description
        if described.classes is not None:
            known = Classes(tuple(described.classes))
            known.encode(np.array(data.classes, dtype=object))  # a new class is told before the fit
            return known
        return Number(described.mean, described.deviation)

    def _model(self, features: int, outputs: int, moments: Moments) -> Any:
        import keras

        inputs = keras.Input((features,))
        tensor = _scaled(inputs, moments) if self.options.scale else inputs
        if self.own is not None:
            return keras.Model(inputs, self.own.apply(tensor, outputs))
        assert self.layers is not None
        activation = "softmax" if self.kind == "classifier" else None
        return keras.Model(inputs, keras.layers.Dense(outputs, activation)(self.layers(self.options, tensor)))


def load(directory: Path, columns: Columns) -> FittedNetwork:
    """The network that ``FittedNetwork.save`` stored in *directory*."""
    folder = directory / FOLDER
    network = answering.load(str(folder))
    script = folder / answering.SCRIPT
    width = network.model.input_shape[-1]
    return FittedNetwork(
        network=network,
        kind="regressor" if network.description.classes is None else "classifier",
        columns=columns,
        width=width,
        rows=np.empty((0, width)),
        script=script.read_text(encoding="utf-8") if script.exists() else None,
    )


def _encoded(data: Dataset, initial: FittedNetwork | None) -> tuple[Any, Rows]:
    """The rows, where there are texts as a matrix that an encoder has made."""
    if not data.columns.has_categories:
        return None, data
    frame, label = data.inputs(), data.labels()
    if initial is None:
        encoder = encoder_of(data.columns)
        matrix = encoder.fit_transform(frame)
    else:
        encoder = initial.network.encoder
        matrix = encoder.transform(frame)
    return encoder, HeldRows(Piece(np.asarray(matrix, dtype="float32"), label, data.weights()))


def _scaled(inputs: Any, moments: Moments) -> Any:
    """A layer with the moments of the rows that are fitted on; what never changes stays as it is."""
    import keras

    layer = keras.layers.Normalization()
    layer.build(inputs.shape)
    layer.adapt_mean.assign(moments.mean)
    layer.adapt_variance.assign(np.where(moments.variance > 0, moments.variance, 1.0))
    layer.finalize_state()
    return layer(inputs)


def _take_weights(model: Any, stored: Any) -> None:
    """Give *model* the weights of a *stored* network of the same layers."""
    if [*_layers(model)] != [*_layers(stored)]:
        raise DataFault(
            "initialModel is a network of other layers: its parameters, its features and its classes "
            "have to be those of this training",
            option="initialModel",
        )
    model.set_weights(stored.get_weights())
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # Normalization computes with copies of its weights
            layer.finalize_state()


def _layers(model: Any) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    for layer in model.layers:
        yield type(layer).__name__, [tuple(weight.shape) for weight in layer.weights]


def _check_vocabulary(moments: Moments, vocabulary: int | None) -> None:
    if vocabulary is None:
        return
    least, most = moments.least.min(), moments.most.max()
    if least < 0 or most >= vocabulary:
        wrong = least if least < 0 else most
        raise DataFault(
            f"the features hold the word index {wrong:,.0f}; with vocabularySize={vocabulary} they are "
            f"from 0 to {vocabulary - 1:,}"
        )


def _description(columns: Columns, target: Target, vocabulary: int | None) -> answering.Description:
    names: Sequence[str] = [each.name for each in columns.features] if columns.form == "columns" else []
    if isinstance(target, Classes):
        return answering.Description(names, [*target.labels], vocabulary=vocabulary)
    assert isinstance(target, Number)
    return answering.Description(names, None, target.mean, target.deviation, vocabulary)


def _first_rows(data: Dataset) -> Matrix | pd.DataFrame:
    if data.columns.has_categories:
        return data.inputs().head(EXAMPLE_ROWS)
    matrix, _ = next(data.batches(EXAMPLE_ROWS))
    return matrix
