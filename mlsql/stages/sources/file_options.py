"""The options of Spark's file formats: those of its documentation, closed and checked here.

``path`` and ``paths`` are not among them: a path goes past the policy. The options of formats that
are text are in ``text_options``. These classes have no slots, since a class cannot have two bases
with slots.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.options import BOOLEAN, NAMES, TEXT, integer, one_of, option
from mlsql.stages.sources.spark_options import spark_option

_REBASE = one_of("EXCEPTION", "CORRECTED", "LEGACY")
_PARQUET_CODECS = one_of("none", "uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "lz4_raw", "zstd")
_ORC_CODECS = one_of("none", "uncompressed", "snappy", "zlib", "lzo", "lz4", "zstd", "brotli")


@dataclass(frozen=True, kw_only=True)
class FileReadOptions:
    """Which files below the path are read."""

    glob: str | None = spark_option("pathGlobFilter", TEXT, "Only files whose name matches this pattern.")
    recursive: str | None = spark_option(
        "recursiveFileLookup", BOOLEAN, "Read subfolders too; turns partition columns off."
    )
    before: str | None = spark_option("modifiedBefore", TEXT, "Only files changed before this timestamp.")
    after: str | None = spark_option("modifiedAfter", TEXT, "Only files changed after this timestamp.")
    skip_corrupt: str | None = spark_option("ignoreCorruptFiles", BOOLEAN, "Pass over broken files.")
    skip_missing: str | None = spark_option("ignoreMissingFiles", BOOLEAN, "Pass over files that vanish.")


@dataclass(frozen=True, kw_only=True)
class FileWriteOptions:
    """How many files are written, and in which folders."""

    files: int | None = option("fileNum", integer(1), "How many files to write.", default=None)
    partition_by: tuple[str, ...] = option(
        "partitionBy", NAMES, "Columns whose values become folders; as the clause of that name.", default=()
    )


@dataclass(frozen=True, kw_only=True)
class ParquetReadOptions(FileReadOptions):
    """What a ``load parquet`` may say."""

    merge: str | None = spark_option("mergeSchema", BOOLEAN, "Unite the columns of all files (false).")
    dates: str | None = spark_option("datetimeRebaseMode", _REBASE, "Dates before 1582: how to read them.")
    int96: str | None = spark_option("int96RebaseMode", _REBASE, "The same for INT96 timestamps.")


@dataclass(frozen=True, kw_only=True)
class ParquetWriteOptions(FileWriteOptions):
    """What a ``save … as parquet`` may say."""

    compression: str | None = spark_option("compression", _PARQUET_CODECS, "Codec.", aliases=("codec",))


@dataclass(frozen=True, kw_only=True)
class OrcReadOptions(FileReadOptions):
    """What a ``load orc`` may say."""

    merge: str | None = spark_option("mergeSchema", BOOLEAN, "Unite the columns of all files (false).")


@dataclass(frozen=True, kw_only=True)
class OrcWriteOptions(FileWriteOptions):
    """What a ``save … as orc`` may say."""

    compression: str | None = spark_option("compression", _ORC_CODECS, "Codec.", aliases=("codec",))


@dataclass(frozen=True, kw_only=True)
class HiveWriteOptions(FileWriteOptions):
    """What a ``save … as hive`` may say."""

    format: str = option(
        "file_format",
        one_of("parquet", "orc", "json", "csv"),
        "Format of a new table's files.",
        default="parquet",
    )


@dataclass(frozen=True, kw_only=True)
class LibsvmReadOptions(FileReadOptions):
    """What a ``load libsvm`` may say."""

    features: str | None = spark_option(
        "numFeatures", integer(1), "Width of the vectors; else all is read to find it."
    )
    vectors: str | None = spark_option("vectorType", one_of("sparse", "dense"), "Kind of vectors (sparse).")


@dataclass(frozen=True, kw_only=True)
class LibsvmWriteOptions(FileWriteOptions):
    """What a ``save … as libsvm`` may say; the table has a label and a vector of features."""
