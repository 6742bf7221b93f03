"""Why an estimator has no plain form."""

from __future__ import annotations

from mlsql.errors import DataError


class NoPlainForm(DataError):
    """A fitted model, or a step in front of it, cannot be told as plain numbers."""
