"""Classes that are chosen by thresholds, and not by the highest probability alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import Features, PlainModel, labelled


@dataclass(frozen=True, slots=True)
class Thresholded:
    """The class with the highest ratio of its probability to its threshold, as in Spark ML."""

    model: PlainModel
    thresholds: Any
    """One a class; one may be 0, whose class then wins wherever it is possible."""
    classes: tuple[Label, ...]

    def predict(self, features: Features) -> Any:
        """The classes."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = self.model.probabilities(features) / self.thresholds
        return labelled(self.classes, np.where(np.isnan(ratios), 0.0, ratios).argmax(axis=-1))

    @property
    def has_probabilities(self) -> bool:
        """Always."""
        return True

    def probabilities(self, features: Features) -> Any:
        """Those of the model."""
        return self.model.probabilities(features)
