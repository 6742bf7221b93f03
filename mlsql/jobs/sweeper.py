"""Deletes what is kept of jobs no longer: results and logs after their time, idempotency keys, old jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Protocol

from mlsql.jobs.store import JobStore

log = logging.getLogger(__name__)

KEY_SECONDS = 24 * 3600.0
"""How long an Idempotency-Key is known."""
_SECONDS = 60.0


class Folders(Protocol):
    """Where the files of jobs lie."""

    def of(self, job: str) -> Path:
        """The folder of one job."""
        ...

    def remove(self, job: str) -> None:
        """Delete it."""
        ...

    def untouched(self, since: float) -> Iterable[str]:
        """The jobs in whose folders nothing was made or deleted since then."""
        ...


@dataclass(slots=True)
class Sweeper:
    """Sweeps once a minute in a thread of its own, from :meth:`start` to :meth:`stop`."""

    store: JobStore
    folders: Folders
    result_ttl: float
    history: float
    """How long an ended job itself is known; its result and log are not kept longer than that."""
    clock: Callable[[], float] = time.time
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def sweep(self) -> None:
        """Delete what is due now."""
        now = self.clock()
        jobs = self.store.expired(ended_before=now - min(self.result_ttl, self.history))
        for job in jobs:
            self.folders.remove(job)
        self.store.mark_expired(jobs)
        self.store.forget_keys(made_before=now - KEY_SECONDS)
        while forgotten := self.store.forgettable(ended_before=now - self.history):
            self.store.forget(forgotten)

    def sweep_unknown(self) -> None:
        """Delete what is left of jobs that the database does not know, once its time is over.

        A server leaves that which dies before it has written down a job that runs already.
        """
        old = self.folders.untouched(self.clock() - self.result_ttl)
        for job in self.store.unknown(old):
            self.folders.remove(job)

    def start(self) -> None:
        """Sweep now and then."""
        self._thread = threading.Thread(target=self._sweep_now_and_then, name="job sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sweep no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_SECONDS)

    def _sweep_now_and_then(self) -> None:
        sweeps = chain([self.sweep_unknown], repeat(self.sweep))
        for sweep in sweeps:
            try:
                sweep()
            except Exception:  # the next sweep may go well
                log.exception("the sweep of jobs failed")
            if self._stopped.wait(_SECONDS):
                return
