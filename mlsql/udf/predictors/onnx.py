"""Models that ONNX Runtime answers, behind the plain steps that prepare their features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlsql.errors import RunError
from mlsql.udf.predictors.plain import read_plain
from mlsql.udf.predictors.plain.base import PlainModel, check_finite

ONNX = "onnx"
"""The folder, in that of a stored MLflow model."""
GRAPH = "model.onnx"


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A session of ONNX Runtime, as an Engine."""

    session: Any
    steps: PlainModel | None
    """What makes the matrix of columns; None where features are one."""

    def predict(self, features: Any) -> Any:
        """The answers; of one row its own."""
        return self._asked(features, 0)

    @property
    def has_probabilities(self) -> bool:
        """Whether the graph has them for an output."""
        return len(self.session.get_outputs()) > 1

    def probabilities(self, features: Any) -> Any:
        """How probable each class is, on the last axis."""
        return self._asked(features, 1)

    def _asked(self, features: Any, output: int) -> Any:
        matrix = features if self.steps is None else self.steps.predict(features)
        (given,) = self.session.get_inputs()
        kind = np.float64 if "double" in given.type else np.float32
        check_finite(matrix, matrix)
        rows = np.atleast_2d(matrix).astype(kind)
        found = self.session.run([self.session.get_outputs()[output].name], {given.name: rows})[0]
        answers = found[:, 0] if found.ndim > 1 and found.shape[1] == 1 else found
        return answers[0] if np.ndim(matrix) == 1 else answers


def read_onnx(folder: Path) -> OnnxModel:
    """The graph in ``folder/onnx``, and the steps in front of it; RunError without ONNX Runtime."""
    place = folder / ONNX
    steps = read_plain(place) if (place / "plain").is_dir() else None
    return OnnxModel(open_session(place / GRAPH), steps)


def open_session(file: Path) -> Any:
    """A session with one thread: there is a process a core already."""
    try:
        import onnxruntime
    except ImportError as error:
        hint = "pip install 'mlsql[serving]'"
        raise RunError("this model answers by ONNX Runtime, which is not installed", hint=hint) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
