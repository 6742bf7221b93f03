"""Tables to numpy: by Spark's own toArrow, the spool, Kafka, and a JSON row a message; what that takes."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import mlsql
from mlsql.bridge import delivery
from mlsql.bridge.dataset import Dataset
from mlsql.bridge.feeder import Fetched, fetch
from mlsql.bridge.messages import Ledger, Message
from mlsql.bridge.publisher import publish
from mlsql.bridge.request import Columns
from mlsql.bridge.transport import Transport, opened
from mlsql.bridge.transports import open_transport, stream_from
from mlsql.bridge.transports.spool import SpoolStream
from mlsql.config.settings import Settings
from mlsql.events import Event, Progress, StatementStarted
from mlsql.models.manifest import Column
from scripts import kafka_broker

from .measures import Figure, Row, Scale, Times
from .processes import command_of, family, peak_bytes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WIDTH = 20
_SPARK = {"spark.master": "local[2]", "spark.driver.memory": "3g", "spark.driver.maxResultSize": "0"}
_COLUMNS = Columns("columns", tuple(Column(f"c{number}", "double") for number in range(1, WIDTH + 1)))
_MESSAGE_BYTES = 2**20
_PATIENCE = 60.0
_JSON_SHARE = 10
"""One of so many rows goes as JSON, and the seconds are multiplied."""
_FEW = 10_000
_SCRIPT = """
select {columns}, id % 2 as label from range({rows}) as few;
train few as SKLearn.`{model}` where inputCols="c1..{last}" and labelCol="label" and {groups} as trained;
"""
_HEAP = "-Xms1g -Xmx1g"
"""What Kafka's own start script gives a broker."""


def bridge(scale: Scale) -> Iterator[Row]:
    """Memory first, while the executors' Python is fresh; then speed; then what a train waits for."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine = stack.enter_context(mlsql.Engine.local(Settings(spark=_SPARK)))
        broker = _started_broker(folder)
        stack.callback(broker.end)
        kafka = open_transport("kafka", bootstrap_servers=broker.address, records=str(folder / "topics"))
        spool = open_transport("spool", folder=str(folder / "spool"))
        ways = Ways(engine.spark, folder, {"spool": spool, "kafka": kafka}, broker.address)
        yield from _memory(ways, scale.rows)
        yield from _speeds(ways, scale)
        yield from _growth(ways, scale.rows)
        yield from _epochs(ways, scale)
        yield from _candidates(engine, folder)
        yield from _first_rows(engine, folder, scale.rounds)


def doubles() -> list[str]:
    """The columns of doubles, as expressions over ``id``."""
    return [f"double(id * {each} % 1009) / {each} as c{each}" for each in range(1, WIDTH + 1)]


def table(spark: SparkSession, rows: int) -> DataFrame:
    """So many rows of doubles, computed anew whenever they are asked for."""
    return spark.range(rows).selectExpr(*doubles())


@dataclass(frozen=True)
class Ways:
    """The ways that a table can take."""

    spark: SparkSession
    folder: Path
    transports: Mapping[str, Transport]
    servers: str
    _jobs: Iterator[int] = field(default_factory=count)

    def to_arrow(self, rows: int) -> None:
        """As Spark does it."""
        assert table(self.spark, rows).toArrow().num_rows == rows

    def to_matrix(self, scheme: str, rows: int) -> None:
        """Published, fetched into a file, filled into a matrix."""
        with opened(self.transports[scheme], self._job(), "train", partitions=2) as stream:
            ledger = publish(table(self.spark, rows), stream, message_bytes=_MESSAGE_BYTES)
            fetched = fetch(stream, ledger, self.folder, timeout=_PATIENCE)
        matrix, _ = Dataset.open(fetched.file, _COLUMNS).arrays()
        assert matrix.shape == (rows, WIDTH)
        fetched.file.unlink()

    def fetched(self, rows: int) -> Fetched:
        """The rows in a file."""
        with opened(self.transports["spool"], self._job(), "train", partitions=2) as stream:
            ledger = publish(table(self.spark, rows), stream, message_bytes=_MESSAGE_BYTES)
            return fetch(stream, ledger, self.folder, timeout=_PATIENCE)

    def peaks(self, scheme: str, rows: int) -> tuple[int, int]:
        """The most memory of an executor's Python so far, and of a process that fetches."""
        with opened(self.transports[scheme], self._job(), "train", partitions=2) as stream:
            ledger = publish(table(self.spark, rows), stream, message_bytes=_MESSAGE_BYTES)
            publisher = max(peak_bytes(each) for each in family() if "pyspark.daemon" in command_of(each))
            fetching = (stream.to_dict(), ledger.to_dict(), str(self.folder))
            return publisher, _apart(_peak_of_fetch, *fetching)

    def as_json(self, rows: int) -> None:
        """A row a message, parsed one by one into a matrix."""
        import numpy as np
        from kafka import KafkaConsumer, TopicPartition

        servers = self.servers
        with opened(self.transports["kafka"], self._job(), "json", partitions=2) as stream:
            topic = str(stream.to_dict()["topic"])

            def send(texts: Iterable[str]) -> None:
                from kafka import KafkaProducer

                producer = KafkaProducer(bootstrap_servers=servers, linger_ms=5)
                for text in texts:
                    producer.send(topic, text.encode())
                producer.flush()
                producer.close()

            table(self.spark, rows).toJSON().foreachPartition(send)
            consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
            consumer.assign([TopicPartition(topic, number) for number in range(2)])
            matrix, row, deadline = np.empty((rows, WIDTH)), 0, time.monotonic() + _PATIENCE
            while row < rows:
                assert time.monotonic() < deadline, f"{row} of {rows} rows came"
                for records in consumer.poll(timeout_ms=200).values():
                    for record in records:
                        matrix[row] = list(json.loads(record.value).values())
                        row += 1
            consumer.close()

    def _job(self) -> str:
        return f"bench-{os.getpid()}-{next(self._jobs)}"


def _memory(ways: Ways, rows: int) -> Iterator[Row]:
    for scheme in ways.transports:
        few, many = ways.peaks(scheme, rows), ways.peaks(scheme, 10 * rows)
        for who, small, large in zip(("publisher", "subscriber"), few, many, strict=True):
            told = f"{small / 1e6:.0f} → {large / 1e6:.0f} MB"
            name = f"{scheme}: memory of the {who}, {rows:,} → {10 * rows:,} rows"
            yield Figure(name, large / small, 1.1, "×", told=told)
    file = ways.fetched(rows).file
    before, after = _apart(_peaks_of_arrays, str(file))
    size = rows * WIDTH * 8
    told = f"{(after - before) / 1e6:.0f} MB for {size / 1e6:.0f}"
    yield Figure(f"peak of arrays(), {rows:,} rows", (after - before) / size, 1.3, "×", told=told)
    file.unlink()


def _speeds(ways: Ways, scale: Scale) -> Iterator[Row]:
    rows = scale.rows
    some = max(1, rows // _JSON_SHARE)
    times = Times.of(
        [
            lambda: ways.to_arrow(rows),
            lambda: ways.to_matrix("spool", rows),
            lambda: ways.to_matrix("kafka", rows),
            lambda: ways.as_json(some),
        ],
        scale.rounds,
    )
    for figures in (times.wall, times.cpu):
        figures[3] = [each * rows / some for each in figures[3]]
    yield times.speed(f"spool → matrix, against toArrow, {rows:,} rows", 1, 0, 0.8)
    yield times.speed(f"Kafka → matrix, against toArrow, {rows:,} rows", 2, 0, 0.4)
    yield times.speed(f"Kafka → matrix, against a JSON row a message ({some:,} rows, scaled)", 2, 3, 10)


def _growth(ways: Ways, rows: int) -> Iterator[Row]:
    runs = [lambda: ways.to_matrix("spool", rows), lambda: ways.to_matrix("spool", 10 * rows)]
    small, large = (statistics.median(each) for each in Times.of(runs, 3, warm_ups=0).wall)
    told = f"{small:.2f} → {large:.2f} s"
    yield Figure(f"spool: time for {10 * rows:,} rows, against {rows:,}", large / small, 10.5, "×", told=told)


def _epochs(ways: Ways, scale: Scale) -> Iterator[Row]:
    fetched = ways.fetched(scale.rows)
    data = Dataset.open(fetched.file, _COLUMNS)
    for shuffle in (False, True):

        def epoch(shuffle: bool = shuffle) -> None:  # noqa: FBT001 - bound to this turn of the loop
            assert sum(len(matrix) for matrix, _ in data.batches(1000, shuffle=shuffle)) == scale.rows

        times = Times.of([epoch], scale.rounds)
        wall, cpu = (scale.rows / statistics.median(each) / 1e6 for each in (times.wall[0], times.cpu[0]))
        name = "later epochs in batches of 1,000" + (", shuffled (no target)" if shuffle else "")
        told = f"{cpu:.2f} by cpu"
        yield Figure(name, wall, 0 if shuffle else 5, "M rows/s", at_least=True, told=told)
    fetched.file.unlink()


def _candidates(engine: mlsql.Engine, folder: Path) -> Iterator[Row]:
    """What four candidates read, against what was published."""
    read, published = [0], [0]
    begun: list[float] = []
    subscribe = SpoolStream.subscribe

    def counting(self: SpoolStream, *arguments: Any, **options: Any) -> Iterator[Message]:
        begun.append(time.perf_counter())
        for message in subscribe(self, *arguments, **options):
            read[0] += len(message.body)
            yield message
        begun[-1] = time.perf_counter() - begun[-1]

    def noting(*arguments: Any, **options: Any) -> Ledger:
        ledger = publish(*arguments, **options)
        published[0] += ledger.bytes
        return ledger

    with patch.object(SpoolStream, "subscribe", counting), patch.object(delivery, "publish", noting):
        engine.run(_train(folder / "four", 100_000, 4))
    share, told = read[0] / published[0], f"{read[0] / 1e6:.1f} MB in {sum(begun):.2f} s"
    yield Figure("bytes that four candidates read, against those published", share, 1.0, "×", told=told)


def _first_rows(engine: mlsql.Engine, folder: Path, rounds: int) -> Iterator[Row]:
    """How long a worker waits for its first row."""
    after_ledger, after_train = [], []
    for number in range(rounds):
        marks: dict[str, float] = {}

        def sink(event: Event, marks: dict[str, float] = marks) -> None:
            match event:
                case StatementStarted(title=title) if "train" in title.casefold():
                    marks["train"] = time.perf_counter()
                case Progress("candidate 0", "fitting"):
                    marks["first row"] = time.perf_counter()

        def noting(*arguments: Any, marks: dict[str, float] = marks, **options: Any) -> Ledger:
            ledger = publish(*arguments, **options)
            marks["ledger"] = time.perf_counter()
            return ledger

        with patch.object(delivery, "publish", noting):
            engine.run(_train(folder / f"first-{number}", _FEW, 1), sink=sink)
        after_ledger.append(marks["first row"] - marks["ledger"])
        after_train.append(marks["first row"] - marks["train"])
    for name, seconds, target in (
        ("first row of a worker after the ledger is complete", after_ledger, 1.0),
        (f"first row of a worker after train begins, {_FEW:,} rows", after_train, 2.5),
    ):
        told = f"best {min(seconds):.2f} s"
        yield Figure(name, statistics.median(seconds), target, "s", told=told)


def _train(model: Path, rows: int, candidates: int) -> str:
    groups = " and ".join(
        f'`fitParam.{each}.alg`="SGDClassifier" and `fitParam.{each}.max_iter`="{5 + each}"'
        for each in range(candidates)
    )
    return _SCRIPT.format(
        columns=", ".join(doubles()), rows=rows, model=model, last=f"c{WIDTH}", groups=groups
    )


def _started_broker(folder: Path) -> kafka_broker.Broker:
    with patch.dict(os.environ, {"KAFKA_HEAP_OPTS": os.environ.get("KAFKA_HEAP_OPTS", _HEAP)}):
        return kafka_broker.start(folder / "broker", dies_with_us=True)


def _apart(what: Any, *arguments: Any) -> Any:
    """What a function of this module gives in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(what, *arguments).result()


def _peak_of_fetch(stream: Mapping[str, Any], ledger: Mapping[str, Any], folder: str) -> int:
    fetched = fetch(stream_from(stream), Ledger.from_dict(ledger), Path(folder), timeout=_PATIENCE)
    fetched.file.unlink()
    return peak_bytes(os.getpid())


def _peaks_of_arrays(file: str) -> tuple[int, int]:
    """The peak before and after all rows have been filled into a matrix."""
    data = Dataset.open(Path(file), _COLUMNS)
    next(data.batches(1))  # imports what it takes
    before = peak_bytes(os.getpid())
    data.arrays()
    return before, peak_bytes(os.getpid())
