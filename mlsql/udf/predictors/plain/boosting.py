"""Gradient boosted trees: a sum over stages, each with a tree an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, labelled
from mlsql.udf.predictors.plain.links import Link, MeanLink, mean_of, probabilities_of
from mlsql.udf.predictors.plain.trees import Trees, summed


@dataclass(frozen=True, slots=True)
class BoostedClassifier:
    """The class with the highest score; a score is its baseline plus the values of its trees."""

    trees: Trees
    """Stage by stage, a tree an output; their one value has the learning rate in it."""
    baseline: Any
    """An initial score an output; of two classes there is one output, that of the second."""
    classes: tuple[Label, ...]
    link: Link = "softmax"
    wins_at_zero: bool = False
    """Whether one score of just 0 is of the second class, as in scikit-learn's GradientBoosting."""

    def predict(self, features: Features) -> Any:
        """The classes."""
        scores = boosted(self.trees, self.baseline, features)
        if scores.shape[-1] > 1:
            return labelled(self.classes, scores.argmax(axis=-1))
        score = scores[..., 0]
        return labelled(self.classes, score >= 0 if self.wins_at_zero else score > 0)

    @property
    def has_probabilities(self) -> bool:
        """Where there is a link."""
        return self.link != "none"

    def probabilities(self, features: Features) -> Any:
        """The scores through the link."""
        return probabilities_of(boosted(self.trees, self.baseline, features), self.link)


@dataclass(frozen=True, slots=True)
class BoostedRegressor(AnswersOnly):
    """A baseline plus the values of the trees."""

    trees: Trees
    baseline: Any
    """One number in an array."""
    link: MeanLink = "identity"

    def predict(self, features: Features) -> Any:
        """The means."""
        return mean_of(boosted(self.trees, self.baseline, features)[..., 0], self.link)


def boosted(trees: Trees, baseline: Any, features: Features) -> Any:
    """The scores, an output each on the last axis, added stage by stage."""
    values = trees.values[:, 0].take(trees.leaves(features))
    stages = values.reshape(*values.shape[:-1], -1, len(baseline))
    start = np.broadcast_to(baseline, (*values.shape[:-1], 1, len(baseline)))
    return summed(np.concatenate([start, stages], axis=-2))
