"""The networks that come with this package, by name: what they are for, their options, their layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainers.tensorflow.options import (
    FitOptions,
    LayerOptions,
    RecurrentOptions,
    SequenceOptions,
    SeriesOptions,
    WindowOptions,
)
from mlsql.bridge.trainers.tensorflow.pairs import paired
from mlsql.models.manifest import ModelKind
from mlsql.names import listed, nearest

Layers = Callable[[Any, Any], Any]
"""From (options, input tensor) to the tensor that the last layer answers from."""


@dataclass(frozen=True, slots=True)
class Network:
    """A kind of network that scripts can name."""

    name: str
    kind: ModelKind
    options: type[FitOptions]
    layers: Layers


def find_network(name: str) -> Network:
    """The network called *name*, in any case; OptionFault of ``alg`` when there is none."""
    for known, network in NETWORKS.items():
        if known.casefold() == name.casefold():
            return network
    near = nearest(name, NETWORKS)
    hint = f"did you mean '{near}'?" if near else f"there are {listed(NETWORKS)}"
    raise OptionFault(f"no network is called '{name}'", option="alg", hint=hint)


def _fully_connected(options: Any, inputs: Any) -> Any:
    return _dense(inputs, cast("LayerOptions", options).layers, options.dropout)


def _convolved(options: Any, inputs: Any) -> Any:
    """Of each window the pattern that fits best, wherever it stands (Kim, 2014, arXiv:1408.5882)."""
    import keras

    chosen = cast("WindowOptions", options)
    words = _words(chosen, inputs)
    found = [
        keras.layers.GlobalMaxPooling1D()(
            keras.layers.Conv1D(chosen.filters, window, padding="same", activation="relu")(words)
        )
        for window in chosen.windows
    ]
    return _seen(chosen, inputs, found)


def _attentive(options: Any, inputs: Any) -> Any:
    """The states of an LSTM in both directions, averaged by weights that are learnt.

    After Yang et al., 2016, Hierarchical Attention Networks, for one level.
    """
    import keras

    chosen = cast("RecurrentOptions", options)
    words = keras.layers.Dropout(chosen.dropout / 2)(_words(chosen, inputs))
    states = keras.layers.Bidirectional(keras.layers.LSTM(chosen.units, return_sequences=True))(words)
    scores = keras.layers.Dense(1, use_bias=False)(keras.layers.Dense(chosen.units, "tanh")(states))
    weights = keras.layers.Softmax(axis=1)(scores)
    return _seen(chosen, inputs, [keras.layers.Flatten()(keras.layers.Dot(axes=1)([weights, states]))])


def _series(options: Any, inputs: Any) -> Any:
    import keras

    chosen = cast("SeriesOptions", options)
    features = inputs.shape[-1]
    window = chosen.window or features
    if features % window:
        message = f"the features are {features:,} numbers, no multiple of windowSize={window:,}"
        raise OptionFault(message, option="windowSize")
    points = keras.layers.Reshape((window, features // window))(inputs)
    return _dense(keras.layers.LSTM(chosen.units)(points), chosen.layers, chosen.dropout)


def _words(options: SequenceOptions, inputs: Any) -> Any:
    """The vectors of the words of a text, (words, length of a vector)."""
    import keras

    length, embedding = options.shape(inputs.shape[-1])
    if options.vocabulary is None:
        return keras.layers.Reshape((length, embedding))(inputs)
    return keras.layers.Embedding(options.vocabulary, embedding)(inputs)


def _seen(options: SequenceOptions, inputs: Any, found: Sequence[Any]) -> Any:
    """What was *found* in a text, and what its pairs of words say, through the layers behind them."""
    import keras

    seen = keras.layers.Dropout(options.dropout)(_together(found))
    if options.vocabulary is not None and options.pair:  # they learn slowly where a step leaves some out
        seen = _together([seen, paired(inputs, options.vocabulary, options.pair)])
    return _dense(seen, options.layers, options.dropout)


def _together(tensors: Sequence[Any]) -> Any:
    """One behind the other."""
    import keras

    return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate()(tensors)


def _dense(tensor: Any, sizes: Iterable[int], dropout: float) -> Any:
    import keras

    for size in sizes:
        tensor = keras.layers.Dense(size, "relu")(tensor)
        if dropout:
            tensor = keras.layers.Dropout(dropout)(tensor)
    return tensor


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        network.name: network
        for network in (
            Network("FCClassify", "classifier", LayerOptions, _fully_connected),
            Network("FCRegress", "regressor", LayerOptions, _fully_connected),
            Network("CNNClassify", "classifier", WindowOptions, _convolved),
            Network("AttentionLSTMClassify", "classifier", RecurrentOptions, _attentive),
            Network("LSTMRegress", "regressor", SeriesOptions, _series),
        )
    }
)
