"""Rows as the texts that variables hold: as Spark casts a value to a string, null as the empty text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def text_rows(frame: DataFrame, most: int) -> list[tuple[str, ...]]:
    """The first rows of *frame*, at most *most*."""
    numbered = frame.toDF(*map(str, range(len(frame.columns))))
    texts = numbered.select(*(numbered[name].cast("string") for name in numbered.columns))
    return [tuple(value or "" for value in row) for row in texts.limit(most).collect()]
