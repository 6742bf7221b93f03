"""Spark's file formats: csv, json, parquet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.errors import DataError, MissingColumn, MissingPath
from mlsql.grammar.nodes import Word
from mlsql.names import nearest
from mlsql.session import Run
from mlsql.stages.sources.base import Target, Written
from mlsql.stages.sources.file_options import (
    CsvReadOptions,
    CsvWriteOptions,
    FileWriteOptions,
    JsonReadOptions,
    JsonWriteOptions,
    ParquetReadOptions,
    ParquetWriteOptions,
    spark_options,
)
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Observation, SparkSession

_COUNT_SECONDS = 30.0
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file format of Spark, with the options that it takes."""

    format: str
    read_options: type[Any]
    write_options: type[FileWriteOptions]

    def read(self, run: Run, path: Word, options: Any, /) -> DataFrame:
        """The files at *path*, lazily; Spark looks into them only to find columns and types."""
        place = run.policy.path(path.text, span=path.span)
        with _placed(self.format, place, path):
            return run.spark.read.format(self.format).options(**spark_options(options)).load(place)

    def write(self, run: Run, frame: DataFrame, target: Target, options: FileWriteOptions, /) -> Written:
        """Write *frame* as a folder of files; its rows are counted as they are written."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as sf

        place = run.policy.path(target.path.text, span=target.path.span, purpose="write")
        before = _files(run.spark, place)
        if target.mode == "ignore" and before is not None:
            return Written(place, 0, 0)
        if options.files is not None:
            frame = frame.repartition(options.files)
        counted = Observation()
        writer = frame.observe(counted, sf.count(sf.lit(1)).alias("rows")).write.format(self.format)
        partitions = _partition_columns(target, options, frame)
        with _placed(self.format, place, target.path):
            writer.options(**spark_options(options)).partitionBy(partitions).mode(target.mode).save(place)
        after = _files(run.spark, place) or frozenset()
        return Written(place, _rows(counted, run.stop), len(after - (before or frozenset())))


CSV = FileSource("csv", CsvReadOptions, CsvWriteOptions)
JSON = FileSource("json", JsonReadOptions, JsonWriteOptions)
PARQUET = FileSource("parquet", ParquetReadOptions, ParquetWriteOptions)


@contextmanager
def _placed(format: str, place: str, path: Word) -> Iterator[None]:  # noqa: A002 - the word of the language
    """A block in which Spark's complaints about the path are errors of ours, placed at it."""
    from pyspark.errors import AnalysisException

    try:
        yield
    except AnalysisException as error:
        match error.getCondition():
            case "PATH_NOT_FOUND":
                raise MissingPath(place, span=path.span, hint=_near(place)) from error
            case "UNABLE_TO_INFER_SCHEMA":
                raise DataError(f"no {format} file with data lies in '{place}'", span=path.span) from error
            case "PATH_ALREADY_EXISTS":
                raise DataError(
                    f"something lies at '{place}' already",
                    span=path.span,
                    hint="`save overwrite …` replaces it, `save append …` adds to it",
                ) from error
        raise


def _near(place: str) -> str | None:
    """A hint that names the most similar file of the same local folder."""
    path = Path(place.removeprefix("file://"))
    near = nearest(path.name, (each.name for each in path.parent.iterdir())) if path.parent.is_dir() else None
    return f"did you mean '{path.parent / near}'?" if near else None


def _partition_columns(target: Target, options: FileWriteOptions, frame: DataFrame) -> list[str]:
    known = {name.casefold() for name in frame.columns}
    for column in target.partition_by:
        if column.text.casefold() not in known:
            raise MissingColumn(column.text, frame.columns, span=column.span)
    for name in options.partition_by:
        if name.casefold() not in known:
            raise MissingColumn(name, frame.columns, option="partitionBy")
    return [column.text for column in target.partition_by] or list(options.partition_by)


def _rows(counted: Observation, stop: Stop) -> int | None:
    """The rows that Spark counted; None when it does not tell, as it drops events when it has too many."""
    told = counted._jo.future()  # type: ignore[union-attr]  # noqa: SLF001 - the public one has no time limit
    deadline = time.monotonic() + _COUNT_SECONDS
    while not told.isCompleted():
        if time.monotonic() > deadline:
            return None
        stop.wait(_POLL_SECONDS)
    rows: int = counted.get["rows"]
    return rows


def _files(spark: SparkSession, place: str) -> frozenset[str] | None:
    """The data files below *place* on whatever file system; None when nothing lies there."""
    from pyspark.errors import AnalysisException

    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        return frozenset(reader.load(place).inputFiles())
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return None
