"""A model that Spark has fitted and stored, as those see it that read its weights; and its plain form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.linear import LinearClassifier
from mlsql.udf.predictors.plain.thresholds import Thresholded

if TYPE_CHECKING:
    from mlsql.udf.predictors.plain.base import PlainModel


@dataclass(frozen=True, slots=True)
class StoredFit:
    """A fitted model, its classes, and where Spark ML has stored it."""

    model: Any
    classes: tuple[Label, ...]
    folder: Path


def read_weights(reader: str, fit: StoredFit) -> PlainModel:
    """The plain form that *reader*, ``package.module:function``, makes, with the thresholds of the model."""
    plain: PlainModel = resolve_name(reader)(fit)
    if not fit.model.hasParam("thresholds") or not fit.model.isSet("thresholds"):
        return plain
    if isinstance(plain, LinearClassifier) and len(plain.coefficients) == 1:
        return plain  # of its one score, which has a threshold already
    return Thresholded(plain, np.array(fit.model.getThresholds()), fit.classes)
