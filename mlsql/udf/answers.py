"""One batch of rows to answers, in an executor's Python: missing rows, matrix, the answers' type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from mlsql.errors import DataError
from mlsql.models import Predictor
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

    def _answers(self, columns: Sequence[pd.Series]) -> pd.Series:
        features = self._frame(columns) if self.form == "columns" else self._matrix(*columns)
        return self._asked(loaded(self.model), features)

    def _asked(self, predictor: Predictor, features: Any) -> pd.Series:
        import pandas as pd

        return pd.Series(predictor.predict(features)).astype(ANSWER_TYPES[self.output])

    def _frame(self, columns: Sequence[pd.Series]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(dict(zip(self.columns, columns, strict=True)))

    def _matrix(self, rows: pd.Series) -> Any:
        import numpy as np

        for width in set(map(len, rows)) - {self.features}:
            raise DataError(
                f"{self.function} takes {self.features} features, not {width} as in one of the rows"
            )
        return np.concatenate(rows.to_numpy()).reshape(-1, self.features)


@dataclass(frozen=True, slots=True)
class Probabilities(Answers):
    """The pandas UDF behind ``f_proba``: an array a row, in the order of the classes."""

    def _asked(self, predictor: Predictor, features: Any) -> pd.Series:
        import numpy as np
        import pandas as pd

        return pd.Series(list(np.asarray(predictor.probabilities(features), dtype="float64")))
