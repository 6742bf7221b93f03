"""The functions that every session has, declared one by one: signature, SQL, a sentence, an example."""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.udf.builtin import arrays, texts, times, vectors
from mlsql.udf.builtin.declaration import SqlFunction

FUNCTIONS: Sequence[SqlFunction] = (*vectors.FUNCTIONS, *arrays.FUNCTIONS, *texts.FUNCTIONS, *times.FUNCTIONS)
"""All of them, by subject."""

__all__ = ["FUNCTIONS", "SqlFunction"]
