"""Topics of Apache Kafka as tables, by Spark's own connector: ``load kafka.`orders` where …``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import DataError, MissingColumn, RunError, ScriptError
from mlsql.grammar.nodes import Word
from mlsql.session import Run, quoted
from mlsql.spark.errors import java_causes, spark_errors
from mlsql.stages.sources.base import Target, Written
from mlsql.stages.sources.connecting import need_connector
from mlsql.stages.sources.kafka_options import BrokerOptions, KafkaReadOptions, KafkaWriteOptions
from mlsql.stages.sources.spark_options import spark_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FORMAT = "kafka"
_CLASS = "org.apache.spark.sql.kafka010.KafkaSourceProvider"
_SERVERS = "bootstrap.servers"
_RECORD = "kafkaValue"
_WRITTEN = ("key", "value", "headers", "partition")
_NO_TOPIC = (
    "UnknownTopicOrPartitionException",
    "does not host this topic",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "not present in metadata",
)
_NO_BROKER = ("TimeoutException", "Failed to create new KafkaAdminClient", "Failed to construct kafka")


@dataclass(frozen=True, slots=True)
class Kafka:
    """Topics, read from one offset to another and added to; streams are not read."""

    doc: ClassVar[str] = "Topics of Apache Kafka; the path is the topic, or several with commas between them."
    read_options: ClassVar[type[KafkaReadOptions]] = KafkaReadOptions
    write_options: ClassVar[type[KafkaWriteOptions]] = KafkaWriteOptions

    def read(self, run: Run, path: Word, options: KafkaReadOptions, /) -> DataFrame:
        """The records of the topics, lazily; an end that is not said is that of the time of reading.

        The brokers are asked for the offsets now, so that a wrong topic is told here.
        """
        _expect_complete(options)
        given = {**_reached(run, path, options), **spark_options(options), "subscribe": _topics(run, path)}
        need_connector(run, _FORMAT, _CLASS, path.span)
        with _told(path):
            frame = run.spark.read.format(_FORMAT).options(**given).load()
            frame._jdf.queryExecution().executedPlan()
            return _parsed(frame, options)

    def write(self, run: Run, frame: DataFrame, target: Target, options: KafkaWriteOptions, /) -> Written:
        """Add a record for each row; Spark does not tell of this source how many they were."""
        if target.partition_by:
            raise ScriptError(
                "a topic has no folders to partition by",
                span=target.partition_by[0].span,
                hint="records with the same key (keyColumn) come into the same partition",
            )
        if target.mode in ("overwrite", "ignore"):
            hint = "write `save append …`"
            raise ScriptError("a topic is only added to", span=target.path.span, hint=hint)
        given = {**_reached(run, target.path, options), **spark_options(options)}
        topic = _topics(run, target.path)
        records = _records(frame, options)
        need_connector(run, _FORMAT, _CLASS, target.path.span)
        with _told(target.path):
            records.write.format(_FORMAT).options(**given, topic=topic).mode("append").save()
        return Written(target.path.text, None, 0)


def _reached(run: Run, path: Word, options: BrokerOptions) -> dict[str, str]:
    """What Spark is told of the brokers: those of the statement, else of the settings; with limits."""
    client = {key: each.text for key, each in options.client.items()}
    if client:
        run.policy.brokers(span=next(iter(options.client.values())).key_span or path.span)
    servers = client.get(_SERVERS) or run.settings.bridge.kafka.bootstrap_servers
    if servers is None:
        raise ScriptError(
            "no Kafka brokers are named",
            span=path.span,
            hint="`kafka.bootstrap.servers`='host:9092', or the setting bridge.kafka.bootstrap_servers",
        )
    wait = str(int(run.settings.bridge.kafka.timeout * 1000))
    limits = dict.fromkeys(("default.api.timeout.ms", "max.block.ms"), wait)
    return {f"kafka.{key}": value for key, value in {**limits, **client, _SERVERS: servers}.items()}


def _topics(run: Run, path: Word) -> str:
    """The names in the path, each of which the policy allows."""
    names = [each.strip() for each in path.text.split(",")]
    if not all(names):
        raise ScriptError("the path names no topic", span=path.span, hint="load kafka.`topic` as t")
    for name in names:
        run.policy.topic(name, span=path.span)
    return ",".join(names)


def _expect_complete(options: KafkaReadOptions) -> None:
    has_columns = options.value_format in ("json", "csv")
    if has_columns and options.value_schema is None:
        raise OptionFault(
            f"valueFormat='{options.value_format}' needs the option 'valueSchema'",
            option="valueFormat",
            hint='valueSchema="a long, b string" names the columns',
        )
    if options.value_schema is not None and not has_columns:
        hint = "the columns are made of values with valueFormat='json' or 'csv'"
        raise OptionFault("valueSchema has no use without valueFormat", option="valueSchema", hint=hint)


def _parsed(frame: DataFrame, options: KafkaReadOptions) -> DataFrame:
    """The columns that the values hold, and the whole record as one more."""
    from pyspark.sql import functions as sf

    if options.value_format is None:
        return frame
    text = sf.col("value").cast("string")
    if options.value_format == "text":
        return frame.withColumns({"key": sf.col("key").cast("string"), "value": text})
    read = sf.from_json if options.value_format == "json" else sf.from_csv
    record = sf.struct(*map(quoted, frame.columns)).alias(_RECORD)
    parsed = read(text, str(options.value_schema), {"mode": options.mode}).alias("parsed")
    return frame.select(parsed, record).select("parsed.*", _RECORD)


def _records(frame: DataFrame, options: KafkaWriteOptions) -> DataFrame:
    """The columns of records: made of each row, or those that the table has by these names."""
    from pyspark.sql import functions as sf

    if options.key is not None and options.key.casefold() not in map(str.casefold, frame.columns):
        raise MissingColumn(options.key, frame.columns, option="keyColumn")
    keys = [] if options.key is None else [sf.col(quoted(options.key)).cast("string").alias("key")]
    if options.value_format is None:
        own = [each for each in frame.columns if each.casefold() in _WRITTEN and not (keys and each == "key")]
        if "value" not in map(str.casefold, own):
            raise DataFault(
                "the table has no column 'value', which holds what is sent",
                hint='valueFormat="json" makes a value of each row',
            )
        return frame.select(*keys, *map(quoted, own))
    write = sf.to_json if options.value_format == "json" else sf.to_csv
    return frame.select(*keys, write(sf.struct(*map(quoted, frame.columns))).alias("value"))


@contextmanager
def _told(path: Word) -> Iterator[None]:
    """A block in which complaints of Kafka are errors of ours, placed at the topic."""
    try:
        yield
    except spark_errors() as error:
        for cause in java_causes(error):
            message = str(cause.toString())
            if any(each in message for each in _NO_TOPIC):
                raise DataError(f"no topic is called '{path.text}'", span=path.span) from error
            if any(each in message for each in _NO_BROKER):
                raise _unreachable(message, path) from error
        raise


def _unreachable(message: str, path: Word) -> RunError:
    return RunError(
        f"the Kafka brokers do not answer: {' '.join(message.split())}",
        span=path.span,
        hint="is `kafka.bootstrap.servers` right, or the setting bridge.kafka.bootstrap_servers?",
        retriable=True,
    )
