"""Workers on the executors of a cluster, each in a Spark task that lends it its slot."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from mlsql.bridge.control import Channel, ChannelClosed, Door
from mlsql.bridge.errors import WorkerError
from mlsql.bridge.foreman import TASK_GONE
from mlsql.bridge.launcher import Launcher, Site, importing_environment
from mlsql.bridge.parcels import send_parcel
from mlsql.bridge.reports import Assigned, Ended, Logged
from mlsql.bridge.worker import Job
from mlsql.spark.sessions import CANCEL_AGAIN_SECONDS, cancel_jobs, is_local, job_group, slots

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PATIENCE_SECONDS = 600.0
"""A slot may be taken by others, or its executor may have to be started first."""
_END_SECONDS = 15.0
"""How long a task may take to end of itself when its worker is to end."""
_CANCEL_SECONDS = 60.0
_POLL_SECONDS = 0.05
_COPY_SECONDS = 24 * 3600.0
_EXCEPTION = re.compile(r"^\w[\w.]*(?:Error|Exception|Fault): .+$", re.MULTILINE)

_log = logging.getLogger(__name__)


def open_launcher(choice: str, spark: SparkSession, *, local: Launcher) -> Launcher:
    """The launcher that the setting ``train.launcher`` asks for; ``auto`` is *local* beside a local Spark."""
    if choice == "local" or (choice == "auto" and is_local(spark)):
        return local
    return SparkLauncher(spark)


@dataclass(frozen=True, slots=True)
class SparkLauncher:
    """Starts workers on the executors of *spark*."""

    spark: SparkSession

    @property
    def site(self) -> Site:
        """On other machines, with as many places as Spark has slots now."""
        conf = self.spark.sparkContext.getConf()
        host = conf.get("spark.driver.host")
        assert host is not None  # Spark sets it
        bind = conf.get("spark.driver.bindAddress") or host
        places = max(1, slots(self.spark))
        return Site(is_local=False, bind=bind, host=host, places=places, patience=_PATIENCE_SECONDS)

    @contextmanager
    def launch(self, job: Job, *, beside: int = 1) -> Iterator[SparkWorker]:  # noqa: ARG002 — a task has its own cores
        """A worker in a Spark task, which is cancelled when it does not end with the block."""
        site = self.site
        with Door(site.bind, site.host) as door:
            task = _Task(self.spark, json.dumps({"address": door.address, "token": door.token}))
            threads = int(self.spark.sparkContext.getConf().get("spark.task.cpus") or 1)
            worker = SparkWorker(door, task, job, threads)
            task.start()
            try:
                yield worker
            finally:
                worker.end()


@dataclass(slots=True)
class SparkWorker:
    """A worker on an executor, as its foreman tells of it."""

    door: Door
    task: _Task
    job: Job
    threads: int
    _channel: Channel | None = None
    _how: str | None = None
    _lines: list[str] = field(default_factory=list)

    def ended(self, timeout: float = 0.0) -> str | None:
        """How it ended, or what became of its task."""
        deadline = time.monotonic() + timeout
        self._hear(timeout)
        while self._how is None and time.monotonic() < deadline:
            self._hear(deadline - time.monotonic())
        return self._how

    def new_lines(self) -> list[str]:
        """What the foreman has passed on."""
        self._hear(0.0)
        lines, self._lines = self._lines, []
        return lines

    def end(self) -> None:
        """Have the foreman end the worker and its task, and Spark the task where there is no foreman yet."""
        if self._channel is not None:
            self._channel.close()
            self.task.ended.wait(_END_SECONDS)
        self.task.cancel()

    def _hear(self, timeout: float) -> None:
        """Take in what the foreman says, and the first time say to it what its worker is to do."""
        if self._how is not None:
            return
        try:
            if self._channel is None:
                self._admit(timeout)
            else:
                self._receive(self._channel, timeout)
        except ChannelClosed:
            self._how = self.task.failure(_END_SECONDS) or TASK_GONE

    def _admit(self, timeout: float) -> None:
        self._channel = self.door.admit(timeout)
        if self._channel is None:
            self._how = self.task.failure()
            return
        for place, path in self.job.equipment.resources.items():
            try:
                send_parcel(self._channel.send, place, Path(path))
            except OSError as error:
                reason = error.strerror or error
                raise WorkerError(f"'{path}' cannot be copied to the worker: {reason}") from error
        self._channel.send(Assigned(self.job.to_dict(), self.threads))

    def _receive(self, channel: Channel, timeout: float) -> None:
        message = channel.receive(timeout)
        while message is not None and self._how is None:
            match message:
                case Logged(line):
                    self._lines.append(line)
                case Ended(how):
                    self._how = how
            message = channel.receive(0.0) if self._how is None else None


@dataclass(slots=True)
class _Task:
    """A Spark job of one task, in which a foreman runs; *order* is what that is told first."""

    spark: SparkSession
    order: str = field(repr=False)
    group: str = field(default_factory=lambda: f"mlsql-worker-{uuid.uuid4().hex}")
    ended: Event = field(default_factory=Event)
    _error: Exception | None = None

    def start(self) -> None:
        """Start the job, in a thread that waits for its end."""
        from pyspark import InheritableThread

        thread = InheritableThread(target=self._run, name=self.group)
        thread.daemon = True
        thread.start()

    def failure(self, timeout: float = 0.0) -> str | None:
        """Why the job ended, or does so within *timeout* seconds; None while it runs."""
        if not self.ended.wait(timeout):
            return None
        if self._error is None:
            return TASK_GONE
        told = _EXCEPTION.findall(str(self._error))
        return f"could not be run by Spark: {told[-1] if told else self._error}"

    def cancel(self) -> None:
        """End the job, and wait until it has ended."""
        deadline = time.monotonic() + _CANCEL_SECONDS
        while not self.ended.is_set() and time.monotonic() < deadline:
            cancel_jobs(self.spark, self.group)
            self.ended.wait(CANCEL_AGAIN_SECONDS)
        if not self.ended.is_set():
            _log.warning("the Spark job %s has not ended %g s after its cancel", self.group, _CANCEL_SECONDS)

    def _run(self) -> None:
        order = self.order
        try:
            with job_group(self.spark, self.group, "a worker of mlsql"):
                self.spark.sparkContext.parallelize([0], 1).foreachPartition(lambda _: employ_foreman(order))
        except Exception as error:  # noqa: BLE001 — whatever Spark raises is how the worker ended
            self._error = error
        finally:
            self.ended.set()


def employ_foreman(order: str) -> None:
    """Run a foreman to its end; this is what the Spark task does.

    A copy of a task (Spark has lost the first one, or finds it slow) must neither start a second
    worker nor end before the first one does, so it waits for its end, which comes with the job's.
    """
    from pyspark import TaskContext

    task = TaskContext.get()
    if task is not None and task.attemptNumber() > 0:
        time.sleep(_COPY_SECONDS)
        raise TimeoutError(f"the first attempt has not ended within {_COPY_SECONDS:g} s")
    command = [sys.executable, "-P", "-m", "mlsql.bridge.foreman"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=importing_environment(),
        start_new_session=True,
    ) as foreman:
        assert foreman.stdin is not None
        foreman.stdin.write(order.encode() + b"\n")
        foreman.stdin.flush()
        while (code := foreman.poll()) is None:  # its worker works; the driver ends it
            time.sleep(_POLL_SECONDS)
    if code:
        raise RuntimeError(f"the foreman ended with exit code {code}; the executor's log says why")
