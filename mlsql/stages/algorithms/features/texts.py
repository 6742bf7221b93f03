"""Columns of texts, and of what is a text once it is written: numbers, booleans, days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault
from mlsql.stages.algorithms.features.declaration import INPUT
from mlsql.stages.algorithms.features.numeric import type_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NO_TEXTS = ("array<", "map<", "struct<", "vector", "matrix", "binary", "variant")


def check_texts(frame: DataFrame, name: str, option: str = INPUT, *, arrays: bool = False) -> None:
    """DataFault unless the column *name*, which *option* names, holds texts, or perhaps *arrays* of them."""
    kind = type_of(frame, name)
    element = kind.removeprefix("array<") if arrays else kind
    if element.startswith(_NO_TEXTS):
        hint = f"array_join({name}, ' ') makes a text of it" if kind.startswith("array<string") else None
        raise DataFault(f"'{name}' holds {kind}, and no texts", option=option, hint=hint)
