"""What requests and replies about registered functions hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from mlsql.rest.examples import with_example

FUNCTION: Mapping[str, Any] = {
    "name": "good_wine",
    "owner": "ann",
    "function": "good_wine",
    "signature": "good_wine(alcohol double, sulphates double) -> bigint",
    "inputs": [{"name": "alcohol", "type": "double"}, {"name": "sulphates", "type": "double"}],
    "output": "bigint",
    "kind": "classifier",
    "algorithm": "SKLearn",
    "path": "/models/wine",
    "version": 3,
    "index": 1,
    "companions": ["good_wine_all", "good_wine_proba"],
    "metrics": {"f1": 0.81},
    "registered": "2026-01-01T02:00:41.530Z",
    "grants": ["bob"],
    "trouble": None,
    "form": "plain",
    "latencyMicroseconds": 38.0,
}


class PredictRows(BaseModel):
    """The rows that a function is asked about: objects by the names of its inputs, or arrays in order."""

    model_config = with_example({"rows": [{"alcohol": 9.4, "sulphates": 0.56}, [10.1, 0.7]]})

    rows: list[dict[str, Any] | list[Any]] = Field(description="Null stands for a value that is not known.")


class Predictions(BaseModel):
    """An answer for each row, in their order; with `companion=proba` an array of probabilities."""

    model_config = with_example({"predictions": [1, 0]})

    predictions: list[Any]


class Input(BaseModel):
    """A value that a function takes."""

    name: str
    type: str = Field(description="Its Spark type.")


class FunctionReply(BaseModel):
    """A registered function, and the model behind it."""

    model_config = with_example(FUNCTION)

    name: str = Field(description="As the caller calls it: that of another owner is `owner.function`.")
    owner: str
    function: str
    signature: str
    inputs: list[Input]
    output: str = Field(description="The Spark type of an answer.")
    kind: str = Field(description="classifier, regressor, clusterer, transformer; empty without a model.")
    algorithm: str
    path: str | None = Field(description="Where the model lies; only its owner is told.")
    version: int | None
    index: int | None = Field(description="Which of the fitted models of the version answers.")
    companions: list[str] = Field(description="What stands beside it in SQL.")
    metrics: dict[str, float | None]
    registered: str
    grants: list[str] | None = Field(description="Who else may call it; only its owner is told.")
    trouble: str | None = Field(description="Why no scorer answers it.")
    form: str | None = Field(default=None, description="The form in which the model is kept to answer.")
    latencyMicroseconds: float | None = Field(  # noqa: N815 -- as it is replied
        default=None, description="How long an answer took when it was registered, without transport."
    )


class FunctionsReply(BaseModel):
    """The functions that the caller may call, his own first."""

    model_config = with_example({"functions": [FUNCTION]})

    functions: list[FunctionReply]


class Grants(BaseModel):
    """Who besides its owner may call a function."""

    model_config = with_example({"function": "good_wine", "grants": ["bob"]})

    function: str
    grants: list[str]


class Invocation(BaseModel):
    """Rows in one of the forms of MLflow's scoring protocol."""

    model_config = with_example(
        {"dataframe_split": {"columns": ["alcohol", "sulphates"], "data": [[9.4, 0.56]]}}
    )

    dataframe_split: dict[str, Any] | None = Field(default=None, description="`columns` and `data`.")
    dataframe_records: list[dict[str, Any]] | None = Field(default=None, description="An object a row.")
    instances: list[Any] | None = Field(default=None, description="Rows, or the values of the one input.")
    inputs: list[Any] | dict[str, Any] | None = Field(default=None, description="Rows, or arrays by column.")
