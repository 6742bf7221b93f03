"""What the jobs of a server do in tests that need no Spark."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pyarrow as pa

from mlsql.config.settings import Settings
from mlsql.engine import check_script
from mlsql.errors import DataError
from mlsql.events import Log, StatementStarted
from mlsql.rest.service import result_folders
from mlsql.spans import Script


@dataclass
class StandIn:
    """``select N …`` keeps N rows, ``set wait=1;`` waits, ``set fail=1;`` fails; without Spark."""

    settings: Settings
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job, stop, sink):
        """What was kept."""
        script = job.submission.script
        sink(StatementStarted(1, 1, script[:20], Script("<script>", script).span(0, len(script))))
        sink(Log("password='abc' is no news"))
        if "fail" in script:
            raise DataError("nothing lies there")
        while "wait" in script and not self.go.is_set():
            stop.wait(0.01)
        if not script.startswith("select"):
            return None
        ids = pa.array(range(int(script.split()[1])), pa.int64())
        return result_folders(self.settings).keep(
            job, pa.schema([("id", pa.int64())]), [pa.record_batch([ids], ["id"])]
        )

    def check(self, text, **asked):
        """What is wrong with a script."""
        return check_script(
            Script("<script>", text), self.settings, parameters=asked["parameters"], complete=True
        )
