"""Connections that keep nobody else waiting: who is too slow to send or to take something is dropped.

uvicorn limits the size of what has not been read, but not its time: a client that sends a header
a minute, or a body that never ends, would hold its connection for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST_WAITING = 512
"""Connections that wait for a request, or for the rest of one; one more takes the place of the oldest."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The connections of a server that wait for their clients, the oldest first."""

    most: int = _MOST_WAITING
    _waiting: dict[PromptConnection, None] = field(default_factory=dict)

    def add(self, connection: PromptConnection) -> None:
        """One more waits; when they are too many, the one that has waited longest is dropped."""
        self._waiting.setdefault(connection)
        if len(self._waiting) > self.most:
            next(iter(self._waiting)).drop()

    def remove(self, connection: PromptConnection) -> None:
        """That one waits no more."""
        self._waiting.pop(connection, None)


class PromptConnection(H11Protocol):
    """A connection whose client has so many *seconds* for a request, and to take what is sent."""

    def __init__(self, *given: Any, seconds: float, waiting: Waiting, **more: Any) -> None:
        super().__init__(*given, **more)
        self._seconds, self._waiting = seconds, waiting
        self._limits: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """From now on a request is awaited."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        super().connection_lost(exc)
        self._end_limit("request")
        self._end_limit("reply")
        self._waiting.remove(self)

    def data_received(self, data: bytes) -> None:
        """A part of a request, the whole of it, or several."""
        super().data_received(data)
        self._await_request()

    def on_response_complete(self) -> None:
        """The next request may come, which uvicorn awaits for a few seconds."""
        super().on_response_complete()
        self._await_request(is_idle=True)

    def pause_writing(self) -> None:
        """The client does not take what is sent as fast as it comes."""
        super().pause_writing()
        self._begin_limit("reply")

    def resume_writing(self) -> None:
        """It has taken it."""
        super().resume_writing()
        self._end_limit("reply")

    def drop(self) -> None:
        """Close at once, without what has not been sent."""
        self._waiting.remove(self)
        self.transport.abort()

    def _await_request(self, *, is_idle: bool = False) -> None:
        """Begin the limit when a request has not come in whole, and end it when it has."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._end_limit("request")
            self._waiting.remove(self)
            return
        self._waiting.add(self)
        if not is_idle:
            self._begin_limit("request")

    def _begin_limit(self, what: str) -> None:
        if what not in self._limits:
            self._limits[what] = self.loop.call_later(self._seconds, self.drop)

    def _end_limit(self, what: str) -> None:
        if what in self._limits:
            self._limits.pop(what).cancel()


def prompt_connections(seconds: float, most_waiting: int = _MOST_WAITING) -> Callable[..., PromptConnection]:
    """What makes the connections of one server."""
    return partial(PromptConnection, seconds=seconds, waiting=Waiting(most_waiting))
