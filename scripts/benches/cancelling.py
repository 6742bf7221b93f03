"""How soon nothing of a run lives any more after it was cancelled, wherever it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import mlsql
from mlsql.config.settings import BridgeSettings, PathSettings, SecuritySettings, Settings
from mlsql.errors import Cancelled
from mlsql.stop import Stop

from .measures import Measure
from .processes import command_of, family

_TARGET = 5.0
_GIVEN_UP = 120.0
_RUNS_SECONDS = 2.0
"""After so long each script is in the midst of what it is named for."""
_ROWS = "select id, cast(id % 2 as int) as label, double(id % 97) as x from range(200000) as points;\n"
_CODE = """set code='''
import time

def train(data, params, run):
    data.arrays()
    run.progress("asleep")
    time.sleep(3600)
''';
"""
_CONNECT = """connect jdbc where url="jdbc:derby:memory:bench;create=true"
and driver="org.apache.derby.jdbc.EmbeddedDriver" as slow;
"""
_PRODUCT = ", ".join(f"sys.syscolumns c{number}" for number in range(6))

_COUNTED = f"select count(*) as n from {_PRODUCT}"  # noqa: S608

STAGES = {
    "while the script is parsed": "select 1 as a, 'x' as b, 2.5 as c as t;\n" * 9_000,
    "in a Spark job": "select sum(a.id * b.id) as n from range(10000000) a, range(10000000) b as t;",
    "in a Python worker": f"""{_ROWS}{_CODE}
train points as PythonAlg.`m` where scripts="code" and inputCols="x" as m;""",
    "in a JDBC call of the driver": f"""{_CONNECT} load jdbc.`slow` where directQuery="{_COUNTED}" as t;""",
    "in a shell command": 'set slept=`sleep 3600` where type="shell";',
}
_WARM = f"""{_ROWS}
train points as SKLearn.`warm` where inputCols="x" and fitParam.0.alg="GaussianNB" as m;"""


def cancelling() -> Iterator[Measure]:
    """Seconds from the cancel until the run has ended and no task, process or file of it is left."""
    with TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"
        settings = Settings(
            spark={"spark.master": "local[2]"},
            bridge=BridgeSettings(transport="spool", spool=spool),
            paths=PathSettings(root=Path(folder)),
            security=SecuritySettings(shell=True),  # noqa: S604
        )
        with mlsql.Engine.local(settings) as engine:
            engine.run(_WARM)
            for where, script in STAGES.items():
                yield Measure(f"cancelled {where}", _seconds(engine, script, spool), None, _TARGET)


def _seconds(engine: mlsql.Engine, script: str, spool: Path) -> float:
    before, stop, cancelled = set(family()), Stop(), []

    def cancel() -> None:
        cancelled.append(time.perf_counter())
        stop.cancel()

    timer = threading.Timer(_RUNS_SECONDS, cancel)
    timer.start()
    try:
        with engine.run(script, stop=stop).reading() as frame:
            if frame is not None:
                frame.collect()
    except Cancelled:
        pass
    finally:
        timer.join()
    end = time.monotonic() + _GIVEN_UP
    while _is_left(engine, before, spool):
        if time.monotonic() > end:
            raise RuntimeError("the run was cancelled, and something of it lives on")
        time.sleep(0.02)
    return time.perf_counter() - cancelled[0]


def _is_left(engine: mlsql.Engine, before: set[int], spool: Path) -> bool:
    """A task of Spark, a process but Spark's own, a file of data on its way."""
    executors = engine.spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()  # noqa: SLF001
    started = [each for each in set(family()) - before if "pyspark.daemon" not in command_of(each)]
    return any(each.numRunningTasks() for each in executors) or bool(started) or any(spool.glob("*"))
