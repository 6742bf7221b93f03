"""The step in front of a stored estimator that makes its matrix of named columns.

It is of scikit-learn, NumPy and pandas alone, so that a stored model answers without this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from mlsql.bridge.request import Columns
from mlsql.models.manifest import NullHandling

_SPARSE_BELOW = 0.3
"""scikit-learn's own: the matrix is sparse when fewer of its values are not zero."""


def number_encoder(names: Sequence[str]) -> Any:
    """The columns *names* as a matrix of doubles."""
    from sklearn.compose import ColumnTransformer

    return ColumnTransformer([("numbers", _numbers(), list(names))])


def encoder(columns: Columns, estimator: Any = None) -> Any:
    """Numbers as they are and a column a category of the texts, in the order of *columns*; not fitted.

    The matrix is sparse where that is smaller and there is an *estimator* that takes it.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.utils import get_tags

    blocks: list[tuple[str, Any, list[str]]] = []
    for is_text, group in groupby(columns.features, lambda column: column.type == "string"):
        made = ("categories", _categories(columns.invalid)) if is_text else ("numbers", _numbers())
        blocks.append((f"{made[0]}_{len(blocks) + 1}", made[1], [column.name for column in group]))
    takes_sparse = estimator is not None and get_tags(estimator).input_tags.sparse
    return ColumnTransformer(blocks, sparse_threshold=_SPARSE_BELOW if takes_sparse else 0)


def _numbers() -> Any:
    import numpy as np
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(np.asarray, kw_args={"dtype": "float64"})


def _categories(invalid: NullHandling) -> Any:
    """A category that was not there in training is none of them; null is one where it is kept."""
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    one_hot = OneHotEncoder(handle_unknown="ignore")
    if invalid != "keep":
        return one_hot
    # Spark's null is None, that of a pandas frame often NaN: the encoder tells them apart.
    nulls = FunctionTransformer(pd.DataFrame.replace, kw_args={"to_replace": {np.nan: None}})
    return Pipeline([("nulls", nulls), ("one_hot", one_hot)])
