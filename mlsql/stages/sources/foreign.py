"""Formats of Spark that are not known here: passed on, with their options as they are.

They are the stores of other makers (es, mongo, redis, hbase, solr), what the setting ``sources.allow``
names, and classes: ``load `com.example.Format`.`path` …``, or any format with the option ``implClass``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.bridge.errors import OptionFault
from mlsql.errors import ConfigError
from mlsql.grammar.nodes import Word
from mlsql.options import Options, OptionText
from mlsql.registry import Registry
from mlsql.session import Run
from mlsql.spark.connectors import Connectors, missing
from mlsql.spark.errors import java_causes, spark_errors
from mlsql.spark.jars import use_jars
from mlsql.stages.sources.base import Source, Target, Written
from mlsql.stages.sources.foreign_options import (
    CLASS,
    AnyOptions,
    EsOptions,
    ForeignOptions,
    HbaseOptions,
    StoreOptions,
    passed_on,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NOT_FOUND = ("DATA_SOURCE_NOT_FOUND", "Failed to find data source", "ClassNotFoundException")
_PATHS = ("path", "paths")
_HOLDS_PATH = re.compile(r"(?:.*[._-])?(?:location|file|dir|directory|folder|path)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Foreign:
    """One format, as scripts call it."""

    name: str
    doc: str
    provider: str = ""
    """What Spark calls it; empty: as scripts do."""
    path_option: str = ""
    """The option by which it takes the path; empty: it is a path of files."""
    options: type[AnyOptions] = ForeignOptions

    @property
    def read_options(self) -> type[AnyOptions]:
        """What a ``load`` may say."""
        return self.options

    @property
    def write_options(self) -> type[AnyOptions]:
        """What a ``save`` may say."""
        return self.options

    def read(self, run: Run, path: Word, options: AnyOptions, /) -> DataFrame:
        """The table, lazily."""
        provider, given = self._reached(run, path, options, is_read=True)
        with self._talking(run, path):
            return run.spark.read.format(provider).options(**given).load()

    def write(self, run: Run, frame: DataFrame, target: Target, options: AnyOptions, /) -> Written:
        """Write *frame*; how many rows and files that makes, only the format knows."""
        provider, given = self._reached(run, target.path, options, is_read=False)
        by_option = options.partition_by if isinstance(options, ForeignOptions) else ()
        columns = [each.text for each in target.partition_by] or list(by_option)
        with self._talking(run, target.path):
            writer = frame.write.format(provider).options(**given).partitionBy(columns)
            writer.mode(target.mode).save()
        return Written(target.path.text, None, 0)

    def _reached(
        self, run: Run, path: Word, options: AnyOptions, *, is_read: bool
    ) -> tuple[str, dict[str, str]]:
        """What Spark calls the format, and what it is told; classes that were fetched are known then."""
        own_class = options.implementation if isinstance(options, ForeignOptions) else None
        provider = own_class or self.provider or self.name
        run.policy.spark_format(own_class or self.name, span=path.span)
        given = {key: _judged(run, key, value) for key, value in passed_on(options).items()}
        given |= self._path(run, path, is_read=is_read)
        connectors = Connectors.from_settings(run.settings, run.spark.version)
        if self.name in connectors.known and (jars := connectors.jars(connectors.get(self.name))):
            use_jars(run.spark, jars)
        return provider, given

    def _path(self, run: Run, path: Word, *, is_read: bool) -> dict[str, str]:
        """The option that holds the path: as it is written, or below a root the place that is meant."""
        if self.path_option or not path.text:
            return {self.path_option: path.text} if path.text else {}
        place = run.policy.path(path.text, span=path.span, purpose="read" if is_read else "write")
        return {"path": path.text if run.policy.root is None else place}

    @contextmanager
    def _talking(self, run: Run, path: Word) -> Iterator[None]:
        with run.guard(path.span):
            try:
                yield
            except spark_errors() as error:
                texts = [str(error), *(str(each.toString()) for each in java_causes(error))]
                if any(mark in text for mark in _NOT_FOUND for text in texts):
                    raise self._missing(run) from error
                raise

    def _missing(self, run: Run) -> ConfigError:
        """The error of a format whose classes are not there."""
        connectors = Connectors.from_settings(run.settings, run.spark.version)
        if self.name in connectors.known:
            return missing(connectors.get(self.name))
        return ConfigError(
            f"Spark has nothing that reads and writes '{self.provider or self.name}'",
            hint=f'connectors.packages = ["{_connector_name(self.name)}=group:artifact:version"] and `mlsql'
            " connectors add` fetch it, or spark.jars under [spark] of mlsql.toml names its jar",
        )


def stores() -> Mapping[str, Foreign]:
    """The stores of other makers, by format."""
    table = (
        Foreign(
            "es",
            "Indexes of Elasticsearch, by its connector; the path is the index.",
            "org.elasticsearch.spark.sql",
            "es.resource",
            EsOptions,
        ),
        Foreign(
            "mongo",
            "Collections of MongoDB, by its connector; the path is the collection.",
            "mongodb",
            "collection",
            StoreOptions,
        ),
        Foreign(
            "redis",
            "Hashes of Redis, by its connector; the path is the table.",
            "org.apache.spark.sql.redis",
            "table",
            StoreOptions,
        ),
        Foreign(
            "hbase",
            "Tables of HBase, by its connector; the path is the table.",
            "org.apache.hadoop.hbase.spark",
            "hbase.table",
            HbaseOptions,
        ),
        Foreign(
            "solr",
            "Collections of Solr, by its connector; the path is the collection.",
            "solr",
            "collection",
            StoreOptions,
        ),
    )
    return {each.name: each for each in table}


def allowed_format(name: str) -> Foreign:
    """A format that the setting ``sources.allow`` names."""
    return Foreign(name, f"The format '{name}' of Spark, which sources.allow names.")


def source_of(sources: Registry[Source], name: Word, options: Options) -> Source:
    """The source that a statement names: known, or a class; an unknown one is told with the nearest."""
    if name.text not in sources and ("." in name.text or CLASS in options):
        return Foreign(name.text, f"The class '{name.text}'.")
    return sources.get(name.text, span=name.span)


def _judged(run: Run, key: str, value: OptionText) -> str:
    """The text of an option; where owners are apart, one that could be a path is judged as paths are."""
    if key.casefold() in _PATHS:
        raise OptionFault("a path stands behind the format", option=key, hint="load format.`path` as t")
    if run.policy.caller is not None and _HOLDS_PATH.fullmatch(key):
        return run.policy.path(value.text, span=value.span, purpose="write")
    return value.text


def _connector_name(name: str) -> str:
    return name.rpartition(".")[2].casefold()
