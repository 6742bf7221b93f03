"""Where tables come from and go to: one module a family, looked up by format name."""

from __future__ import annotations

from collections.abc import Iterable

from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.sources import catalog, files, foreign, hive, inline, jdbc, kafka, lakes
from mlsql.stages.sources.base import Source
from mlsql.stages.sources.excel import Excel
from mlsql.stages.sources.rest import Rest
from mlsql.stages.sources.retired import RETIRED


def builtins(algorithms: Registry[Algorithm], formats: Iterable[str] = ()) -> Registry[Source]:
    """The sources that come with mlsql, by format; *algorithms* are those that some of them tell about.

    *formats* are further ones of Spark that scripts may use.
    """
    registry: Registry[Source] = Registry("source")
    for source in files.SOURCES:
        registry.add(source.format, source)
    registry.add("delta", lakes.Delta())
    registry.add("iceberg", lakes.Iceberg())
    registry.add("excel", Excel())
    registry.add("hive", hive.Hive())
    registry.add("jdbc", jdbc.Jdbc())
    registry.add("kafka", kafka.Kafka())
    registry.add("rest", Rest())
    registry.add("jsonStr", inline.JSON_TEXT)
    registry.add("csvStr", inline.CSV_TEXT)
    registry.add("script", inline.ScriptText())
    for name, table in catalog.catalog_tables(registry, algorithms).items():
        registry.add(name, table)
    for name, store in foreign.stores().items():
        registry.add(name, store)
    for name in formats:
        if name not in registry:
            registry.add(name, foreign.allowed_format(name))
    registry.add_plugins("mlsql.sources")
    registry.retire(RETIRED)
    return registry
