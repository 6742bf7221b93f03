"""Steps in front of a model, and steps alone as a model that answers with what they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlsql.udf.predictors.plain.base import AnswersOnly, Features, PlainModel, Step
from mlsql.udf.predictors.plain.sparse import dense, taken


@dataclass(frozen=True, slots=True)
class Chain:
    """A model behind the *steps* that prepare its features."""

    steps: tuple[Step, ...]
    model: PlainModel

    def predict(self, features: Features) -> Any:
        """What the model answers."""
        return self.model.predict(self._prepared(features))

    @property
    def has_probabilities(self) -> bool:
        """Whether the model has."""
        return self.model.has_probabilities

    def probabilities(self, features: Features) -> Any:
        """Those of the model."""
        return self.model.probabilities(self._prepared(features))

    def _prepared(self, features: Features) -> Any:
        return taken(self.model, prepared(self.steps, features))


@dataclass(frozen=True, slots=True)
class Transformer(AnswersOnly):
    """Steps whose result is the answer, an array a row."""

    steps: tuple[Step, ...]

    def predict(self, features: Features) -> Any:
        """What the steps make."""
        return dense(prepared(self.steps, features))


def prepared(steps: tuple[Step, ...], features: Features) -> Any:
    """*features* after all *steps*."""
    for step in steps:
        features = step(taken(step, features))
    return features
