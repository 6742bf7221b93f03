"""A registered function as a client of the server sees it, and the rows that it is asked about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlsql.errors import ConfigError, ScriptError

if TYPE_CHECKING:
    import pyarrow as pa

Rows = Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]]
"""Objects by the names of the inputs, or values in their order."""
ARROW = "application/vnd.apache.arrow.stream"
_SHOWN = '[{"alcohol": 9.4, "kind": "red"}], or values in their order: [[9.4, "red"]]'
_MANY = 500
"""From here on rows by name go as Arrow, when it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A registered function as the server told it."""

    name: str
    """As the caller calls it."""
    owner: str
    signature: str
    inputs: Mapping[str, str]
    """The Spark types of its inputs by their names, in their order."""
    output: str
    kind: str
    version: int | None
    metrics: Mapping[str, float | None]
    trouble: str | None
    """Why it is not answered without Spark."""
    told: Mapping[str, Any] = field(repr=False)
    """The whole reply."""


def read_function(told: Mapping[str, Any]) -> Function:
    """The function that a reply describes."""
    known = ("name", "owner", "signature", "output", "kind", "version", "metrics", "trouble")
    inputs = {each["name"]: each["type"] for each in told["inputs"]}
    return Function(inputs=inputs, told=told, **{each: told[each] for each in known})


def body_of(rows: Any) -> dict[str, Any]:
    """What a request holds that asks about *rows*: Arrow of a table, or of many rows by name, else JSON."""
    if hasattr(rows, "__arrow_c_stream__"):
        return _as_arrow(rows)
    if isinstance(rows, Mapping | str | bytes):
        raise ScriptError("the rows are no list of rows", hint=_SHOWN)
    given = [_row(number, each) for number, each in enumerate(rows, start=1)]
    if len(given) >= _MANY and all(isinstance(each, dict) for each in given):
        table = _table(given)
        if table is not None:
            return _as_arrow(table)
    content = json.dumps({"rows": given}, default=_plain)
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def answers_of(content: bytes, kind: str) -> list[Any]:
    """The answers in a reply of that media type."""
    if kind.partition(";")[0] == ARROW:
        import pyarrow as pa

        answers: list[Any] = pa.ipc.open_stream(content).read_all()["prediction"].to_pylist()
        return answers
    told: list[Any] = json.loads(content)["predictions"]
    return told


def _row(number: int, row: Any) -> dict[str, Any] | list[Any]:
    """A row as JSON takes it."""
    if isinstance(row, Mapping):
        return dict(row)
    if isinstance(row, list | tuple) or getattr(row, "ndim", False):
        return list(row)
    raise ScriptError(f"row {number} is neither an object nor a list", hint=_SHOWN)


def _plain(value: Any) -> Any:
    """A number or an array of numpy as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise ScriptError(
        f"a {type(value).__name__} is no value of a row", hint="numbers, texts, booleans, lists"
    )


def _as_arrow(rows: Any) -> dict[str, Any]:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ConfigError("a table is sent as Arrow", hint="pip install pyarrow") from error
    table = pa.table(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"content": sink.getvalue().to_pybytes(), "headers": {"Content-Type": ARROW}}


def _table(rows: Sequence[Any]) -> pa.Table | None:
    """The rows in columns; None where Arrow is missing, or cannot hold them and the server says why."""
    try:
        import pyarrow as pa
    except ImportError:
        return None
    if any(each.keys() != rows[0].keys() for each in rows):
        return None
    try:
        return pa.Table.from_pylist([*rows])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None
