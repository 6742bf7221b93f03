"""A real server process without Spark: ``stand_in_server.py STATE`` prints its port, answers, and calls back.

A job takes a few milliseconds; that it ran is written down beside the state, once a run.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pyarrow as pa

from mlsql.config.settings import CallbackSettings, JobSettings, ServerSettings, Settings
from mlsql.engine import check_script
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import open_service, result_folders
from mlsql.spans import Script
from mlsql.stop import Stop

RUNS = "runs.txt"
SECRET = "the key of the callbacks"


def main(state: Path) -> None:
    """Serve until somebody ends the process."""
    settings = Settings(
        server=ServerSettings(state=state),
        jobs=JobSettings(concurrency=3),
        callbacks=CallbackSettings(allow=("127.0.0.1",), secret=SECRET),
    )
    results = result_folders(settings)
    runs = os.open(state.parent / RUNS, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def work(job, stop, _sink):
        os.write(runs, f"{job.id}\n".encode())
        stop.wait(random.uniform(0, 0.03))
        rows = pa.record_batch([pa.array([1, 2])], ["id"])
        return results.keep(job, rows.schema, [rows])

    def check(text, **asked):
        return check_script(Script("<script>", text), settings, parameters=asked["parameters"], complete=True)

    with open_service(settings, work, check) as service, listen("127.0.0.1", 0) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        serve_until(Stop(), service, listener)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
