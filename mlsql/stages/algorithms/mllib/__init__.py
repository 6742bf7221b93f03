"""Algorithms of Spark ML, fitted in the driver and its executors."""

from __future__ import annotations

from mlsql.models import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm


def add_to(registry: Registry[Algorithm], store: ModelStore) -> None:
    """Add those of Spark ML; models are kept in *store*."""
