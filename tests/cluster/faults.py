"""What the tests submit to their cluster: executors die, and it is told what came of the data."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

import pyarrow as pa
from obedient_trainer import Obedient

from mlsql.bridge import training
from mlsql.bridge.feeder import fetch
from mlsql.bridge.publisher import publish
from mlsql.bridge.request import Candidate, Columns, TrainingRequest
from mlsql.bridge.spark_launcher import SparkLauncher
from mlsql.bridge.trainer import Trainer
from mlsql.bridge.transport import opened
from mlsql.bridge.transports import open_transport
from mlsql.config.settings import Settings
from mlsql.models.manifest import Column
from mlsql.registry import Registry
from mlsql.spark.sessions import start_spark, stop_spark
from mlsql.stop import Stop

ROWS = 4000
STRUCK_PARTITION = 2
SLOW_SECONDS = 60


def main(folder, servers):
    """Play all scenarios, and write what came of them to *folder*."""
    spark = start_spark(Settings(), app_name="faults")
    spool = open_transport("spool", folder=str(folder / "spool"))
    kafka = open_transport("kafka", bootstrap_servers=servers, records=str(folder / "topics"), timeout=120.0)
    frame = spark.range(0, ROWS, 1, 4).selectExpr("id", "cast(id as double) as x")
    scenes = {
        "killed_in_mid_publish": (_struck(frame, folder / "publish", _kill), kafka),
        "killed_while_a_shuffle_is_read": (
            _struck(frame.repartition(4, "id"), folder / "shuffle", _kill),
            spool,
        ),
        "speculated": (_struck(frame, folder / "slow", _sleep), kafka),
    }
    told = {
        name: _published(*scene, folder / name) | {"struck": _flag(folder, name).exists()}
        for name, scene in scenes.items()
    }
    told["worker_killed_with_executor"] = _trained(spark, spool, folder)
    (folder / "told.json").write_text(json.dumps(told))
    stop_spark(spark)


def _flag(folder, name):
    return folder / {"killed_in_mid_publish": "publish", "speculated": "slow"}.get(name, "shuffle")


def _kill():
    """Kill the executor: its process has started the daemon that has forked this one."""
    os.kill(_parent(os.getppid()), signal.SIGKILL)
    time.sleep(SLOW_SECONDS)


def _sleep():
    time.sleep(SLOW_SECONDS)


def _struck(frame, flag, strike):
    """*frame*, and *strike* in the midst of one of its partitions the first time that it is computed."""

    def passed(batches):
        from pyspark import TaskContext

        for number, batch in enumerate(batches):
            yield batch
            if number == 5 and TaskContext.get().partitionId() == STRUCK_PARTITION and _is_first(flag):
                strike()

    return frame.mapInArrow(passed, frame.schema)


def _is_first(flag):
    try:
        flag.open("x").close()
    except FileExistsError:
        return False
    return True


def _published(frame, transport, folder):
    """The ids that come out of the bridge, as (number, sum, distinct), and what is left."""
    folder.mkdir()
    with opened(transport, uuid.uuid4().hex, "train", partitions=4) as stream:
        ledger = publish(frame, stream, message_bytes=4000)
        fetched = fetch(stream, ledger, folder, timeout=60)
    with pa.memory_map(str(fetched.file)) as source:
        ids = pa.ipc.open_file(source).read_all()["id"].to_pylist()
    expected = list(range(ROWS))
    left = [str(path) for path in folder.parent.glob("spool/*/*")]
    return {"rows": [len(ids), sum(ids)], "expected": [ROWS, sum(expected)], "left": left} | (
        {} if sorted(ids) == expected else {"rows": sorted(ids)}
    )


def _trained(spark, transport, folder):
    """Two candidates, one of which kills the executor on which it is fitted."""
    trainers: Registry[Trainer] = Registry("trainer")
    trainers.add("Obedient", Obedient())
    sign = folder / "pids"
    params = ({"do": "kill executor", "sign": str(sign)}, {"do": "talk"})
    request = TrainingRequest(
        job=uuid.uuid4().hex,
        trainer="Obedient",
        candidates=tuple(Candidate(index, each) for index, each in enumerate(params)),
        columns=Columns("columns", (Column("x", "double"),), Column("y", "double")),
        output=folder / "models",
        parallelism=2,
        timeout=120.0,
    )
    report = training.train(
        spark.range(100).selectExpr("cast(id as double) as x", "cast(id as double) as y"),
        request,
        evaluate=None,
        transport=transport,
        trainers=trainers,
        launcher=SparkLauncher(spark),
        message_bytes=100_000,
        emit=lambda _: None,
        stop=Stop(),
    )
    return {
        "status": [each.status for each in report.candidates],
        "message": report.candidates[0].message,
        "stored": sorted(path.name for path in request.output.iterdir()),
        "left": [str(path) for path in folder.glob("spool/*/*")],
        "pids": [int(pid) for pid in sign.read_text().split()],
    }


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
