"""The control channel between the driver and one worker: JSON lines on a socket of the driver.

The driver opens a :class:`Door` where the worker can reach it; whoever says its one-time token
first is the worker.
The driver sends :class:`Work`, the worker reports until it has sent :class:`Done` or
:class:`Judged`, which may be followed by more work, or :class:`Failed`, after which it ends. Each
side takes a closed channel for the end of the other.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from contextlib import suppress
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from mlsql.bridge.reports import Message, read_message, write_message

HANDSHAKE_SECONDS = 5.0
LOOPBACK = "127.0.0.1"
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}


class ChannelClosed(Exception):
    """The other side has gone."""


class Channel:
    """One end of the channel; one thread may send while another receives."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_lost_machines(connection)
        self._connection = connection
        self._unread = b""
        self.is_closed = False
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Hand *message* over."""
        line = write_message(message)
        try:
            with self._sending:
                self._connection.sendall(line + b"\n")
        except OSError as error:
            raise ChannelClosed from error

    def receive(self, timeout: float | None) -> Any:
        """The next message, or None when none has come after *timeout* seconds (None waits for the end)."""
        while b"\n" not in self._unread:
            if not wait([self._connection], timeout):
                return None
            self._unread += self._read()
        line, _, self._unread = self._unread.partition(b"\n")
        return read_message(line)

    def close(self) -> None:
        """End the conversation; the other side notices."""
        self.is_closed = True
        with suppress(OSError):  # it may have gone before us
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _read(self) -> bytes:
        try:
            received = self._connection.recv(65536)
        except OSError as error:
            raise ChannelClosed from error
        if not received:
            raise ChannelClosed
        return received

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _notice_lost_machines(connection: socket.socket) -> None:
    """Have a connection fail within a minute or two when the other machine is gone without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # macOS calls the first one otherwise
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Door:
    """Where one worker comes in: a port of ours and a token that works once.

    It listens on the address *bind*; workers reach it as *host*.
    """

    def __init__(self, bind: str = LOOPBACK, host: str | None = None) -> None:
        self.token = secrets.token_hex(32)
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._listener = socket.create_server((bind, 0), family=family)
        self.address: tuple[str, int] = (host or bind, self._listener.getsockname()[1])

    def admit(self, timeout: float) -> Channel | None:
        """The channel to the worker, or None when it has not come within *timeout* seconds."""
        if not wait([self._listener], timeout):
            return None
        connection, _ = self._listener.accept()
        if _says(connection, self.token):
            self._listener.close()
            return Channel(connection)
        connection.close()
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()


def connect(address: tuple[str, int], token: str) -> Channel:
    """The worker's end of the channel to the door at *address*."""
    connection = socket.create_connection(address, timeout=HANDSHAKE_SECONDS)
    connection.sendall(token.encode())
    return Channel(connection)


def _says(connection: socket.socket, token: str) -> bool:
    """Whether the first that comes from *connection* is *token*, soon enough."""
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    said = b""
    while len(said) < len(token):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            received = connection.recv(len(token) - len(said))
        except OSError:
            return False
        if not received:
            return False
        said += received
    return hmac.compare_digest(said, token.encode())
