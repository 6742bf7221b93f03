"""Spark's file formats: avro, binaryFile, csv, image, json, libsvm, orc, parquet, text, xml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault
from mlsql.errors import DataError, MissingColumn, MissingPath
from mlsql.file_systems import hint_of_near
from mlsql.grammar.nodes import Word
from mlsql.names import listed
from mlsql.session import Run, quoted
from mlsql.stages.sources import file_options, text_options
from mlsql.stages.sources.base import Target, Written
from mlsql.stages.sources.connecting import need_connector
from mlsql.stages.sources.counts import CountedRows, Folder, NewFiles
from mlsql.stages.sources.csv_lines import read_csv
from mlsql.stages.sources.file_options import FileWriteOptions
from mlsql.stages.sources.overwriting import expect_apart
from mlsql.stages.sources.spark_options import spark_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def _opened(format: str, run: Run, place: str, options: Any) -> DataFrame:  # noqa: A002 - the word of the language
    return run.spark.read.format(format).options(**spark_options(options)).load(place)


def _as_read(frame: DataFrame) -> DataFrame:
    return frame


def _as_given(frame: DataFrame, options: Any, partitions: Sequence[str]) -> DataFrame:  # noqa: ARG001
    return frame


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file format of Spark, with the options that it takes, and what is done to tables on their way."""

    format: str
    doc: str
    read_options: type[Any]
    write_options: type[FileWriteOptions]
    opened: Callable[[str, Run, str, Any], DataFrame] = _opened
    after_reading: Callable[[DataFrame], DataFrame] = _as_read
    before_writing: Callable[[DataFrame, Any, Sequence[str]], DataFrame] = _as_given
    connector_class: str = ""
    """A class of the connector of the same name, which the format needs."""

    def read(self, run: Run, path: Word, options: Any, /) -> DataFrame:
        """The files at *path*, lazily; Spark looks into them only to find columns and types."""
        place = run.policy.path(path.text, span=path.span)
        self._need_connector(run, path)
        with placed(self.format, place, path):
            return self.after_reading(self.opened(self.format, run, place, options))

    def write(self, run: Run, frame: DataFrame, target: Target, options: FileWriteOptions, /) -> Written:
        """Write *frame* as a folder of files; its rows are counted as they are written."""
        place = run.policy.path(target.path.text, span=target.path.span, purpose="write")
        partitions = partition_columns(target, options, frame)
        self._need_connector(run, target.path)
        folder = Folder(run.spark, place)
        if target.mode == "ignore" and folder.exists():
            return Written(place, 0, 0)
        frame = self.before_writing(frame, options, partitions)
        rows = CountedRows(frame if options.files is None else frame.repartition(options.files))
        files = NewFiles(folder, target.mode)
        if files.empties:
            expect_apart(frame, folder.qualified(), target.path)
        writer = rows.frame.write.format(self.format).options(**spark_options(options))
        with placed(self.format, place, target.path):
            writer.partitionBy(partitions).mode(target.mode).save(place)
        return Written(place, rows.count(run.stop), files.count())

    def _need_connector(self, run: Run, path: Word) -> None:
        if self.connector_class:
            need_connector(run, self.format, self.connector_class, path.span)


@dataclass(frozen=True, slots=True)
class ReadOnlyFiles:
    """A file format that Spark reads and does not write."""

    format: str
    doc: str
    read_options: type[Any]

    def read(self, run: Run, path: Word, options: Any, /) -> DataFrame:
        """The files at *path*, lazily."""
        place = run.policy.path(path.text, span=path.span)
        with placed(self.format, place, path):
            return _opened(self.format, run, place, options)


def _with_file(frame: DataFrame) -> DataFrame:
    """The lines with the file that each comes from."""
    return frame.selectExpr("input_file_name() as file", "*")


def _only_text(
    frame: DataFrame, options: text_options.TextWriteOptions, partitions: Sequence[str]
) -> DataFrame:
    """The one column that is saved, and those that become folders."""
    folders = set(map(str.casefold, partitions))
    columns = [name for name in frame.columns if name.casefold() not in folders]
    if options.content is None and len(columns) != 1:
        raise DataFault(
            "text is saved from one column",
            hint=f'name it: contentColumn="…"; the table has {listed(columns)}',
        )
    content = options.content or columns[0]
    if content.casefold() not in map(str.casefold, columns):
        raise MissingColumn(content, columns, option="contentColumn")
    text = frame.select(*map(quoted, (content, *partitions)))
    if (kind := text.schema[0].dataType.simpleString()) != "string":
        raise DataFault(
            f"the column '{content}' is no text but {kind}",
            option="contentColumn",
            hint=f"turn it into text before: select cast({quoted(content)} as string) …",
        )
    return text


def _labelled(frame: DataFrame, options: Any, partitions: Sequence[str]) -> DataFrame:  # noqa: ARG001
    """The label as a double and the vector of features, which is all that the format holds."""
    from pyspark.ml.linalg import VectorUDT

    known = set(map(str.casefold, frame.columns))
    for column in ("label", "features"):
        if column not in known:
            raise MissingColumn(column, frame.columns)
    if not isinstance(frame.select("features").schema[0].dataType, VectorUDT):
        raise DataFault(
            "the column 'features' holds no vectors", hint="make one of an array: vec_dense(array(…))"
        )
    return frame.selectExpr("cast(label as double) as label", "features", *map(quoted, partitions))


AVRO = FileSource(
    "avro",
    "Files in the row format Avro, which keep names and types; with the connector of that name.",
    file_options.AvroReadOptions,
    file_options.AvroWriteOptions,
    connector_class="org.apache.spark.sql.v2.avro.AvroDataSourceV2",
)
BINARY = ReadOnlyFiles(
    "binaryFile",
    "Whole files: the columns path, modificationTime, length and content.",
    file_options.FileReadOptions,
)
IMAGE = ReadOnlyFiles(
    "image",
    "Images: the column image with origin, height, width, nChannels, mode and data.",
    file_options.ImageReadOptions,
)
CSV = FileSource(
    "csv",
    "Files of values with a separator between them, one record a line.",
    text_options.CsvReadOptions,
    text_options.CsvWriteOptions,
    lambda _, run, place, options: read_csv(run, place, options),
)
JSON = FileSource(
    "json",
    "Files of JSON objects, one a line.",
    text_options.JsonReadOptions,
    text_options.JsonWriteOptions,
)
LIBSVM = FileSource(
    "libsvm",
    "Files of numbered features: the columns label and features.",
    file_options.LibsvmReadOptions,
    file_options.LibsvmWriteOptions,
    before_writing=_labelled,
)
ORC = FileSource(
    "orc",
    "Files in the columnar format ORC, which keep names and types.",
    file_options.OrcReadOptions,
    file_options.OrcWriteOptions,
)
PARQUET = FileSource(
    "parquet",
    "Files in the columnar format Parquet, which keep names and types.",
    file_options.ParquetReadOptions,
    file_options.ParquetWriteOptions,
)
TEXT = FileSource(
    "text",
    "Files of lines: the columns file and value; a save takes one column.",
    text_options.TextReadOptions,
    text_options.TextWriteOptions,
    after_reading=_with_file,
    before_writing=_only_text,
)
XML = FileSource(
    "xml",
    "Files of XML, where each element of one name is a row.",
    text_options.XmlReadOptions,
    text_options.XmlWriteOptions,
)
SOURCES = (AVRO, BINARY, CSV, IMAGE, JSON, LIBSVM, ORC, PARQUET, TEXT, XML)


@contextmanager
def placed(format: str, place: str, path: Word) -> Iterator[None]:  # noqa: A002 - the word of the language
    """A block in which Spark's complaints about the path are errors of ours, placed at it."""
    from pyspark.errors import AnalysisException

    try:
        yield
    except AnalysisException as error:
        match error.getCondition():
            case "PATH_NOT_FOUND":
                raise MissingPath(place, span=path.span, hint=hint_of_near(place)) from error
            case "UNABLE_TO_INFER_SCHEMA":
                raise DataError(f"no {format} file with data lies in '{place}'", span=path.span) from error
            case "PATH_ALREADY_EXISTS":
                raise DataError(
                    f"something lies at '{place}' already",
                    span=path.span,
                    hint="`save overwrite …` replaces it, `save append …` adds to it",
                ) from error
        raise


def partition_columns(target: Target, options: FileWriteOptions, frame: DataFrame) -> list[str]:
    """The columns whose values become folders, by the clause or else the option; all are there."""
    known = {name.casefold() for name in frame.columns}
    for column in target.partition_by:
        if column.text.casefold() not in known:
            raise MissingColumn(column.text, frame.columns, span=column.span)
    for name in options.partition_by:
        if name.casefold() not in known:
            raise MissingColumn(name, frame.columns, option="partitionBy")
    return [column.text for column in target.partition_by] or list(options.partition_by)
