"""What answers the calls of a query in Python: models of the caller, and functions of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlsql.udf.serving.functions import Functions
from mlsql.udf.serving.lane_calls import Call
from mlsql.udf.serving.lane_functions import BY_PYTHON, RowFunction
from mlsql.udf.serving.lane_types import Ask, doubles, leaf_of


def asking(functions: Functions, caller: str) -> Ask:
    """What has a call answered for values, at the type of its output."""

    def ask(call: Call, values: Sequence[Any]) -> Any:
        if call.is_model:
            return of_model(functions, caller, call)(*values)
        answer = of_rows(BY_PYTHON[call.function])(*values)
        return doubles((answer,))[0] if leaf_of(call.output) == "double" else answer

    return ask


def of_model(functions: Functions, caller: str, call: Call) -> Callable[..., Any]:
    """The answer for one row of the model that is registered now."""

    def answer(*values: Any) -> Any:
        return _plain(functions.served(caller, call.function).one(values, call.companion))

    return answer


def of_rows(function: RowFunction) -> Callable[..., Any]:
    """The answer for one row of a function of ours: null gives null, or is for Spark."""

    def called(*values: Any) -> Any:
        if any(each is None for each in values):
            if function.refuses_nulls:
                raise ValueError
            return None
        return _plain(function.compute(*values))

    return called


def _plain(answer: Any) -> Any:
    """Numbers of numpy as Python's; a NaN, which DuckDB would take for null, is for Spark."""
    plain = answer.tolist() if hasattr(answer, "tolist") else answer
    if _holds_nan(plain):
        raise ValueError
    return plain


def _holds_nan(value: Any) -> bool:
    if isinstance(value, dict):
        value = [*value.values()]
    return any(map(_holds_nan, value)) if type(value) is list else bool(value != value)  # noqa: PLR0124
