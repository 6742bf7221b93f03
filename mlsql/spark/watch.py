"""Notices when the Java process of Spark ends by itself, as when the memory of the machine is used up."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlsql.processes import describe_exit

_SECONDS = 0.5
"""Between two looks."""


def java_process() -> subprocess.Popen[bytes] | None:
    """The Java process that was started for Spark; None under spark-submit, where Java started us."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    return None if gateway is None else gateway.proc


@contextmanager
def noticing_its_end(process: subprocess.Popen[bytes] | None, tell: Callable[[str], None]) -> Iterator[None]:
    """A block in which *tell* hears, in a thread of its own, how *process* has ended, if it does."""
    over = threading.Event()

    def watch(process: subprocess.Popen[bytes]) -> None:
        while not over.wait(_SECONDS):
            if (code := process.poll()) is not None:
                tell(describe_exit(code))
                return

    if process is not None:
        threading.Thread(target=watch, args=(process,), name="does Java live", daemon=True).start()
    try:
        yield
    finally:
        over.set()
