"""A fitted estimator as a graph of ONNX Runtime, where it has no plain form."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.bridge.trainers.plain_steps import steps_of
from mlsql.udf.predictors.onnx import GRAPH, ONNX, OnnxModel, read_onnx
from mlsql.udf.predictors.plain import write_plain
from mlsql.udf.predictors.plain.chain import Transformer

_PACKAGES = ("skl2onnx", "onnxruntime")
_MOST_TOLD = 200


class NoGraph(Exception):
    """Why there is no graph of an estimator."""


def write_graph(folder: Path, estimator: Any, encoder: Any, width: int) -> OnnxModel:
    """Store the graph of *estimator*, which takes *width* doubles, in ``folder/onnx``, or raise NoGraph."""
    from sklearn.utils import get_tags

    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise NoGraph(f"{missing[0]} is not installed: pip install 'mlsql[serving]'")
    if not type(estimator).__module__.startswith("sklearn."):
        raise NoGraph(f"{type(estimator).__name__} is not of scikit-learn")
    if type(estimator).__module__.startswith("sklearn.neighbors."):
        raise NoGraph(
            "which of two neighbours is nearer may hang on the last digit, where graphs are not exact"
        )
    if get_tags(estimator).input_tags.allow_nan:
        raise NoGraph("it takes NaN, of which a graph says nothing")
    try:
        steps = () if encoder is None else steps_of(encoder)
    except NoPlainForm as refusal:
        raise NoGraph(refusal.message) from refusal
    place = folder / ONNX
    place.mkdir()
    if steps:
        write_plain(place, Transformer(steps))
    try:
        (place / GRAPH).write_bytes(_graph(estimator, width))
        return read_onnx(folder)
    except Exception as error:
        # What cannot be converted, or run, raises what it likes.
        told = str(error).partition("\n")[0][:_MOST_TOLD]
        raise NoGraph(f"{type(error).__name__}: {told}") from error


def _graph(estimator: Any, width: int) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType

    logging.getLogger("skl2onnx").setLevel(logging.ERROR)
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    given = [("features", DoubleTensorType([None, width]))]
    model = to_onnx(estimator, initial_types=given, options=options)
    if not hasattr(estimator, "predict_proba"):
        del model.graph.output[1:]  # scores, which are no probabilities
    graph: bytes = model.SerializeToString()
    return graph
