"""Signals that end a run cleanly: SIGINT, SIGTERM and SIGHUP cancel it, a second Ctrl-C ends the process.

A second SIGTERM changes nothing: service managers send it to the group and to the process, and
have SIGKILL for what takes too long.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from mlsql.stop import Stop

T = TypeVar("T")


def until_stopped(work: Callable[[], T], stop: Stop, tell: Callable[[str], None]) -> T:
    """What *work* gives; the first signal cancels *stop*, which *tell* says.

    The work has a thread of its own: the main one stays free to take signals while the work waits
    for the JVM, and PySpark, which takes SIGINT for itself when started in the main one, does not.
    """
    is_stopping = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if not is_stopping.is_set():
            is_stopping.set()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            tell("stopping …")
            stop.cancel()

    with ThreadPoolExecutor(1) as thread, _signals(on_signal):
        return thread.submit(work).result()


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    taken = {each: signal.signal(each, handler) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, before in taken.items():
            signal.signal(each, before)
