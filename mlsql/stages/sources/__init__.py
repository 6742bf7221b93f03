"""Where tables come from and go to: one module a family, looked up by format name."""

from __future__ import annotations

from mlsql.registry import Registry
from mlsql.stages.sources import files, inline
from mlsql.stages.sources.base import Source


def builtins() -> Registry[Source]:
    """The sources that come with mlsql, by format."""
    registry: Registry[Source] = Registry("source")
    for source in (files.CSV, files.JSON, files.PARQUET):
        registry.add(source.format, source)
    registry.add("jsonStr", inline.JsonText())
    return registry
