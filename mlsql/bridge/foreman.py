"""Beside a worker on an executor's machine: ``python -m mlsql.bridge.foreman``, started by a Spark task.

Spark ends the Python process of a task with SIGKILL, so it is not that process which looks after the
worker, but this one. Its standard input holds where the driver awaits it, then stays open for as long
as the task lives. It gets the worker's job from the driver, starts the worker, passes on what that
prints and how it ends, and ends it with all that it left when the task or the driver has gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlsql.bridge.control import Channel, ChannelClosed, connect
from mlsql.bridge.folders import shared_folder, temporary_folder
from mlsql.bridge.launcher import LocalLauncher, Worker, threads_environment
from mlsql.bridge.parcels import Parcels
from mlsql.bridge.reports import Assigned, Ended, Logged
from mlsql.bridge.worker import Job

POLL_SECONDS = 0.1
TASK_GONE = "was ended, since its Spark task has gone: was the task or its executor killed?"


@dataclass(frozen=True, slots=True)
class Departure:
    """Set once the task or the driver has gone; *reasons* says which."""

    _gone: threading.Event = field(default_factory=threading.Event)
    reasons: list[str] = field(default_factory=list)

    def note(self, reason: str) -> None:
        """Say that somebody has gone."""
        self.reasons.append(reason)
        self._gone.set()

    def wait(self, timeout: float) -> bool:
        """Whether somebody has gone, or does so within *timeout* seconds."""
        return self._gone.wait(timeout)


def main() -> int:
    """Do what the driver says until the worker has ended, or the task or the driver has gone."""
    order = json.loads(sys.stdin.readline())
    departure = Departure()
    with connect(tuple(order["address"]), order["token"]) as channel:
        _in_background(lambda: _await_task(departure))
        with suppress(ChannelClosed), temporary_folder("resources") as folder:
            job, threads = _job(channel, folder)
            _in_background(lambda: _await_driver(channel, departure))
            with _worker(job, threads) as worker:
                how = _attend(worker, channel, departure)
            channel.send(Ended(how))
    return 0


def _job(channel: Channel, folder: Path) -> tuple[Job, int]:
    """The job and its number of threads; its resources are in *folder*."""
    parcels = Parcels(folder.joinpath)
    while not isinstance(message := channel.receive(None), Assigned):
        parcels.take(message)
    job = Job.from_dict(message.job)
    resources = {name: str(folder / name) for name in job.equipment.resources}
    return replace(job, equipment=replace(job.equipment, resources=resources)), message.threads


@contextmanager
def _worker(job: Job, threads: int) -> Iterator[Worker]:
    assert job.depot is not None
    launcher = LocalLauncher(environment=threads_environment(threads))
    with (
        shared_folder(job.depot) as depot,
        launcher.launch(replace(job, depot=str(depot))) as worker,
    ):
        yield worker


def _attend(worker: Worker, channel: Channel, departure: Departure) -> str:
    """How *worker* ended, or why it has to end now; what it prints is passed on."""
    ended = None
    while ended is None and not departure.wait(POLL_SECONDS):
        ended = worker.ended()
        for line in worker.new_lines():
            channel.send(Logged(line))
    return ended or departure.reasons[0]


def _await_task(departure: Departure) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # Python ends badly while a thread waits on sys.stdin itself
        pass
    departure.note(TASK_GONE)


def _await_driver(channel: Channel, departure: Departure) -> None:
    with suppress(ChannelClosed):
        channel.receive(None)
    departure.note("was ended by the driver")


def _in_background(work: Callable[[], object]) -> None:
    threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
