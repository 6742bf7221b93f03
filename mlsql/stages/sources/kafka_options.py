"""What load and save may say about topics; the keys are those of Spark's connector.

These classes have no slots, since a class cannot have two bases with slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsql.options import BOOLEAN, TEXT, Kind, OptionText, integer, one_of, option, option_family
from mlsql.stages.sources.spark_options import spark_option
from mlsql.udf.column_types import EXPECTED, Struct, read_schema

COLUMNS: Kind[Struct] = Kind(f"columns such as 'a long, b string', or {EXPECTED}", read_schema)


@dataclass(frozen=True, kw_only=True, repr=False)
class BrokerOptions:
    """How the brokers are reached."""

    client: Mapping[str, OptionText] = option_family(
        "kafka.",
        "What Kafka's client takes, by its own names; `kafka.bootstrap.servers` names the brokers, else"
        " the setting bridge.kafka.bootstrap_servers.",
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class KafkaReadOptions(BrokerOptions):
    """What a ``load kafka`` may say."""

    value_format: str | None = option(
        "valueFormat",
        one_of("json", "csv", "text"),
        "What the values hold: json and csv make the columns of valueSchema of them.",
        default=None,
    )
    value_schema: Struct | None = option(
        "valueSchema", COLUMNS, "Columns that the values hold: `a long, b string`.", default=None
    )
    mode: str = option(
        "mode",
        one_of("PERMISSIVE", "FAILFAST"),
        "Values that are broken: nulls for what cannot be read, or fail.",
        default="PERMISSIVE",
    )
    starting: str | None = spark_option(
        "startingOffsets", TEXT, 'Where to begin: earliest, or JSON such as {"t":{"0":23}} (earliest).'
    )
    ending: str | None = spark_option("endingOffsets", TEXT, "Where to end: latest, or such JSON (latest).")
    starting_time: str | None = spark_option(
        "startingTimestamp", integer(0), "Begin with the records of this moment, in epoch milliseconds."
    )
    ending_time: str | None = spark_option(
        "endingTimestamp", integer(0), "End before those of this moment, in epoch milliseconds."
    )
    starting_times: str | None = spark_option(
        "startingOffsetsByTimestamp", TEXT, 'The same for each partition: {"t":{"0":1000}}.'
    )
    ending_times: str | None = spark_option(
        "endingOffsetsByTimestamp", TEXT, "The same for the end of each partition."
    )
    no_offset: str | None = spark_option(
        "startingOffsetsByTimestampStrategy",
        one_of("error", "latest"),
        "What to do when no record is as young as the beginning (error).",
    )
    fail_on_loss: str | None = spark_option(
        "failOnDataLoss", BOOLEAN, "Fail when records that should be read are gone (true)."
    )
    poll: str | None = spark_option(
        "kafkaConsumer.pollTimeoutMs", integer(1), "Milliseconds that executors wait for records (120000)."
    )
    retries: str | None = spark_option("fetchOffset.numRetries", integer(0), "Tries to find offsets (3).")
    interval: str | None = spark_option(
        "fetchOffset.retryIntervalMs", integer(0), "Milliseconds between them (10)."
    )
    partitions: str | None = spark_option(
        "minPartitions", integer(1), "Tasks to read with at least; by default one a partition."
    )
    most_records: str | None = spark_option(
        "maxRecordsPerPartition", integer(1), "Records that one task reads at most."
    )
    group: str | None = spark_option("groupIdPrefix", TEXT, "What the names of consumer groups begin with.")
    headers: str | None = spark_option("includeHeaders", BOOLEAN, "With the headers of the records (false).")


@dataclass(frozen=True, kw_only=True, repr=False)
class KafkaWriteOptions(BrokerOptions):
    """What a ``save … as kafka`` may say."""

    value_format: str | None = option(
        "valueFormat",
        one_of("json", "csv"),
        "Make a value of each row; else the table has a column value, and maybe key, headers, partition.",
        default=None,
    )
    key: str | None = option("keyColumn", TEXT, "Column whose value is the key of the record.", default=None)
    headers: str | None = spark_option("includeHeaders", BOOLEAN, "Write the column headers (false).")
