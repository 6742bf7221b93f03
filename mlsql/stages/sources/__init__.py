"""Where tables come from and go to: one module a family, looked up by format name."""

from __future__ import annotations

from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.sources import catalog, files, hive, inline, jdbc
from mlsql.stages.sources.base import Source


def builtins(algorithms: Registry[Algorithm]) -> Registry[Source]:
    """The sources that come with mlsql, by format; *algorithms* are those that some of them tell about."""
    registry: Registry[Source] = Registry("source")
    for source in (files.CSV, files.JSON, files.LIBSVM, files.ORC, files.PARQUET, files.TEXT, files.XML):
        registry.add(source.format, source)
    registry.add("hive", hive.Hive())
    registry.add("jdbc", jdbc.Jdbc())
    registry.add("jsonStr", inline.JSON_TEXT)
    registry.add("csvStr", inline.CSV_TEXT)
    registry.add("script", inline.ScriptText())
    for name, table in catalog.catalog_tables(registry, algorithms).items():
        registry.add(name, table)
    return registry
