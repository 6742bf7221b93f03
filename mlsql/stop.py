"""When a run must end: the cancel button and the deadline of one run, in one object.

Everything that waits, waits on a :class:`Stop` or asks it in between; everything that runs
elsewhere (a Spark job, a process) gives it a callable that ends it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from mlsql.errors import Cancelled, RunStopped, TimedOut


class Stop:
    """Set once, by :meth:`cancel` or by the deadline; *timeout* in seconds, None for no limit."""

    def __init__(self, timeout: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = timeout
        self._clock = clock
        self._deadline = None if timeout is None else clock() + timeout
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._endings: dict[object, Callable[[], object]] = {}

    def cancel(self) -> None:
        """Ask the run to end now, and end what it waits for; may be called again and from any thread."""
        self._cancelled.set()
        self.end_all()

    def end_all(self) -> None:
        """Call the endings that are on the list, the newest first, each once, also when one of them fails."""
        with self._lock:
            endings = list(self._endings.values())
            self._endings.clear()
        with ExitStack() as stack:
            for end in endings:
                stack.callback(end)

    @property
    def reason(self) -> RunStopped | None:
        """The error to raise when the run must end, else None."""
        if self._cancelled.is_set():
            return Cancelled()
        if self._deadline is not None and self._timeout is not None and self._clock() >= self._deadline:
            return TimedOut(self._timeout)
        return None

    def check(self) -> None:
        """Raise Cancelled or TimedOut when the run must end."""
        reason = self.reason
        if reason is not None:
            raise reason

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, at least 0; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def wait(self, seconds: float) -> None:
        """Sleep for *seconds*; a stop wakes the sleeper and raises."""
        remaining = self.remaining
        self._cancelled.wait(seconds if remaining is None else min(seconds, remaining))
        self.check()

    @contextmanager
    def timer(self) -> Iterator[None]:
        """A block in which the deadline calls the endings when it comes, as a cancel does."""
        remaining = self.remaining
        if remaining is None:
            yield
            return
        timer = threading.Timer(remaining, self.end_all)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @contextmanager
    def ending(self, end: Callable[[], object], *, again: float | None = None) -> Iterator[None]:
        """Have *end* called when a stop comes within the block; when it has come, raise.

        What may come too early to have an effect is called *again* after so many seconds, until the
        block ends.
        """
        key, ended = object(), threading.Event()
        with self._lock:
            self._endings[key] = end if again is None else partial(_go_on, end, again, ended)
        try:
            self.check()
            yield
        finally:
            ended.set()
            with self._lock:
                self._endings.pop(key, None)


def _go_on(end: Callable[[], object], seconds: float, ended: threading.Event) -> None:
    """Call *end* now, and from a thread of its own again and again."""

    def repeat() -> None:
        while not ended.wait(seconds):
            end()

    threading.Thread(target=repeat, daemon=True).start()
    end()
