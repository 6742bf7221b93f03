"""How MLflow asks a transformer; this file is stored with every one and imports nothing of ours.

MLflow's own wrapper of scikit-learn's estimators can be asked for what they predict, and for
nothing that they transform (up to 3.17).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Transformer:
    """A fitted transformer, as ``predict_fn`` of ``MLmodel`` asks it."""

    estimator: Any

    def transform(self, model_input: Any) -> Any:
        """A row for each of *model_input*, as a matrix."""
        answers = self.estimator.transform(model_input)
        return answers.toarray() if hasattr(answers, "toarray") else answers


def _load_pyfunc(path: str) -> Transformer:
    """What MLflow calls with the path of the model."""
    import mlflow.sklearn

    return Transformer(mlflow.sklearn.load_model(path))
