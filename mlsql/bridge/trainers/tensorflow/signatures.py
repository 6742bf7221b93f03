"""How MLflow describes what a stored model takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlsql.bridge.matrix import Matrix
from mlsql.bridge.request import Columns

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

_PANDAS: Mapping[str, str] = {"long": "int64", "double": "float64", "boolean": "bool", "string": "object"}


def signature(columns: Columns, width: int, answer: str) -> ModelSignature:
    """Named columns, or a matrix so *wide*; the answer is of that Spark type."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    if columns.form == "features":
        import numpy as np

        inputs: list[Any] = [TensorSpec(np.dtype("float64"), (-1, width))]
    else:
        inputs = [ColSpec(_input_type(columns, each.type), each.name) for each in columns.features]
    return ModelSignature(Schema(inputs), Schema([ColSpec(mlflow_type(answer))]))


def example(columns: Columns, rows: Matrix | pd.DataFrame) -> Matrix | pd.DataFrame:
    """The first rows of the features as the stored model takes them."""
    import pandas as pd

    if columns.form == "features":
        return rows
    frame = pd.DataFrame(rows, columns=[each.name for each in columns.features])
    if columns.invalid == "keep":  # pandas has no NaN among integers and booleans
        return frame
    return frame.astype({each.name: _PANDAS[mlflow_type(each.type)] for each in columns.features})


def mlflow_type(spark: str) -> str:
    """MLflow's word for a Spark type; it lets narrower numbers pass for ``long`` and ``double``."""
    if spark in ("tinyint", "smallint", "int", "bigint"):
        return "long"
    return spark if spark in ("boolean", "string") else "double"


def _input_type(columns: Columns, spark: str) -> Any:
    """MLflow's type of a column; it takes a null for no number and no boolean."""
    from mlflow.types.schema import AnyType

    if columns.invalid == "keep" and spark != "string":
        return AnyType()  # type: ignore[no-untyped-call]  # it has no types
    return mlflow_type(spark)
