"""One batch of rows to answers, in an executor's Python: missing rows, matrix, the answers' type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from mlsql.models.manifest import Predictor
from mlsql.udf.matrices import TakesSparse, matrices, row_bytes
from mlsql.udf.predictors.stored import StoredPredictor, loaded

if TYPE_CHECKING:
    import pandas as pd

ANSWER_TYPES = MappingProxyType(
    {
        "string": "str",
        "boolean": "bool",
        "tinyint": "int8",
        "smallint": "int16",
        "int": "int32",
        "long": "int64",
        "bigint": "int64",
        "float": "float32",
        "double": "float64",
        "array<double>": "object",
    }
)
"""The types that an answer may have in Spark, and in pandas."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The pandas UDF behind a function of a model."""

    function: str
    model: StoredPredictor
    form: Literal["columns", "features"]
    columns: tuple[str, ...]
    features: int
    output: str
    are_together: bool = False
    """Whether all columns, which are numbers, come as one column of arrays."""

    def __call__(self, is_missing: pd.Series, *columns: pd.Series) -> pd.Series:
        """An answer a row; none where *is_missing*."""
        import numpy as np
        import pandas as pd

        present = ~is_missing.to_numpy(dtype=bool)
        if present.all() and len(present):
            return self._answers(columns)
        given = np.full(len(present), None)
        if present.any():
            given[present] = self._answers([each[present] for each in columns])
        return pd.Series(given)

    def of_packed(self, rows: pd.Series) -> pd.Series:
        """An answer a row of features as ``Functions.packed`` gives them; none where there are none."""
        values = rows.tolist()  # in which a null is found in half the time
        return self(rows.isna(), rows) if not values or None in values else self._answers([rows])

    def _answers(self, columns: Sequence[pd.Series]) -> pd.Series:
        import pandas as pd

        predictor = loaded(self.model)
        if self.form == "columns":
            return self._asked(predictor, self._frame(columns))
        sparse = isinstance(predictor, TakesSparse) and predictor.takes_sparse
        pieces = matrices(columns[0], self.features, self.function, sparse=sparse)
        return pd.concat([self._asked(predictor, piece) for piece in pieces], ignore_index=True)

    def _asked(self, predictor: Predictor, features: Any) -> pd.Series:
        import pandas as pd

        answers = predictor.predict(features)
        if self.output.startswith("array"):
            return _arrays(answers)
        return pd.Series(answers).astype(ANSWER_TYPES[self.output])

    def _frame(self, columns: Sequence[pd.Series]) -> pd.DataFrame:
        import pandas as pd

        if self.are_together:
            (matrix,) = matrices(columns[0], len(self.columns), self.function, sparse=False)
            return pd.DataFrame(matrix, columns=self.columns, copy=False)
        return pd.DataFrame(dict(zip(self.columns, columns, strict=True)))


@dataclass(frozen=True, slots=True)
class Probabilities(Answers):
    """The pandas UDF behind ``f_proba``: an array a row, as bytes, in the order of the classes."""

    def _asked(self, predictor: Predictor, features: Any) -> pd.Series:
        return _arrays(predictor.probabilities(features))


def _arrays(matrix: Any) -> pd.Series:
    """An array a row, as bytes."""
    import pandas as pd

    return pd.Series(row_bytes(matrix), dtype=object)
