"""Rows as clients of the scoring protocol of MLflow send them.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally: ``dataframe_split``,
``dataframe_records``, ``instances``, ``inputs``, or CSV with a header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlsql.errors import ScriptError, UnknownName
from mlsql.models.manifest import Column

_IGNORED = ("params",)
"""Parameters of a model, which no function takes; clients send an empty object."""


def read_invocation(body: Mapping[str, Any]) -> list[Any]:
    """The rows, by name or by position, of a body that is an object.

    >>> read_invocation({"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"]]}})
    [{'a': 1, 'b': 'x'}]
    >>> read_invocation({"inputs": {"a": [1, 2]}})
    [{'a': 1}, {'a': 2}]
    """
    given = {name: value for name, value in body.items() if name not in _IGNORED or value}
    if len(given) != 1:
        raise ScriptError("the body holds one of: " + ", ".join(_READERS))
    ((name, value),) = given.items()
    if name not in _READERS:
        raise UnknownName("field", name, _READERS)
    try:
        return _READERS[name](value)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ScriptError(f"'{name}' is not in the form that MLflow gives it") from error


def read_csv(text: str, inputs: Sequence[Column]) -> list[dict[str, Any]]:
    """The rows of a CSV with a header, by name; an empty field is null."""
    kinds = {each.name: each.type for each in inputs}
    try:
        rows = list(csv.DictReader(io.StringIO(text), strict=True, restkey=""))
    except csv.Error as error:
        raise ScriptError(f"the body is no CSV: {error}") from error
    for number, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            raise ScriptError(f"line {number} of the CSV has another number of fields than its header")
    return [{name: _cell(kinds.get(name, ""), value) for name, value in row.items()} for row in rows]


def _cell(kind: str, text: str) -> Any:
    """A field at the type of its column; what cannot be one stays a text, which the reader of rows tells."""
    if not text:
        return None
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.casefold(), text)
    try:
        return text if kind in ("string", "") else float(text)
    except ValueError:
        return text


def _split(value: Any) -> list[Any]:
    if "columns" not in value:
        return list(value["data"])
    return [dict(zip(value["columns"], row, strict=True)) for row in value["data"]]


def _records(value: Any) -> list[Any]:
    if not all(isinstance(each, dict) for each in value):
        raise TypeError
    return list(value)


def _instances(value: Any) -> list[Any]:
    """Rows; of a function with one input also its values."""
    if not isinstance(value, list):
        raise TypeError
    return [each if isinstance(each, list | dict) else [each] for each in value]


def _inputs(value: Any) -> list[Any]:
    """Rows, or columns by their names."""
    if not isinstance(value, dict):
        return _instances(value)
    columns = [each if isinstance(each, list) else [each] for each in value.values()]
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


_READERS: Mapping[str, Callable[[Any], list[Any]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
