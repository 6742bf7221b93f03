"""Models that only their library can ask: their features as it takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlsql.errors import DataError, MlsqlError
from mlsql.models.manifest import Predictor
from mlsql.udf.predictors.rows import Rows
from mlsql.udf.predictors.stored import find_predictor, loaded


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """An Engine around a Predictor, which takes a frame or a matrix of many rows."""

    predictor: Predictor
    rows: Rows

    def predict(self, features: Any) -> Any:
        """The answers; of one row its own."""
        return self._asked(self.predictor.predict, features)

    @property
    def has_probabilities(self) -> bool:
        """Whether the library has."""
        return self.predictor.has_probabilities

    def probabilities(self, features: Any) -> Any:
        """How probable each class is, on the last axis."""
        return self._asked(self.predictor.probabilities, features)

    def _asked(self, method: Any, features: Any) -> Any:
        is_one = features.ndim == 1 if isinstance(features, np.ndarray) else not _is_many(features[0])
        try:
            answers = method(self._given(features, is_one=is_one))
        except MlsqlError:
            raise
        except Exception as error:
            raise DataError(f"the model cannot answer: {type(error).__name__}: {error}") from error
        return answers[0] if is_one else answers

    def _given(self, features: Any, *, is_one: bool) -> Any:
        """The features in the form that the model was fitted with."""
        if self.rows.sorts == ("numbers",):
            return features[None] if is_one else features
        import pandas as pd

        names = [each.name for each in self.rows.inputs]
        if isinstance(features, np.ndarray):
            return pd.DataFrame(features[None] if is_one else features, columns=names)
        columns = [[each] for each in features] if is_one else features
        return pd.DataFrame(dict(zip(names, columns, strict=True)))


def read_library(folder: Path, rows: Rows) -> LibraryModel:
    """The model in *folder* by its library, which is imported now; loaded once a process."""
    return LibraryModel(loaded(find_predictor(folder)), rows)


def _is_many(values: Any) -> bool:
    return isinstance(values, list) or (isinstance(values, np.ndarray) and values.ndim > 0)
