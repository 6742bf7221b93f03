"""Connectors: the jars that Spark needs for a source, fetched on demand into a cache of ours.

A connector is fetched by ``mlsql connectors add``, never by a script. What is fetched is used at once:
by the next ``load``, in a Spark that runs already, too (``spark_jars``). Only those that change how
Spark plans queries (delta, iceberg) have to be there when Spark starts.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from mlsql.config.loading import cache_folder
from mlsql.config.settings import Settings
from mlsql.errors import ConfigError, UnknownName
from mlsql.spark.maven import artifacts_of_spark, default_repositories, fetch_jars, is_coordinate

EXTENSIONS = "spark.sql.extensions"
_JARS = "spark.jars"
_VERSION = re.compile(r"(\d+)\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Connector:
    """What Spark needs for one source."""

    name: str
    doc: str
    licence: str
    package: str
    """Its Maven coordinate, with the running Spark's version for ``{spark}``; empty: none is known."""
    at_start: Mapping[str, str] = field(default_factory=dict)
    """Settings with which Spark has to start for it."""

    @property
    def version(self) -> str:
        """The version of its package."""
        return self.package.rpartition(":")[2]


_APACHE = "Apache-2.0"
_KNOWN = (
    Connector(
        "kafka", "Topics of Apache Kafka.", _APACHE, "org.apache.spark:spark-sql-kafka-0-10_2.13:{spark}"
    ),
    Connector("avro", "Files in the format Avro.", _APACHE, "org.apache.spark:spark-avro_2.13:{spark}"),
    Connector(
        "delta",
        "Tables of Delta Lake.",
        _APACHE,
        "io.delta:delta-spark_2.13:{spark}",
        {
            EXTENSIONS: "io.delta.sql.DeltaSparkSessionExtension",
            # Delta would have its own catalog for tables by name too; here its tables are paths.
            "spark.databricks.delta.requiredSparkConfsCheck.enabled": "false",
        },
    ),
    Connector(
        "iceberg",
        "Tables of Apache Iceberg.",
        _APACHE,
        "org.apache.iceberg:iceberg-spark-runtime-{line}_2.13:1.10.0",
        {EXTENSIONS: "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"},
    ),
    Connector("postgresql", "JDBC driver of PostgreSQL.", "BSD-2-Clause", "org.postgresql:postgresql:42.7.7"),
    Connector("mysql", "JDBC driver of MySQL.", "GPL-2.0", "com.mysql:mysql-connector-j:9.4.0"),
    Connector("mariadb", "JDBC driver of MariaDB.", "LGPL-2.1", "org.mariadb.jdbc:mariadb-java-client:3.5.5"),
    Connector("sqlite", "JDBC driver of SQLite.", _APACHE, "org.xerial:sqlite-jdbc:3.50.3.0"),
    Connector(
        "oracle", "JDBC driver of Oracle.", "Oracle FUTC", "com.oracle.database.jdbc:ojdbc17:23.9.0.25.07"
    ),
    Connector(
        "sqlserver", "JDBC driver of SQL Server.", "MIT", "com.microsoft.sqlserver:mssql-jdbc:13.2.1.jre11"
    ),
    Connector("es", "Indexes of Elasticsearch (org.elasticsearch:elasticsearch-spark).", _APACHE, ""),
    Connector("mongo", "MongoDB (org.mongodb.spark:mongo-spark-connector).", _APACHE, ""),
    Connector("redis", "Redis (com.redislabs:spark-redis).", "BSD-3-Clause", ""),
    Connector("hbase", "HBase (org.apache.hbase.connectors.spark:hbase-spark).", _APACHE, ""),
    Connector("solr", "Solr (com.lucidworks.spark:spark-solr).", _APACHE, ""),
)


@dataclass(frozen=True, slots=True)
class Connectors:
    """The connectors that there are for one version of Spark, and the folder of those fetched."""

    known: Mapping[str, Connector]
    folder: Path
    repositories: tuple[str, ...]

    @classmethod
    def from_settings(cls, settings: Settings, spark_version: str = "", folder: Path | None = None) -> Self:
        """Those for *spark_version* (of the installed PySpark), with what ``[connectors]`` says."""
        if not spark_version:
            from pyspark import __version__ as spark_version
        known = {each.name: _for_spark(each, spark_version) for each in _KNOWN}
        for name, package in map(_read_package, settings.connectors.packages):
            known[name] = _in_package(known.get(name), name, package)
        repositories = settings.connectors.repositories or default_repositories()
        return cls(MappingProxyType(known), folder or cache_folder() / "connectors", repositories)

    def get(self, name: str) -> Connector:
        """The connector of that name; an unknown one is a ScriptError with the nearest known."""
        if name not in self.known:
            raise UnknownName("connector", name, self.known)
        return self.known[name]

    def jars(self, connector: Connector) -> tuple[Path, ...]:
        """Its jars; none when it was not fetched in this version."""
        return tuple(sorted(self._place(connector).glob("*.jar"))) if connector.package else ()

    def needed(self, name: str) -> tuple[Path, ...]:
        """The jars of the connector *name*; ConfigError, with what brings it, when it was not fetched."""
        connector = self.get(name)
        jars = self.jars(connector)
        if not jars:
            raise missing(connector)
        return jars

    def fetch(self, connector: Connector) -> tuple[Path, ...]:
        """Its jars, fetched when they are not there; without what Spark has itself."""
        if not connector.package:
            raise missing(connector)
        if not self.jars(connector):
            fetch_jars(
                [connector.package],
                self._place(connector),
                self.repositories,
                without=artifacts_of_spark(),
            )
        return self.jars(connector)

    def remove(self, connector: Connector) -> bool:
        """Remove it in all versions; whether there was one."""
        folder = self.folder / connector.name
        if not folder.is_dir():
            return False
        shutil.rmtree(folder)
        return True

    def spark_settings(self, given: Mapping[str, str]) -> dict[str, str]:
        """*given* with what fetched connectors need that have to be there when Spark starts."""
        settings = dict(given)
        for connector in self.known.values():
            jars = self.jars(connector) if connector.at_start else ()
            if jars:
                _extend(settings, _JARS, *map(str, jars))
                for name, value in connector.at_start.items():
                    _extend(settings, name, value) if name == EXTENSIONS else settings.setdefault(name, value)
        return settings

    def _place(self, connector: Connector) -> Path:
        return self.folder / connector.name / connector.package.replace(":", "_")


def missing(connector: Connector) -> ConfigError:
    """The error of a connector that is not there."""
    if connector.package:
        return ConfigError(
            f"the connector '{connector.name}' is not there",
            hint=f"`mlsql connectors add {connector.name}` fetches it ({connector.package})",
        )
    return ConfigError(
        f"no release of the connector '{connector.name}' is known to work with this Spark",
        hint=f'connectors.packages = ["{connector.name}=group:artifact:version"] names one, which'
        f" `mlsql connectors add {connector.name}` then fetches: {connector.doc}",
    )


def _for_spark(connector: Connector, spark_version: str) -> Connector:
    """With the first release of Spark's minor line: the one that all connectors are made for."""
    match = _VERSION.match(spark_version)
    line = ".".join(match.groups()) if match else spark_version
    return _in_package(connector, connector.name, connector.package.format(spark=f"{line}.0", line=line))


def _in_package(connector: Connector | None, name: str, package: str) -> Connector:
    if connector is None:
        return Connector(name, "Named in connectors.packages.", "?", package)
    return Connector(name, connector.doc, connector.licence, package, connector.at_start)


def _read_package(text: str) -> tuple[str, str]:
    """(name, coordinate) of an entry of ``connectors.packages``."""
    name, _, package = map(str.strip, text.partition("="))
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or not is_coordinate(package):
        raise ConfigError(
            f"connectors.packages cannot hold '{text}'",
            hint="an entry is written name=group:artifact:version",
        )
    return name, package


def _extend(settings: dict[str, str], name: str, *more: str) -> None:
    """Add to a setting that is a list with commas, unless it has them."""
    listed = [each for each in settings.get(name, "").split(",") if each]
    settings[name] = ",".join([*listed, *(each for each in more if each not in listed)])
