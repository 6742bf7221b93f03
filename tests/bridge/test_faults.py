"""What may befall a training: it ends in exact data or in an error that names it; nothing is left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mlsql.bridge import training
from mlsql.bridge.errors import TransportError
from mlsql.bridge.feeder import fetch
from mlsql.bridge.launcher import LocalLauncher
from mlsql.bridge.publisher import publish
from mlsql.bridge.request import Candidate, Columns, TrainingRequest
from mlsql.bridge.trainer import Trainer, builtins
from mlsql.bridge.transport import opened
from mlsql.bridge.transports.kafka import KafkaTransport
from mlsql.bridge.transports.memory import MemoryStream
from mlsql.bridge.transports.spool import SpoolStream, SpoolTransport
from mlsql.config.settings import BridgeSettings, KafkaSettings, Settings, TrainSettings
from mlsql.errors import Cancelled, RunError, TimedOut
from mlsql.events import Progress
from mlsql.models.manifest import Column
from mlsql.registry import Registry
from mlsql.stop import Stop

pytestmark = pytest.mark.spark

COLUMNS = Columns("columns", (Column("a", "double"), Column("b", "double")), Column("label", "bigint"))
WORKERS = (b"mlsql.bridge.worker", b"mlsql.bridge.fork_server")
CLASSIFIERS = (
    {"alg": "LogisticRegression"},
    {"alg": "RandomForestClassifier", "n_estimators": "5", "random_state": "7"},
    {"alg": "SGDClassifier", "random_state": "7", "loss": "log_loss"},
)


def frame_of(spark, rows=200, partitions=2):
    """A frame with two columns of numbers and a label."""
    columns = ("cos(id) as a", "double(id % 17) as b", "int(cos(id) * 3 + id % 17 > 8) as label")
    return (
        spark.range(0, rows, 1, partitions).selectExpr(*columns).selectExpr("a", "b", "bigint(label) label")
    )


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch, gone):
    """Temporary folders, streams, worker processes and threads are counted before and after each test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    processes, threads = _workers(), set(threading.enumerate())
    yield
    left = [*(tmp_path / "temporary").glob("mlsql-*"), *(tmp_path / "spool").glob("*")]
    assert left + list(tmp_path.glob("cache/mlsql/topics/*")) == []
    assert gone(*(_workers() - processes))
    deadline = time.monotonic() + 10
    while (named := _threads_beside(threads)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert named == []


def _threads_beside(known):
    """The names of threads of ours that are not *known*."""
    return [each.name for each in set(threading.enumerate()) - known if each.name.startswith("mlsql")]


def _workers():
    """The worker processes that this process, or one that it started, has started."""
    parents, workers = {}, set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if any(module in (folder / "cmdline").read_bytes() for module in WORKERS):
                workers.add(int(folder.name))
    return {pid for pid in workers if os.getpid() in _ancestors(pid, parents)}


def _ancestors(pid, parents):
    while pid in parents:
        pid = parents[pid]
        yield pid


@pytest.fixture
def obedient(trainers):
    """A registry in which SKLearn is a trainer that does as it is told."""
    from obedient_trainer import Obedient

    known: Registry[Trainer] = Registry("trainer")
    known.add("SKLearn", Obedient())
    return known


@pytest.fixture
def train(tmp_path, obedient):
    """A function that fits candidates on a frame."""

    def run(
        frame, *params, transport=None, known=obedient, emit=lambda _: None, stop=None, output="out", **more
    ):
        request = TrainingRequest(
            job="faults",
            trainer="SKLearn",
            candidates=tuple(Candidate(index, each) for index, each in enumerate(params)),
            columns=COLUMNS,
            output=tmp_path / output,
            **{"timeout": 120, **more},
        )
        with contextlib.closing(LocalLauncher()) as launcher:
            return training.train(
                frame,
                request,
                evaluate=frame,
                transport=transport or SpoolTransport(str(tmp_path / "spool")),
                trainers=known,
                launcher=launcher,
                message_bytes=20_000,
                emit=emit,
                stop=stop or Stop(),
            )

    return run


STEPS = {
    "publishing": lambda event: event.doing == "publishing",
    "fetching": lambda event: event.what == "publish" and " of 20 rows" in event.doing,
    "starting": lambda event: event.doing == "starting",
    "fitting": lambda event: event.doing == "half way",
    "evaluating": lambda event: event.doing == "evaluating",
    "storing": lambda event: event.doing == "storing",
}


@pytest.mark.parametrize("step", STEPS)
def test_a_cancel_at_any_step_ends_it(spark, train, tmp_path, step):
    """And leaves no model."""
    stop = Stop()

    def listen(event):
        if isinstance(event, Progress) and STEPS[step](event):
            stop.cancel()

    with pytest.raises(Cancelled):
        train(frame_of(spark, 20, 1), {}, stop=stop, emit=listen)
    assert list(tmp_path.glob("out/*")) == []


@pytest.mark.parametrize(
    "step",
    [
        step if step in ("publishing", "evaluating") else pytest.param(step, marks=pytest.mark.slow)
        for step in STEPS
    ],
)
def test_a_run_may_be_out_of_time_at_any_step(spark, train, tmp_path, step):
    """As if it had been cancelled, but it says so."""
    now = [0.0]
    stop = Stop(timeout=60, clock=lambda: now[0])

    def listen(event):
        if isinstance(event, Progress) and STEPS[step](event):
            now[0] = 100.0

    with pytest.raises(TimedOut, match="did not end within its 60 s"):
        train(frame_of(spark, 20, 1), {}, stop=stop, emit=listen)
    assert list(tmp_path.glob("out/*")) == []


def test_a_worker_without_memory_is_told_apart_from_one_that_is_killed(spark, train, tmp_path):
    """What Python itself reports, and what the kernel may have done; the others go on."""
    report = train(frame_of(spark, 20, 1), {"do": "eat"}, {"do": "die"}, {})
    hungry, killed, well = report.candidates
    assert (hungry.status, killed.status, well.status) == ("fail", "fail", "success")
    assert hungry.message.startswith("out of memory")
    assert killed.message.startswith("the worker was killed by SIGKILL (out of memory?)")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["2"]


def test_a_worker_that_dies_while_it_waits_is_told(spark, train, tmp_path, signed):
    """It is killed before the data is there."""
    born, killed = tmp_path / "born", []

    def listen(event):
        if isinstance(event, Progress) and event.doing == "publishing" and not killed:
            killed.extend(signed(born))
            os.kill(killed[0], signal.SIGKILL)

    report = train(frame_of(spark, 20, 1), {"born": str(born)}, emit=listen)
    assert report.candidates[0].message.startswith("the worker was killed by SIGKILL")


def test_a_worker_that_dies_of_idleness_is_replaced(spark, train, tmp_path, signed):
    """Between two candidates: another process takes the second."""
    signs = [tmp_path / "first", tmp_path / "second"]

    def listen(event):
        if isinstance(event, Progress) and (event.what, event.doing) == ("candidate 0", "done"):
            (pid,) = signed(signs[0])
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # all its threads have ended

    params = [{"do": "sign", "sign": str(sign)} for sign in signs]
    report = train(frame_of(spark, 20, 1), *params, emit=listen)
    assert [each.status for each in report.candidates] == ["success", "success"]
    assert signed(signs[0]) != signed(signs[1])


@contextlib.contextmanager
def small_disk(size):
    """A block in which this process can write no file beyond *size* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_of_the_driver_is_named(spark, train, tmp_path):
    """The file that workers would read cannot be written."""
    with (
        small_disk(100_000),
        pytest.raises(TransportError, match=r"train\.arrow' cannot be written: File too l"),
    ):
        train(frame_of(spark, 20_000), {})
    assert list(tmp_path.glob("out/*")) == []


def test_a_full_disk_of_the_spool_is_named(tmp_path):
    """In a process of its own, as a task of Spark's is one; nothing of the file is left."""
    program = (
        "import resource, sys; from mlsql.bridge.errors import TransportError\n"
        "from mlsql.bridge.messages import Header\n"
        "from mlsql.bridge.transports.spool import SpoolTransport\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "stream = SpoolTransport(sys.argv[1]).open('job', 'train', partitions=1)\n"
        "try:\n"
        "    with stream.writer(0, 1) as writer:\n"
        "        for number in range(9):\n"
        "            writer.send(Header('job', 'train', 0, 1, number, 1, 7, ''), bytes(50_000))\n"
        "        writer.finish()\n"
        "except TransportError as error:\n"
        "    print(error.message)\n"
        "stream.delete()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "spool")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert told.endswith("part-0-1.arrow': File too large\n")


@pytest.fixture
def script(spark, tmp_path):
    """A function that runs a script which trains on the table t."""
    from mlsql.engine import Engine

    settings = Settings(
        bridge=BridgeSettings(
            spool=tmp_path / "spool", message_bytes=20_000, kafka=KafkaSettings(timeout=3.0)
        ),
        train=TrainSettings(parallelism=1, timeout=120),
    )
    with Engine(spark, settings) as engine:

        def run(frame, more="", **arguments):
            frame.createOrReplaceTempView("t")
            return engine.run(
                f"""train t as SKLearn.`m` where inputCols="a,b" and ordered="true" {more}
                and `fitParam.alg`="GaussianNB" as trained;""",
                **arguments,
            ).frame.collect()

        yield run
    spark.catalog.dropTempView("t")


def _checksums(folder):
    import json

    manifests = sorted(folder.glob("m/_model_*/manifest.json"))
    return [json.loads(each.read_text())["data"]["checksum"] for each in manifests]


def test_a_script_whose_tasks_are_tried_again_gets_the_same_data(spark, script, tmp_path):
    """Tasks die after they have sent half of their rows; the checksum is that of an untroubled run."""

    def shaky(batches):
        from pyspark import TaskContext

        for number, batch in enumerate(batches):
            if number and TaskContext.get().attemptNumber() < 2:
                raise RuntimeError("the executor is lost")
            yield batch

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 500)
    try:
        plain = frame_of(spark, 2000)
        for frame in (plain, plain.mapInArrow(shaky, plain.schema)):
            (row,) = script(frame)
            assert (row["status"], row["rows"]) == ("success", 2000)
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    first, second = _checksums(tmp_path)
    assert first == second


def test_a_script_with_a_row_larger_than_a_message_names_the_setting(spark, script, tmp_path):
    """And no version of a model is begun."""
    wide = frame_of(spark, 10).selectExpr("a", "repeat('x', 50000) as b", "label")
    with pytest.raises(RunError, match=r"a row takes \d+,\d+ bytes, and a message only 20,000") as caught:
        script(wide)
    assert caught.value.hint == "raise the setting bridge.message_bytes"
    assert caught.value.span is not None
    assert not (tmp_path / "m").exists()


@pytest.mark.usefixtures("refused_sockets")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_script_whose_broker_is_away_names_it(spark, script, tmp_path):
    """With its servers, and what it may be."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(RunError, match=f"Kafka at {servers} does not answer within 3 s") as caught:
            script(frame_of(spark, 10), f'and `kafkaParam.bootstrap.servers`="{servers}"')
    assert "does it speak PLAINTEXT there?" in caught.value.hint
    assert not (tmp_path / "m").exists()


def test_a_script_with_a_setting_that_kafka_does_not_have_is_told_in_its_place(spark, script):
    """The nearest one is named."""
    from mlsql.errors import ScriptError

    options = 'and `kafkaParam.bootstrap.servers`="there:9092" and `kafkaParam.security.protocal`="SSL"'
    with pytest.raises(ScriptError, match=r"has no setting 'security\.protocal'") as caught:
        script(frame_of(spark, 10), options)
    assert caught.value.hint == "did you mean 'kafkaParam.security.protocol'?"
    assert "security.protocal" in caught.value.span.text


@dataclasses.dataclass(frozen=True)
class Relay:
    """The memory as transport for tasks in other processes: what they spool is read from a list."""

    folder: str
    scheme: str = "memory"

    def open(self, job, name, *, partitions):
        """A stream of the spool that is read from memory."""
        stream = SpoolTransport(self.folder).open(job, name, partitions=partitions)
        return RelayStream(**{each.name: getattr(stream, each.name) for each in dataclasses.fields(stream)})

    def sweep(self):
        """Nothing."""


class RelayStream(SpoolStream):
    """Written as files, read from a list."""

    __slots__ = ()

    def subscribe(self, ledger, **options):
        """What has been written, backwards."""
        messages = [*SpoolStream.subscribe(self, ledger, **options)]
        return MemoryStream(self.job, self.name, messages[::-1]).subscribe(ledger, **options)


@pytest.fixture
def ways(kafka, tmp_path):
    """Every way that data can go, by name."""

    def by_kafka(partitions):
        records = str(tmp_path / "cache" / "mlsql" / "topics")
        return KafkaTransport(bootstrap_servers=kafka, records=records, partitions=partitions)

    spool = str(tmp_path / "spool")
    return {
        "memory": Relay(spool),
        "spool": SpoolTransport(spool),
        "kafka": by_kafka(4),
        "kafka with one partition": by_kafka(1),
    }


@pytest.mark.kafka
def test_the_file_for_the_workers_is_the_same_by_all_ways(spark, ways, tmp_path):
    """Byte for byte and with the same checksum, from frames with one and four partitions."""
    found = {}
    pairs = [("memory", 1), ("spool", 1), ("spool", 4), ("kafka", 4), ("kafka with one partition", 1)]
    for name, partitions in pairs:
        frame = frame_of(spark, 2000, partitions)
        with opened(ways[name], f"same-{len(found)}", "train", partitions=4) as stream:
            ledger = publish(frame, stream, message_bytes=20_000, ordered=True)
            fetched = fetch(stream, ledger, tmp_path, timeout=30)
        found[name, partitions] = (fetched.rows, fetched.checksum, fetched.file.read_bytes())
    assert len(set(found.values())) == 1, {key: value[:2] for key, value in found.items()}


@pytest.mark.kafka
def test_models_are_the_same_by_all_ways(spark, ways, train, tmp_path):
    """Data, parameters and seed decide: predictions and model files are equal to the last bit."""
    frame = frame_of(spark)
    rows = frame.select("a", "b").toPandas()
    found = []
    for number, (way, partitions) in enumerate([("memory", 1), ("spool", 4), ("kafka", 4)]):
        report = train(
            frame.repartition(partitions),
            *CLASSIFIERS,
            transport=ways[way],
            known=builtins(),
            output=f"out-{number}",
            ordered=True,
            parallelism=1,
        )
        assert [each.status for each in report.candidates] == ["success"] * 3
        files = [(tmp_path / f"out-{number}" / str(index) / "model.pkl").read_bytes() for index in range(3)]
        answers = [pickle.loads(each).predict_proba(rows).tobytes() for each in files]
        found.append(
            (report.data.checksum, [dict(each.metrics) for each in report.candidates], answers, files)
        )
    assert found[0] == found[1] == found[2]
