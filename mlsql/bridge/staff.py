"""The worker processes of a crew: hired when there is none idle, serving on, ended together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from mlsql.bridge.control import Channel, Door
from mlsql.bridge.errors import WorkerError
from mlsql.bridge.launcher import Launcher, Worker
from mlsql.bridge.worker import Job
from mlsql.events import Sink, WorkerEnded, WorkerStarted, ignore

POLL_SECONDS = 0.1
"""How soon a stop, a death or a line of a worker's output is noticed."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """A worker and the driver's end of the channel to it; closing the stack ends both."""

    worker: Worker
    channel: Channel
    stack: ExitStack


@dataclass(frozen=True, slots=True)
class Staff:
    """Workers of one launcher, *size* of them at most at once; used from several threads."""

    launcher: Launcher
    size: int
    emit: Sink = ignore
    _idle: deque[Colleague] = field(default_factory=deque)

    @contextmanager
    def colleague(self, job: Callable[[Door], Job], watch: Callable[[Worker], None]) -> Iterator[Colleague]:
        """A worker that is idle, or a new one for *job*, while whose coming is awaited *watch* is called.

        When the block ends well it is idle again, else it is ended.
        """
        colleague = self._idle_one() or self._hire(job, watch)
        with ExitStack() as ending:
            ending.push(colleague.stack)
            yield colleague
            ending.pop_all()
        self._idle.append(colleague)

    def dismiss(self) -> None:
        """End those that are idle."""
        with ExitStack() as ending:
            for colleague in self._idle:
                ending.push(colleague.stack)

    def _idle_one(self) -> Colleague | None:
        """One that has not died of idleness."""
        with suppress(IndexError):
            while True:
                colleague = self._idle.pop()
                if colleague.worker.ended() is None:
                    return colleague
                colleague.stack.close()
        return None

    def _hire(self, job: Callable[[Door], Job], watch: Callable[[Worker], None]) -> Colleague:
        with ExitStack() as stack:
            site = self.launcher.site
            door = stack.enter_context(Door(site.bind, site.host))
            worker = stack.enter_context(self.launcher.launch(job(door), beside=self.size))
            self.emit(WorkerStarted())
            stack.callback(self.emit, WorkerEnded())
            channel = stack.enter_context(_admit(door, worker, watch, site.patience))
            return Colleague(worker, channel, stack.pop_all())


def _admit(door: Door, worker: Worker, watch: Callable[[Worker], None], patience: float) -> Channel:
    deadline = time.monotonic() + patience
    while (channel := door.admit(POLL_SECONDS)) is None:
        watch(worker)
        if ended := worker.ended():
            raise WorkerError(f"the worker {ended}")
        if time.monotonic() > deadline:
            raise WorkerError(f"the worker did not start within {patience:g} s", retriable=True)
    return channel
