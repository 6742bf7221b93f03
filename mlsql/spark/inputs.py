"""The folders that a table is read from, as Spark's plan tells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FILES = ("LogicalRelation", "HadoopFsRelation")


def input_folders(frame: DataFrame) -> tuple[str, ...]:
    """Where the files lie that *frame* is read from, each with its file system.

    What memory holds already is read from there; what it shall hold is not yet.
    """
    return tuple(_folders(frame._jdf.queryExecution().withCachedData()))


def _folders(plan: Any) -> Iterator[str]:
    leaves = plan.collectLeaves()
    for leaf in (leaves.apply(index) for index in range(leaves.size())):
        if _name(leaf) == "InMemoryRelation" and not leaf.cacheBuilder().isCachedColumnBuffersLoaded():
            yield from _folders(leaf.cacheBuilder().logicalPlan())
        elif _name(leaf) == _FILES[0] and _name(leaf.relation()) == _FILES[1]:
            roots = leaf.relation().location().rootPaths()
            yield from (roots.apply(index).toString() for index in range(roots.size()))


def _name(java_object: Any) -> str:
    name: str = java_object.getClass().getSimpleName()
    return name
