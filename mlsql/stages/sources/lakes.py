"""Tables that keep their versions, by their path: ``load delta.`/lake/users` as t``, iceberg too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.errors import DataError, MissingPath
from mlsql.grammar.nodes import Word
from mlsql.session import Run, quoted
from mlsql.stages.sources.base import Target, Written
from mlsql.stages.sources.connecting import need_connector
from mlsql.stages.sources.counts import CountedRows
from mlsql.stages.sources.file_options import (
    DeltaReadOptions,
    DeltaWriteOptions,
    IcebergReadOptions,
    IcebergWriteOptions,
)
from mlsql.stages.sources.files import partition_columns, placed
from mlsql.stages.sources.spark_options import spark_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FORMAT = "delta"
_CLASS = "io.delta.sql.DeltaSparkSessionExtension"
_ICEBERG = "iceberg"
_ICEBERG_CLASS = "org.apache.iceberg.spark.SparkCatalog"


@dataclass(frozen=True, slots=True)
class Delta:
    """Folders of Parquet with a log of what was done to them."""

    doc: ClassVar[str] = "Tables of Delta Lake, which keep their versions; with the connector of that name."
    read_options: ClassVar[type[DeltaReadOptions]] = DeltaReadOptions
    write_options: ClassVar[type[DeltaWriteOptions]] = DeltaWriteOptions

    def read(self, run: Run, path: Word, options: DeltaReadOptions, /) -> DataFrame:
        """The table at *path*, lazily: as it is, or as it was."""
        place = run.policy.path(path.text, span=path.span)
        need_connector(run, _FORMAT, _CLASS, path.span)
        with placed(_FORMAT, place, path), run.guard(path.span):
            return run.spark.read.format(_FORMAT).options(**spark_options(options)).load(place)

    def write(self, run: Run, frame: DataFrame, target: Target, options: DeltaWriteOptions, /) -> Written:
        """Write *frame* as a new version of the table, whose log tells how many files it added."""
        place = run.policy.path(target.path.text, span=target.path.span, purpose="write")
        partitions = partition_columns(target, options, frame)
        need_connector(run, _FORMAT, _CLASS, target.path.span)
        tables: Any = run.spark._jvm.io.delta.tables.DeltaTable  # type: ignore[union-attr]
        is_there = tables.isDeltaTable(run.spark._jsparkSession, place)
        if is_there and target.mode == "ignore":
            return Written(place, 0, 0)
        if is_there and target.mode == "errorIfExists":
            raise _occupied(place, target.path)
        rows = CountedRows(frame if options.files is None else frame.repartition(options.files))
        writer = rows.frame.write.format(_FORMAT).options(**spark_options(options)).partitionBy(partitions)
        with placed(_FORMAT, place, target.path), run.guard(target.path.span):
            writer.mode(target.mode).save(place)
        newest = tables.forPath(run.spark._jsparkSession, place).history(1).first()
        metrics = newest.getJavaMap(newest.fieldIndex("operationMetrics"))
        return Written(place, rows.count(run.stop), int(metrics.get("numFiles") or 0))


@dataclass(frozen=True, slots=True)
class Iceberg:
    """Folders of Apache Iceberg, without a catalog service: the folder around a table is its catalog."""

    doc: ClassVar[str] = "Tables of Apache Iceberg in folders; with the connector of that name."
    read_options: ClassVar[type[IcebergReadOptions]] = IcebergReadOptions
    write_options: ClassVar[type[IcebergWriteOptions]] = IcebergWriteOptions

    def read(self, run: Run, path: Word, options: IcebergReadOptions, /) -> DataFrame:
        """The table at *path*, lazily: as it is, or as it was."""
        place = run.policy.path(path.text, span=path.span)
        need_connector(run, _ICEBERG, _ICEBERG_CLASS, path.span)
        name = _in_catalog(run, place)
        if not run.spark.catalog.tableExists(name):
            raise MissingPath(place, span=path.span)
        with run.guard(path.span):
            return run.spark.read.options(**spark_options(options)).table(name)

    def write(self, run: Run, frame: DataFrame, target: Target, options: IcebergWriteOptions, /) -> Written:
        """Write *frame* as a new snapshot of the table; how many files that makes is not told."""
        from pyspark.sql import functions as sf

        place = run.policy.path(target.path.text, span=target.path.span, purpose="write")
        partitions = partition_columns(target, options, frame)
        need_connector(run, _ICEBERG, _ICEBERG_CLASS, target.path.span)
        name = _in_catalog(run, place)
        is_there = run.spark.catalog.tableExists(name)
        if is_there and target.mode == "ignore":
            return Written(place, 0, 0)
        if is_there and target.mode == "errorIfExists":
            raise _occupied(place, target.path)
        rows = CountedRows(frame if options.files is None else frame.repartition(options.files))
        writer = rows.frame.writeTo(name).options(**spark_options(options))
        if partitions and not (is_there and target.mode == "append"):
            writer = writer.partitionedBy(*(sf.col(quoted(each)) for each in partitions))
        with run.guard(target.path.span):
            writer.append() if is_there and target.mode == "append" else writer.createOrReplace()
        return Written(place, rows.count(run.stop), 0)


def _in_catalog(run: Run, place: str) -> str:
    """What Spark calls the table at *place*: its folder is a table of a catalog that the one around it is."""
    around, _, name = place.rstrip("/").rpartition("/")
    catalog = f"mlsql_iceberg_{hashlib.sha256(around.encode()).hexdigest()[:12]}"
    settings = {"": _ICEBERG_CLASS, ".type": "hadoop", ".warehouse": around or "/"}
    for key, value in settings.items():
        run.spark.conf.set(f"spark.sql.catalog.{catalog}{key}", value)
    return f"{catalog}.{quoted(name)}"


def _occupied(place: str, path: Word) -> DataError:
    hint = "`save overwrite …` replaces it, `save append …` adds to it"
    return DataError(f"something lies at '{place}' already", span=path.span, hint=hint)
