"""Fitted models as plain numbers: frozen records of NumPy arrays that answer with NumPy alone.

One module a family; :mod:`families` lists them by name, :func:`write_plain` and :func:`read_plain`
keep a model in the folder ``plain`` of a stored MLflow model. The last axis of what a model takes
are its features: of a matrix it answers every row, of one row alone that row, with the same doubles.
"""

from __future__ import annotations

from mlsql.udf.predictors.plain.base import PlainModel, Step
from mlsql.udf.predictors.plain.codec import PLAIN, read_plain, write_plain

__all__ = ["PLAIN", "PlainModel", "Step", "read_plain", "write_plain"]
