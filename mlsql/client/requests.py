"""Requests to one server, sent again where that does no harm and may help.

Again goes what was not answered because the connection broke, and what a busy server (429, 503)
sent away; a request that changes something is only sent again when it cannot have arrived, or
when the caller says that twice is no more than once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from mlsql.client.errors import BUSY, reply_error
from mlsql.errors import MlsqlError, RunError

_NOT_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_UNKNOWN_SERVER_SECONDS = 3.0
"""How long a server is asked that never answered: perhaps there is none."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


@dataclass(slots=True)
class Requests:
    """Sends through *http*; what fails for a while is tried again for *patience* seconds."""

    http: httpx.Client
    patience: float
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _is_known: bool = False

    def send(self, method: str, url: str, *, repeatable: bool, **request: Any) -> httpx.Response:
        """The reply, read; what is no success is raised as the error that it tells."""
        begin, tries = self.clock(), 0
        while True:
            try:
                return self._sent(method, url, request)
            except _Again as again:
                tries += 1
                pause = again.pause if again.pause is not None else pause_before(tries)
                late = self.clock() + pause - begin > self._patience
                if late or not (repeatable or again.is_harmless):
                    raise again.error from again.__cause__
            self.sleep(pause)

    @contextmanager
    def stream(self, url: str, **request: Any) -> Iterator[httpx.Response]:
        """A reply whose body is read in the block; nothing is sent again."""
        try:
            with self.http.stream("GET", url, **request) as reply:
                self._is_known = True
                if not reply.is_success:
                    reply.read()
                    raise reply_error(reply)
                yield reply
        except httpx.TransportError as error:
            raise self._broken(error) from error

    @property
    def _patience(self) -> float:
        return self.patience if self._is_known else min(self.patience, _UNKNOWN_SERVER_SECONDS)

    def _sent(self, method: str, url: str, request: dict[str, Any]) -> httpx.Response:
        try:
            reply = self.http.request(method, url, **request)
        except httpx.TransportError as error:
            raise _Again(self._broken(error), is_harmless=isinstance(error, _NOT_ARRIVED)) from error
        self._is_known = True
        if reply.is_success:
            return reply
        told = reply_error(reply)
        if isinstance(told, RunError) and told.retriable:
            raise _Again(told, pause=_retry_after(reply), is_harmless=reply.status_code in BUSY)
        raise told

    def _broken(self, error: httpx.TransportError) -> RunError:
        address, reason = str(self.http.base_url).rstrip("/"), str(error) or type(error).__name__
        return RunError(
            f"the server at {address} does not answer: {reason}",
            hint="does `mlsql serve` run there?",
            retriable=True,
        )


class _Again(Exception):
    """What may go well the next time: the *error* to raise when it does not, and when to try."""

    def __init__(self, error: MlsqlError, *, is_harmless: bool, pause: float | None = None) -> None:
        super().__init__(error)
        self.error, self.is_harmless, self.pause = error, is_harmless, pause


def pause_before(tries: int) -> float:
    """Seconds to wait before one more try: twice as long each time, and never the same for two clients."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(tries, 10)) * random.uniform(0.5, 1.0)  # noqa: S311


def _retry_after(reply: httpx.Response) -> float | None:
    """The seconds that a server asks to wait; None when it does not say."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
