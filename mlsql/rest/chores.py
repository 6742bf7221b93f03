"""What a thread does now and then as long as the service is open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

log = logging.getLogger(__name__)

_SECONDS_TO_END = 60.0


@contextmanager
def now_and_then(chore: Callable[[], object], seconds: float, name: str) -> Iterator[None]:
    """A block during which *chore* is done every so many seconds; one that fails is done again."""
    stopped = Event()

    def work() -> None:
        while not stopped.wait(seconds):
            try:
                chore()
            except Exception:  # the next time may go well
                log.exception("%s: failed", name)

    thread = Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_SECONDS_TO_END)
