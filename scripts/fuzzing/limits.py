"""A block of code that may take so much processor time and no more."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooSlow(BaseException):
    """The block took longer; no ``except Exception`` on the way keeps it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """A block of at most *seconds* of this process, whatever else the machine does.

    Only for the main thread; a regular expression that runs wild is ended too.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
