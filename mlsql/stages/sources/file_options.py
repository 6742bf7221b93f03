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
_AVRO_CODECS = one_of("uncompressed", "snappy", "deflate", "bzip2", "xz", "zstandard")
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


@dataclass(frozen=True, kw_only=True)
class ImageReadOptions(FileReadOptions):
    """What a ``load image`` may say."""

    drop_invalid: str | None = spark_option(
        "dropInvalid", BOOLEAN, "Pass over files that are no images; else their rows are empty (false)."
    )


@dataclass(frozen=True, kw_only=True)
class AvroReadOptions(FileReadOptions):
    """What a ``load avro`` may say."""

    schema: str | None = spark_option("avroSchema", TEXT, "Schema to read with, in JSON, as Avro writes it.")
    merge: str | None = spark_option("mergeSchema", BOOLEAN, "Unite the columns of all files (false).")
    dates: str | None = spark_option("datetimeRebaseMode", _REBASE, "Dates before 1582: how to read them.")
    by_position: str | None = spark_option(
        "positionalFieldMatching", BOOLEAN, "Fields belong to columns by position, not by name (false)."
    )
    stable_unions: str | None = spark_option(
        "enableStableIdentifiersForUnionType", BOOLEAN, "Fields of a union are called by its types (false)."
    )
    union_prefix: str | None = spark_option(
        "stableIdentifierPrefixForUnionType", TEXT, "What these names begin with (member_)."
    )
    depth: str | None = spark_option(
        "recursiveFieldMaxDepth", integer(-1, 15), "How deep a record may lie in itself (-1: not at all)."
    )


@dataclass(frozen=True, kw_only=True)
class AvroWriteOptions(FileWriteOptions):
    """What a ``save … as avro`` may say."""

    schema: str | None = spark_option("avroSchema", TEXT, "Schema to write, in JSON, as Avro writes it.")
    record: str | None = spark_option("recordName", TEXT, "Name of the record (topLevelRecord).")
    namespace: str | None = spark_option("recordNamespace", TEXT, "Its namespace.")
    by_position: str | None = spark_option(
        "positionalFieldMatching", BOOLEAN, "Fields belong to columns by position, not by name (false)."
    )
    compression: str | None = spark_option("compression", _AVRO_CODECS, "Codec.", aliases=("codec",))


@dataclass(frozen=True, kw_only=True)
class DeltaReadOptions:
    """What a ``load delta`` may say."""

    version: str | None = spark_option("versionAsOf", integer(0), "The table as it was in this version.")
    time: str | None = spark_option("timestampAsOf", TEXT, "The table as it was at this time.")
    changes: str | None = spark_option("readChangeFeed", BOOLEAN, "What changed, a row a change (false).")
    first: str | None = spark_option("startingVersion", integer(0), "Version that the changes begin with.")
    last: str | None = spark_option("endingVersion", integer(0), "Version that they end with.")
    first_time: str | None = spark_option("startingTimestamp", TEXT, "Time that the changes begin at.")
    last_time: str | None = spark_option("endingTimestamp", TEXT, "Time that they end at.")


@dataclass(frozen=True, kw_only=True)
class DeltaWriteOptions(FileWriteOptions):
    """What a ``save … as delta`` may say."""

    merge: str | None = spark_option("mergeSchema", BOOLEAN, "Add columns that the table lacks (false).")
    replace_schema: str | None = spark_option(
        "overwriteSchema", BOOLEAN, "An overwrite may change columns and types (false)."
    )
    where: str | None = spark_option("replaceWhere", TEXT, "Condition of the rows that are replaced.")
    dynamic: str | None = spark_option(
        "partitionOverwriteMode",
        one_of("static", "dynamic"),
        "An overwrite replaces all (static), or only the partitions that it has rows for.",
    )
    most_rows: str | None = spark_option("maxRecordsPerFile", integer(1), "Most rows of a file.")
    remark: str | None = spark_option("userMetadata", TEXT, "Remark in the history of the table.")
    application: str | None = spark_option("txnAppId", TEXT, "Who writes; a version is written once.")
    number: str | None = spark_option("txnVersion", integer(0), "The version; a second time nothing happens.")


@dataclass(frozen=True, kw_only=True)
class IcebergReadOptions:
    """What a ``load iceberg`` may say."""

    snapshot: str | None = spark_option("snapshot-id", integer(), "The table as it was in this snapshot.")
    time: str | None = spark_option(
        "as-of-timestamp", integer(0), "The table as it was at this time, in epoch milliseconds."
    )
    branch: str | None = spark_option("branch", TEXT, "Branch to read.")
    tag: str | None = spark_option("tag", TEXT, "Tag to read.")
    start: str | None = spark_option(
        "start-snapshot-id", integer(), "Only what was added after this snapshot."
    )
    end: str | None = spark_option("end-snapshot-id", integer(), "Only what was added up to this one.")
    split: str | None = spark_option("split-size", integer(1), "Bytes of a task.")


@dataclass(frozen=True, kw_only=True)
class IcebergWriteOptions(FileWriteOptions):
    """What a ``save … as iceberg`` may say."""

    format: str | None = spark_option(
        "write-format", one_of("parquet", "avro", "orc"), "Format of the files (parquet)."
    )
    size: str | None = spark_option("target-file-size-bytes", integer(1), "Bytes of a file, about.")
    compression: str | None = spark_option(
        "compression-codec", TEXT, "Codec.", aliases=("codec", "compression")
    )
    merge: str | None = spark_option("mergeSchema", BOOLEAN, "Add columns that the table lacks (false).")
    isolation: str | None = spark_option(
        "isolation-level", one_of("serializable", "snapshot"), "How two writers are kept apart."
    )
