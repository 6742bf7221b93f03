"""Feature steps: fitted on a table, and the same afterwards as a function."""

from __future__ import annotations

from mlsql.models import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm


def add_to(registry: Registry[Algorithm], store: ModelStore) -> None:
    """Add the feature steps; models are kept in *store*."""
