"""The Params of Spark ML's estimators as a table that is read without importing them.

``params.json`` is written by ``python -m mlsql.stages.algorithms.mllib.survey``; a test compares it
with the installed version.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from mlsql.options import BOOLEAN, TEXT, Kind, integer

TABLE = "params.json"
SEED = 42
"""Where Spark would take another seed in each process, so that the same rows give the same model."""


def _read_number(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError(text)
    return value


def _inside(text: str) -> list[str]:
    """What is written in brackets, or without: older engines took ``3.0`` for ``[3.0]``."""
    written = text.strip()
    if not written or written.startswith("[") != written.endswith("]"):
        raise ValueError(text)
    return [each.strip() for each in written.strip("[]").split(",") if each.strip()]


def _read_numbers(text: str) -> tuple[float, ...]:
    return tuple(map(_read_number, _inside(text)))


def _read_wholes(text: str) -> tuple[int, ...]:
    return tuple(map(int, _inside(text)))


def _read_rows(text: str) -> tuple[tuple[float, ...], ...]:
    rows: Any = json.loads(text.replace("-inf", "-Infinity").replace("inf,", "Infinity,"))
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError(text)
    return tuple(tuple(map(float, row)) for row in rows)


_NUMBER: Kind[float] = Kind("a number, or inf", _read_number)
_NUMBERS: Kind[tuple[float, ...]] = Kind("numbers in brackets, as [1.0,2.0]", _read_numbers)
_WHOLES: Kind[tuple[int, ...]] = Kind("whole numbers in brackets, as [4,5,3]", _read_wholes)
_ROWS: Kind[tuple[tuple[float, ...], ...]] = Kind("rows in brackets, as [[1.0,2.0],[3.0,4.0]]", _read_rows)
KINDS: Mapping[str, Kind[Any]] = MappingProxyType(
    {
        "toInt": integer(),
        "toFloat": _NUMBER,
        "toBoolean": BOOLEAN,
        "toString": TEXT,
        "toListFloat": _NUMBERS,
        "toListInt": _WHOLES,
        "toVector": _NUMBERS,
        "toMatrix": _ROWS,
    }
)
"""How the text of a Param is read, by the converter that PySpark gives it."""


@dataclass(frozen=True, slots=True)
class SparkParam:
    """One Param: its name, PySpark's converter, Spark's default (None without one) and sentence."""

    name: str
    converter: str
    default: Any
    doc: str

    @property
    def kind(self) -> Kind[Any]:
        """How its text is read."""
        return KINDS[self.converter]

    @property
    def takes_list(self) -> bool:
        """Whether brackets are its one value, and not a grid."""
        return self.converter in ("toListFloat", "toListInt", "toVector", "toMatrix")

    def value(self, text: str) -> Any:
        """What Spark is given for *text*."""
        return _FOR_SPARK.get(self.converter, _as_it_is)(self.kind.read(text))


def _as_it_is(value: Any) -> Any:
    return value


def _vector(values: tuple[float, ...]) -> Any:
    from pyspark.ml.linalg import Vectors

    return Vectors.dense(values)


def _matrix(rows: tuple[tuple[float, ...], ...]) -> Any:
    from pyspark.ml.linalg import DenseMatrix

    by_columns = [row[at] for at in range(len(rows[0])) for row in rows]
    return DenseMatrix(len(rows), len(rows[0]), by_columns)


_FOR_SPARK: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"toListFloat": list, "toListInt": list, "toVector": _vector, "toMatrix": _matrix}
)


@cache
def params_of(spark_class: str) -> Mapping[str, SparkParam]:
    """The Params of an estimator by name; without those that name the columns of its answers."""
    return MappingProxyType({name: SparkParam(name, *facts) for name, facts in _table()[spark_class].items()})


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(files(__package__).joinpath(TABLE).read_text(encoding="utf-8"))
    return table
