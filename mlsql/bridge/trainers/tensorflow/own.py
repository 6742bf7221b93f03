"""A network of the user's own: Python that defines ``build(inputs, outputs, params)``."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsql.bridge.errors import WorkerError
from mlsql.bridge.trainer import Params
from mlsql.bridge.trainers.script_text import ScriptText

BUILD, ARGUMENTS = "build", ("inputs", "outputs", "params")


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """A script, and the parameters that are for its ``build``."""

    script: ScriptText
    params: Params

    def check(self) -> None:
        """Raise OptionFault where the script cannot be one that builds a network."""
        self.script.expect(BUILD, ARGUMENTS)

    def apply(self, inputs: Any, outputs: int) -> Any:
        """What the network that it builds answers for the tensor *inputs*."""
        with tempfile.TemporaryDirectory() as folder, self.script.telling():
            build = vars(self.script.load(Path(folder)))[BUILD]
            model = build(inputs.shape[-1], outputs, dict(self.params))
            self._expect_model(model)
            answer = model(inputs)
        if tuple(answer.shape) != (None, outputs):
            raise WorkerError(
                f"{self.script.name}: the network that build returns answers {_shape(answer)}; "
                f"it is to answer {outputs:,} number{'s' * (outputs > 1)} a row"
            )
        return answer

    def _expect_model(self, model: Any) -> None:
        import keras

        if not isinstance(model, keras.Model):
            returned = "nothing" if model is None else f"a {type(model).__name__}"
            raise WorkerError(f"{self.script.name}: build returned {returned}; it returns a Keras model")


def _shape(tensor: Any) -> str:
    return " × ".join("rows" if size is None else f"{size:,}" for size in tensor.shape)
