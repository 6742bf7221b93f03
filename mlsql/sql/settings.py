"""Which of Spark's settings a script may change where owners are apart: how its own queries are computed."""

from __future__ import annotations

from mlsql.names import words

HARMLESS_SETTINGS = frozenset(
    f"spark.sql.{name}".casefold()
    for name in words(
        """
    adaptive.advisoryPartitionSizeInBytes adaptive.autoBroadcastJoinThreshold
    adaptive.coalescePartitions.enabled adaptive.coalescePartitions.initialPartitionNum
    adaptive.coalescePartitions.minPartitionSize adaptive.coalescePartitions.parallelismFirst
    adaptive.enabled adaptive.localShuffleReader.enabled
    adaptive.optimizeSkewsInRebalancePartitions.enabled adaptive.skewJoin.enabled
    adaptive.skewJoin.skewedPartitionFactor adaptive.skewJoin.skewedPartitionThresholdInBytes
    ansi.enabled autoBroadcastJoinThreshold broadcastTimeout caseSensitive cbo.enabled
    cbo.joinReorder.enabled crossJoin.enabled decimalOperations.allowPrecisionLoss
    execution.arrow.maxRecordsPerBatch execution.arrow.pyspark.enabled
    execution.arrow.pyspark.fallback.enabled files.ignoreCorruptFiles files.ignoreMissingFiles
    files.maxPartitionBytes files.minPartitionNum files.openCostInBytes groupByAliases groupByOrdinal
    join.preferSortMergeJoin jsonGenerator.ignoreNullFields legacy.timeParserPolicy mapKeyDedupPolicy
    maxMetadataStringLength orc.compression.codec orc.filterPushdown orc.mergeSchema orderByOrdinal
    parquet.binaryAsString parquet.compression.codec parquet.datetimeRebaseModeInRead
    parquet.datetimeRebaseModeInWrite parquet.filterPushdown parquet.int96AsTimestamp
    parquet.int96RebaseModeInRead parquet.int96RebaseModeInWrite parquet.mergeSchema
    parquet.outputTimestampType parquet.writeLegacyFormat pivotMaxValues
    session.timeZone shuffle.partitions sources.partitionColumnTypeInference.enabled
    sources.partitionOverwriteMode storeAssignmentPolicy timestampType
    """
    )
)
"""In lower case."""


def is_harmless(name: str) -> bool:
    """Whether a script may change the setting *name*."""
    return name.casefold() in HARMLESS_SETTINGS
