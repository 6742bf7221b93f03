"""The text behind an http address: bounded in size and time, and given up when the run is stopped."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from mlsql.errors import DataError
from mlsql.spans import Span
from mlsql.stop import Stop

_SECONDS = 30.0
_CONNECT_SECONDS = 4.0
"""Nothing can wake a thread that connects."""
_MOST_BYTES = 8 * 2**20

Opened = Callable[[socket.socket], object]


def download(url: str, stop: Stop, *, span: Span | None = None) -> str:
    """What *url* answers, UTF-8, of at most 8 MiB; an address that was judged may not send us to another."""
    call = _Call()
    remaining = stop.remaining
    timer = threading.Timer(_SECONDS if remaining is None else min(_SECONDS, remaining), call.give_up)
    try:
        timer.start()
        with stop.ending(call.give_up):
            content = call.read(url)
        if call.is_given_up:
            raise TimeoutError(f"no whole answer within {_SECONDS:g} s")
        text = content.decode("utf-8-sig")
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        reason = f"it answers {error.code}" if isinstance(error, urllib.error.HTTPError) else str(error)
        raise DataError(f"'{url}' cannot be read: {reason}", span=span) from error
    finally:
        timer.cancel()
    if len(content) > _MOST_BYTES:
        raise DataError(f"'{url}' gives more than {_MOST_BYTES:,} bytes", span=span)
    return text


@dataclass(slots=True)
class _Call:
    """One request, whose connection another thread may shut."""

    is_given_up: bool = False
    _sockets: list[socket.socket] = field(default_factory=list)

    def read(self, url: str) -> bytes:
        """The body of the answer, and a byte more than it may have."""
        opener = urllib.request.build_opener(_NoRedirect, _Http(self._opened), _Https(self._opened))
        with opener.open(url, timeout=_SECONDS) as reply:
            content: bytes = reply.read(_MOST_BYTES + 1)
        return content

    def give_up(self) -> None:
        """Wake whoever reads; what was read is not whole."""
        self.is_given_up = True
        for each in self._sockets:
            with suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)

    def _opened(self, connection: socket.socket) -> None:
        self._sockets.append(connection)
        if self.is_given_up:
            self.give_up()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - as urllib calls them
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: Any,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


class _Http(urllib.request.HTTPHandler):
    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._told = _telling(http.client.HTTPConnection, opened)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._told, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._told = _telling(http.client.HTTPSConnection, opened)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._told, req)


def _telling(kind: type[http.client.HTTPConnection], opened: Opened) -> Any:
    """Makes connections that tell *opened* their socket as soon as they have one."""

    class Telling(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            self.timeout = _CONNECT_SECONDS
            super().connect()
            self.sock.settimeout(_SECONDS)
            opened(self.sock)

    return Telling
