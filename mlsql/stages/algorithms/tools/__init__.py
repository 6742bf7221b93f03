"""Tools: what makes a table of a table without a stored model, or judges one."""

from __future__ import annotations

from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.tools.jdbc import JdbcStatements
from mlsql.stages.algorithms.tools.sampler import RateSampler


def add_to(registry: Registry[Algorithm]) -> None:
    """Add the tools that need no worker."""
    registry.add("RateSampler", RateSampler())
    registry.add("JDBC", JdbcStatements())
