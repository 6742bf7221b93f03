"""How ``mlflow.pyfunc`` loads a stored step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.codec import read_plain


@dataclass(frozen=True, slots=True)
class LoadedStep:
    """A step as MLflow asks it."""

    model: PlainModel

    def predict(self, model_input: Any) -> Any:
        """The answers to a matrix, or to the columns of a frame of pandas in their order."""
        if not hasattr(model_input, "columns"):
            return self.model.predict(model_input)
        return self.model.predict([model_input[name].tolist() for name in model_input.columns])


def _load_pyfunc(path: str) -> LoadedStep:
    """What MLflow calls with the folder of the plain form."""
    return LoadedStep(read_plain(Path(path).parent))
