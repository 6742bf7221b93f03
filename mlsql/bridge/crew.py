"""The workers of one training: some at a time, each taking candidate after candidate, ended with the crew."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event
from types import TracebackType
from typing import Self

from mlsql import events
from mlsql.bridge.arrivals import Arrivals
from mlsql.bridge.launcher import Launcher
from mlsql.bridge.reports import Work
from mlsql.bridge.request import TrainingRequest
from mlsql.bridge.shift import Outcome, Shift
from mlsql.bridge.staff import POLL_SECONDS, Staff
from mlsql.errors import Cancelled
from mlsql.stop import Stop


@dataclass(slots=True)
class Crew:
    """As a context manager: workers start at once, so that they are ready when :meth:`give` has the data.

    Workers on other machines start with :meth:`give`: they take places that Spark needs until then.
    With a selection in the *request* candidates are judged, else they are fitted and stored.
    """

    request: TrainingRequest
    trainer: str
    """The trainer's class, as ``package.module:Class``."""
    launcher: Launcher
    emit: events.Sink
    stop: Stop
    arrivals: Arrivals = field(default_factory=Arrivals)
    given: Future[Work] = field(default_factory=Future)
    deadline: float | None = None
    """When the budget for judging ends, on the monotonic clock; known when the data is there."""
    _left: Event = field(default_factory=Event)
    _outcomes: list[Future[Outcome]] = field(default_factory=list)
    _ending: ExitStack = field(default_factory=ExitStack)
    staff: Staff = field(init=False)

    @property
    def size(self) -> int:
        """How many workers run at once."""
        places = self.launcher.site.places
        wanted = min(self.request.parallelism, len(self.request.candidates))
        return max(1, wanted if places is None else min(wanted, places))

    def __enter__(self) -> Self:
        if self.launcher.site.is_local:
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._ending.close()

    def give(self, work: Work) -> None:
        """Tell the workers that the data is there."""
        selection = self.request.selection
        if selection is not None and selection.budget is not None:
            self.deadline = time.monotonic() + selection.budget
        self.given.set_result(work)
        if not self._outcomes:
            self._begin()

    def outcomes(self) -> list[Outcome]:
        """How each candidate went, in their order; raises when the run is stopped, or what ends all."""
        while (found := wait_for(self._outcomes, POLL_SECONDS, FIRST_EXCEPTION)).not_done:
            self.check()
            for outcome in found.done:
                outcome.result()
        self.arrivals.check()
        return [outcome.result() for outcome in self._outcomes]

    def check(self) -> None:
        """Raise when the run must end or the crew has been left."""
        self.stop.check()
        if self._left.is_set():
            raise Cancelled

    def _begin(self) -> None:
        size = self.size
        self.staff = Staff(self.launcher, size, self.emit)
        self._ending.callback(self.staff.dismiss)
        pool = ThreadPoolExecutor(size, thread_name_prefix="mlsql-worker")
        self._ending.callback(pool.shutdown, wait=True, cancel_futures=True)
        shifts = [Shift(self, candidate) for candidate in self.request.candidates]
        self._outcomes = [pool.submit(shift.outcome) for shift in shifts]
