"""Connections that keep nobody else waiting: who is too slow to send or to take something is dropped.

uvicorn limits the size of what has not been read, but not its time: a client that sends a header
a minute, or a body that never ends, would hold its connection for ever. Where httptools is installed
(the extra ``serving``) it reads the requests, in a fifth of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    Connection = asyncio.Protocol
else:
    Connection = object  # what it is beside decides

_MOST_HEAD = 64 * 2**10
"""Bytes of a request's line and headers."""
_VERSIONS = ("1.0", "1.1")
_MOST_WAITING = 512
"""Connections that wait for a request, or for the rest of one; one more takes the place of the oldest."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The connections of a server that wait for their clients, the oldest first."""

    most: int = _MOST_WAITING
    _waiting: dict[Prompt, None] = field(default_factory=dict)

    def add(self, connection: Prompt) -> None:
        """One more waits; when they are too many, the one that has waited longest is dropped."""
        self._waiting.setdefault(connection)
        if len(self._waiting) > self.most:
            next(iter(self._waiting)).drop()

    def remove(self, connection: Prompt) -> None:
        """That one waits no more."""
        self._waiting.pop(connection, None)


class Prompt(Connection):
    """A connection whose client has so many *seconds* for a request, and to take what is sent.

    It stands before a protocol of uvicorn's, and is told :attr:`is_awaiting` by what stands before it.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    is_awaiting: bool
    """Whether a request has not come in whole."""

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
        super().on_response_complete()  # type: ignore[misc]
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
        if not self.is_awaiting:
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


class PromptH11(Prompt, H11Protocol):
    """A connection whose requests are read in Python."""

    @property
    def is_awaiting(self) -> bool:  # type: ignore[override]
        """Whether a request has not come in whole."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)


@cache
def _of_httptools() -> type[Prompt]:
    """A connection whose requests are read by httptools, which sets no limit to the headers."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class PromptHttpTools(Prompt, HttpToolsProtocol):
        _is_reading_head = _is_reading_body = False
        _head_bytes = 0

        @property
        def is_awaiting(self) -> bool:  # type: ignore[override]
            cycle: Any = self.cycle  # None until there is a request
            is_idle = cycle is None or cycle.response_complete
            return self._is_reading_head or self._is_reading_body or is_idle

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._is_reading_head:
                self._head_bytes += len(data)
                if self._head_bytes > _MOST_HEAD and not self.transport.is_closing():
                    self.send_400_response("The headers are too long.")

        def on_message_begin(self) -> None:
            self._is_reading_head, self._head_bytes = True, 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            if self.parser.get_http_version() not in _VERSIONS or not self.url.startswith(b"/"):
                raise ValueError(self.url)  # which is answered with status 400
            self._is_reading_head, self._is_reading_body = False, True
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._is_reading_body = False
            super().on_message_complete()

    return PromptHttpTools


def prompt_connections(seconds: float, most_waiting: int = _MOST_WAITING) -> Callable[..., Prompt]:
    """What makes the connections of one server."""
    kind = _of_httptools() if find_spec("httptools") else PromptH11
    return partial(kind, seconds=seconds, waiting=Waiting(most_waiting))
