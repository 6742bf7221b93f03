"""From a Spark frame to exactly its rows in a local file, whatever happens to Spark's tasks."""

import math
import socket
import time

import pyarrow as pa
import pytest

from mlsql.bridge.arrow_batches import arrow_batches, encoding_of, read_batch
from mlsql.bridge.codec import read_schema
from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import TransportError
from mlsql.bridge.feeder import fetch
from mlsql.bridge.publisher import ORDERED_PARTITIONS, publish
from mlsql.bridge.request import Columns
from mlsql.bridge.transports.spool import SpoolTransport
from mlsql.models.manifest import Column
from mlsql.spark.sessions import job_group

pytestmark = pytest.mark.spark

MESSAGE = 20_000


@pytest.fixture
def stream(tmp_path):
    """A stream of the spool, deleted at the end."""
    stream = SpoolTransport(str(tmp_path / "spool")).open("job", "train", partitions=4)
    yield stream
    stream.delete()


def carry(frame, stream, folder, **options):
    """Publish and fetch a frame: the ledger, what was fetched, the rows as text."""
    ledger = publish(frame, stream, message_bytes=MESSAGE, **options)
    fetched = fetch(stream, ledger, folder, timeout=5)
    with pa.memory_map(str(fetched.file)) as source, pa.ipc.open_file(source) as reader:
        rows = [repr(row) for row in reader.read_all().to_pylist()]
    return ledger, fetched, rows


def expected(frame):
    """The rows of a frame as text."""
    return [repr(row) for row in frame.toArrow().to_pylist()]


def test_every_row_arrives_in_the_order_of_the_partitions(spark, stream, tmp_path):
    """Several partitions with several messages each, and an empty one."""
    columns = ("id", "id / 7 as x", "array(id, null) as v")
    frame = spark.range(0, 20_000, 1, 4).selectExpr(*columns).where("id >= 5000")
    ledger, fetched, rows = carry(frame, stream, tmp_path)
    assert rows == expected(frame)
    assert [part.partition for part in ledger.parts] == [0, 1, 2, 3]
    assert [part.rows for part in ledger.parts] == [0, 5000, 5000, 5000]
    assert all(part.messages > 1 for part in ledger.parts[1:])
    assert ledger.rows == fetched.rows == 15_000
    assert fetched.nulls["v[]"] == 15_000


def test_all_kinds_of_values_arrive(spark, stream, tmp_path):
    """Nulls, NaN, infinity, decimals, dates, times, texts, binaries and nested values."""
    frame = spark.sql(
        """
        select * from values
          (1, double('NaN'), 1.50bd, date'2024-02-29', timestamp'2024-02-29 01:02:03.000004', 'é\\u0000',
           x'00ff', array(1.0f, null), from_json('{"a": 1, "b": ["x"]}', 'a int, b array<string>'),
           map('k', 1), true),
          (null, double('-Infinity'), null, null, null, '', x'', array(), null, map(), null),
          (null, null, null, null, null, null, null, null, null, null, null)
        as t(i, x, d, day, time, s, b, v, n, m, yes)
        """
    )
    _, fetched, rows = carry(frame, stream, tmp_path)
    assert rows == expected(frame)
    assert (fetched.nulls["i"], fetched.nulls["v"], fetched.nulls["v[]"]) == (2, 1, 1)


def test_no_kind_of_value_depends_on_where_the_session_is(spark, stream, tmp_path):
    """Times with and without a zone, also within others, lengths of time, large decimals, no type at all."""
    frame = spark.sql(
        """
        select id, timestamp_micros(id) as `at`, array(timestamp_seconds(id), null) as `times of.it`,
          timestamp_ntz'2024-03-31 02:30:00' as local, interval '1 02:03:04.5' day to second as lasting,
          -99999999999999999999999999.999999999999bd - id as large, null as nothing, tinyint(id) as tiny,
          map(date'1582-10-04', named_struct('at', timestamp_seconds(id), 'ß', string(id))) as nested
        from range(0, 30, 1, 3)
        """
    )
    setting = "spark.sql.session.timeZone"
    before = spark.conf.get(setting)
    spark.conf.set(setting, "Asia/Kolkata")
    try:
        _, fetched, rows = carry(frame, stream, tmp_path)
        assert rows == expected(frame)
    finally:
        spark.conf.set(setting, before)
    assert fetched.nulls["nothing"] == 30


@pytest.mark.parametrize(("told", "most"), [(None, 512), ("20", 20), ("0", 512)])
def test_rows_that_may_be_long_come_in_few_at_once(spark, told, most):
    """Java holds whole batches, so they are bounded; what the session says is left as it is."""
    setting = "spark.sql.execution.arrow.maxRecordsPerBatch"
    frame = spark.range(0, 1000, 1, 1).selectExpr("id", "repeat('x', 2000) as text")
    try:
        if told:
            spark.conf.set(setting, told)
        with arrow_batches(frame) as batches:
            schema = encoding_of(frame)
            found = [read_batch(each, schema) for each in batches.collect()]
        assert spark.conf.get(setting) == (told or "10000")
    finally:
        spark.conf.unset(setting)
    assert max(each.num_rows for each in found) <= most
    assert pa.Table.from_batches(found)["id"].to_pylist() == [*range(1000)]


def test_a_frame_without_rows_has_its_columns(spark, stream, tmp_path):
    """Whether or not it has partitions."""
    frame = spark.range(10).selectExpr("double(id) as x", "'a' as y").where("x < 0")
    ledger, fetched, rows = carry(frame, stream, tmp_path)
    assert (ledger.rows, fetched.rows, rows) == (0, 0, [])
    data = Dataset.open(fetched.file, Columns("columns", (Column("x", "double"),), Column("y", "string")))
    assert data.arrays()[0].shape == (0, 1)


def test_rows_of_a_task_that_failed_do_not_count(spark, stream, tmp_path):
    """A task that dies after it has sent half of its partition is run again, as another attempt."""

    def fail_once(batches):
        from pyspark import TaskContext

        task = TaskContext.get()
        for number, batch in enumerate(batches):
            if number == 2 and task.partitionId() == 1 and task.attemptNumber() < 2:
                raise RuntimeError("the executor is lost")
            yield batch

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 1000)
    try:
        plain = spark.range(0, 12_000, 1, 3).selectExpr("id", "id * 0.5d as x")
        ledger, _, rows = carry(plain.mapInArrow(fail_once, plain.schema), stream, tmp_path)
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert rows == expected(plain)
    assert ledger.parts[1].attempt > 2


def test_publishing_is_one_spark_job(spark, stream):
    """Of the job group that the caller set."""
    with job_group(spark, "publisher-test", "publish"):
        publish(spark.range(0, 100, 1, 2).toDF("x"), stream, message_bytes=MESSAGE)
    assert len(spark.sparkContext.statusTracker().getJobIdsForGroup("publisher-test")) == 1


def test_tasks_know_the_settings_of_the_session(spark, stream, tmp_path):
    """As in a query that Spark runs itself: which of two values of a key counts, how large texts are."""
    settings = {
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
        "spark.sql.execution.arrow.useLargeVarTypes": "true",
    }
    frame = spark.range(2).selectExpr("map_from_arrays(array(id, id), array('a', 'b')) as `a.b`")
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        ledger, _, rows = carry(frame, stream, tmp_path, ordered=True)
    finally:
        for name in settings:
            spark.conf.unset(name)
    assert sorted(rows) == ["{'a.b': [(0, 'b')]}", "{'a.b': [(1, 'b')]}"]
    assert "large" not in str(read_schema(ledger.arrow_schema))
    assert spark.sparkContext.getLocalProperty("spark.sql.mapKeyDedupPolicy") is None


def test_an_ordered_frame_does_not_depend_on_how_its_rows_lie(spark, tmp_path):
    """Other partitions, another order, another number of shuffle partitions: the same file."""
    rows = [
        (
            n % 50,
            [None, math.nan, 0.0, -0.0, n / 3][n % 5],
            [None, "a", str(n)][n % 3],
            [None, [1.0, n / 7]][n % 2],
            {"k": n % 4},
        )
        for n in range(300)
    ] * 2
    kind = "i int, x double, s string, v array<double>, m map<string,int>"
    lying = [
        spark.createDataFrame(rows, kind).coalesce(1),
        spark.createDataFrame(rows[::-1], kind).repartition(7),
        spark.createDataFrame(rows, kind).repartition(3, "s").sort("x"),
    ]
    found = []
    for number, frame in enumerate(lying):
        spark.conf.set("spark.sql.shuffle.partitions", 2 + number)
        stream = SpoolTransport(str(tmp_path / "spool")).open(f"job-{number}", "train", partitions=4)
        ledger, fetched, arrived = carry(frame, stream, tmp_path, ordered=True)
        stream.delete()
        found.append((arrived, fetched.checksum))
        assert len(ledger.parts) == ORDERED_PARTITIONS
        assert sorted(arrived) == sorted(expected(frame))
    spark.conf.unset("spark.sql.shuffle.partitions")
    assert found[0] == found[1] == found[2]


def test_a_row_that_does_not_fit_names_the_setting(spark, stream):
    """In the words of the task, without Spark's."""
    frame = spark.sql("select repeat('x', 50000) as s")
    with pytest.raises(
        TransportError, match=r"^a row takes 50,\d+ bytes, and a message only 20,000"
    ) as caught:
        publish(frame, stream, message_bytes=MESSAGE)
    assert caught.value.hint == "raise the setting bridge.message_bytes"
    assert caught.value.__cause__ is not None


def test_what_the_query_itself_fails_with_is_sparks(spark, stream):
    """An error of the frame's own expressions is passed on as it is."""
    from pyspark.errors import ArithmeticException

    with pytest.raises(ArithmeticException, match="DIVIDE_BY_ZERO"):
        publish(spark.sql("select 1 / (id - 3) as x from range(10)"), stream, message_bytes=MESSAGE)


def test_nothing_is_left_of_attempts_that_failed(spark, stream, tmp_path):
    """Neither drafts nor files of a job that failed outlive the stream."""
    with pytest.raises(TransportError):
        publish(spark.sql("select repeat('x', 50000) as s"), stream, message_bytes=MESSAGE)
    assert list((tmp_path / "spool" / "job" / "train").iterdir()) == []
    stream.delete()
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_broker_that_is_away_is_named_in_time(spark, tmp_path):
    """In the words of the task; its tries together end within the timeout."""
    from mlsql.bridge.transports.kafka import KafkaStream

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{unused.getsockname()[1]}"
        stream = KafkaStream("job", "train", "topic", 1, servers, 5.0, MESSAGE, str(tmp_path / "record"))
        start = time.monotonic()
        with pytest.raises(TransportError, match=f"^Kafka at {servers} does not answer within") as caught:
            publish(spark.range(0, 10, 1, 1).toDF("x"), stream, message_bytes=MESSAGE)
    assert caught.value.retriable
    assert time.monotonic() - start < 5.0 + 60.0  # what Spark needs; the client alone would take 240 s


@pytest.mark.kafka
def test_kafka_and_spool_bring_the_same(spark, stream, kafka, tmp_path):
    """Rows, order and checksum, with any number of Kafka partitions."""
    from mlsql.bridge.transports.kafka import KafkaTransport

    frame = spark.range(0, 20_000, 1, 5).selectExpr("id", "cos(id) as x", "string(id) as s")
    _, by_spool, rows = carry(frame, stream, tmp_path)
    for partitions in (1, 3):
        transport = KafkaTransport(
            bootstrap_servers=kafka,
            records=str(tmp_path / "topics"),
            partitions=partitions,
            message_bytes=MESSAGE,
        )
        by_kafka = transport.open(f"same-{partitions}", "kafka", partitions=5)
        _, fetched, arrived = carry(frame, by_kafka, tmp_path)
        by_kafka.delete()
        assert arrived == rows
        assert fetched.checksum == by_spool.checksum


@pytest.mark.kafka
def test_tasks_that_fail_while_they_send_to_kafka_do_not_count(spark, kafka, tmp_path):
    """What the first try has sent lies in the topic and is passed over."""
    from mlsql.bridge.transports.kafka import KafkaTransport

    def fail_once(batches):
        from pyspark import TaskContext

        for number, batch in enumerate(batches):
            if number == 2 and TaskContext.get().attemptNumber() == 0:
                raise RuntimeError("the executor is lost")
            yield batch

    plain = spark.range(0, 60_000, 1, 2).selectExpr("id")
    transport = KafkaTransport(
        bootstrap_servers=kafka, records=str(tmp_path / "topics"), partitions=1, message_bytes=MESSAGE
    )
    stream = transport.open("retried", "train", partitions=2)
    ledger, _, rows = carry(plain.mapInArrow(fail_once, plain.schema), stream, tmp_path)
    stream.delete()
    assert rows == expected(plain)
    assert {part.attempt for part in ledger.parts} != {0, 1}
