"""Where workers run: a launcher starts them and ends them, whatever happens in between."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlsql.bridge.control import LOOPBACK
from mlsql.bridge.folders import temporary_folder
from mlsql.bridge.fork_server import Order
from mlsql.bridge.forks import ForkServer
from mlsql.bridge.resources import copy_resources
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
_SKLEARN = (
    "mlsql.bridge.dataset",
    "mlsql.bridge.evaluation",
    "mlsql.bridge.validation",
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
)
_NETWORKS = (
    "mlsql.bridge.dataset",
    "mlsql.bridge.evaluation",
    "pandas",
    "mlsql.bridge.trainers.tensorflow.preloaded",
    "mlsql.bridge.trainers.tensorflow.assembly",
)
_TENSORFLOW = "mlsql.bridge.trainers.tensorflow.trainer:"
_PRELOADED = {
    (
        "mlsql.bridge.trainers.sklearn:SKLearn",
        "mlsql.bridge.trainers.boosters:XGBoost",
        "mlsql.bridge.trainers.boosters:LightGBM",
    ): (_SKLEARN, ("mlflow.sklearn",)),
    (
        f"{_TENSORFLOW}TensorFlow",
        f"{_TENSORFLOW}FCClassify",
        f"{_TENSORFLOW}FCRegress",
        f"{_TENSORFLOW}CNNClassify",
        f"{_TENSORFLOW}AttentionLSTMClassify",
        f"{_TENSORFLOW}LSTMRegress",
    ): (_NETWORKS, ("mlflow.pyfunc",)),
}
"""What the workers of some trainers share by a fork: what is imported before the first of them, and after.

Code of users (PythonAlg) imports what it likes, in a process that is new.
"""
_NOT_INHERITED = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYTHON_WORKER_FACTORY_SECRET")


class Worker(Protocol):
    """A worker as the driver sees it from outside."""

    def ended(self, timeout: float = 0.0) -> str | None:
        """How it ended, in words for a sentence; None while it still runs after *timeout* seconds."""
        ...

    def new_lines(self) -> list[str]:
        """What it has written to its output since the last call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the workers of a launcher are, as the driver sees it."""

    is_local: bool = True
    """Whether they see the driver's files, and may wait for data without being in the way of Spark."""
    bind: str = LOOPBACK
    """The address on which the driver awaits them, and *host* is how they reach it."""
    host: str = LOOPBACK
    places: int | None = None
    """How many there can be at once; None: as many as one likes."""
    patience: float = 120.0
    """How many seconds a worker may take to come to its door."""


class Launcher(Protocol):
    """Starts workers on some machine."""

    @property
    def site(self) -> Site:
        """Where that is, at present."""
        ...

    def launch(self, job: Job, *, beside: int = 1) -> AbstractContextManager[Worker]:
        """A running worker that is ended when the block ends; *beside* of them share the machine at once."""
        ...


def fork_servers() -> dict[str, ForkServer]:
    """The server for each trainer that has one; none is started yet."""

    def environment() -> dict[str, str]:
        return importing_environment() | threads_environment(_processors()) | _QUIET

    servers = {trainers: ForkServer(*modules, environment) for trainers, modules in _PRELOADED.items()}
    return {trainer: server for trainers, server in servers.items() for trainer in trainers}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalLauncher:
    """Workers as processes beside the driver; *environment* is added to the driver's own.

    Those of a trainer in *servers* are forked when they need no environment of their own.
    """

    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, ForkServer] = field(default_factory=fork_servers, repr=False)

    @property
    def site(self) -> Site:
        """Beside the driver."""
        return Site()

    def close(self) -> None:
        """End the processes that workers are forked from; a later worker starts them anew."""
        for server in self.servers.values():
            server.end()

    @contextmanager
    def launch(self, job: Job, *, beside: int = 1) -> Iterator[LocalWorker]:
        """A worker process in a folder of its own, which goes with it."""
        with temporary_folder("worker") as folder:
            file, log = folder / "job.json", folder / "log"
            job.write(file)
            log.touch(mode=0o600)  # one that is forked opens it later than we look into it
            copy_resources(job.equipment.resources, folder)
            process = self._start(job, file, log, worker_environment(folder, beside=beside))
            try:
                yield LocalWorker(process, log)
            finally:
                process.end(GRACE_SECONDS)

    def _start(self, job: Job, file: Path, log: Path, environment: dict[str, str]) -> ChildProcess:
        python = job.equipment.python or self.python
        own = dict(self.environment) | dict(job.equipment.environment)
        if job.trainer in self.servers and python == sys.executable and not own:
            threads = int(environment["OMP_NUM_THREADS"])
            order = Order(str(file), str(log), str(file.parent), environment, threads)
            return ChildProcess(self.servers[job.trainer].fork(order), log)
        command = [python, "-P", "-m", "mlsql.bridge.worker", "--job", str(file)]
        return start_process(command, environment=environment | own, folder=file.parent, log=log)


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

    Its temporary files are made in *folder*.
    """
    threads = threads_environment(max(1, _processors() // beside))
    own = {"TMPDIR": str(folder), "JOBLIB_TEMP_FOLDER": str(folder)}
    return importing_environment() | threads | own | _QUIET


def importing_environment() -> dict[str, str]:
    """The environment of a process that imports from where this one does; the JVM stays closed to it."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
    return inherited | {"PYTHONPATH": path}


def threads_environment(count: int) -> dict[str, str]:
    """What makes the libraries compute in *count* threads."""
    return dict.fromkeys(_THREADS, str(count))


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
