"""Where workers run: a launcher starts them and ends them, whatever happens in between."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlsql.bridge.folders import temporary_folder
from mlsql.bridge.worker import Job
from mlsql.processes import ChildProcess, describe_exit, start_process

GRACE_SECONDS = 2.0
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)
_QUIET = {"PYTHONUNBUFFERED": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_NOT_INHERITED = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")


class Worker(Protocol):
    """A worker as the driver sees it from outside."""

    def ended(self, timeout: float = 0.0) -> str | None:
        """How it ended, in words for a sentence; None while it still runs after *timeout* seconds."""
        ...

    def new_lines(self) -> list[str]:
        """What it has written to its output since the last call."""
        ...


class Launcher(Protocol):
    """Starts workers on some machine."""

    def launch(self, job: Job, *, beside: int = 1) -> AbstractContextManager[Worker]:
        """A running worker that is ended when the block ends; *beside* of them share the machine at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalLauncher:
    """Workers as processes beside the driver; *environment* is added to the driver's own."""

    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def launch(self, job: Job, *, beside: int = 1) -> Iterator[LocalWorker]:
        """A worker process in a folder of its own, which goes with it."""
        with temporary_folder("worker") as folder:
            file, log = folder / "job.json", folder / "log"
            job.write(file)
            python = job.equipment.python or self.python
            command = [python, "-P", "-m", "mlsql.bridge.worker", "--job", str(file)]
            environment = worker_environment(folder, beside=beside)
            environment |= dict(self.environment) | dict(job.equipment.environment)
            process = start_process(command, environment=environment, folder=folder, log=log)
            try:
                yield LocalWorker(process, log)
            finally:
                process.end(GRACE_SECONDS)


@dataclass(slots=True)
class LocalWorker:
    """A worker process on this machine."""

    process: ChildProcess
    log: Path
    _position: int = 0

    def ended(self, timeout: float = 0.0) -> str | None:
        """How the process ended, with its last lines."""
        code = self.process.wait(timeout)
        if code is None:
            return None
        lines = self.process.last_lines()
        return f"{describe_exit(code)}; its last lines:\n{lines}" if lines else describe_exit(code)

    def new_lines(self) -> list[str]:
        """The complete lines that have come to the log."""
        with self.log.open("rb") as log:
            log.seek(self._position)
            complete, end, _ = log.read().rpartition(b"\n")
        self._position += len(complete) + len(end)
        return complete.decode(errors="replace").splitlines()


def worker_environment(folder: Path, *, beside: int) -> dict[str, str]:
    """The environment of a worker, one of *beside* that share the processors at once.

    It imports from where this process does, and its temporary files are made in *folder*; the
    door to the driver's JVM stays closed to it.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    threads = str(max(1, _processors() // beside))
    path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
    own = {"PYTHONPATH": path, "TMPDIR": str(folder), "JOBLIB_TEMP_FOLDER": str(folder)}
    return inherited | dict.fromkeys(_THREADS, threads) | own | _QUIET


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
