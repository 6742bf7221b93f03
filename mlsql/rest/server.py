"""The application on a socket of this machine, until it is told to stop."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress

import uvicorn

from mlsql.errors import Cancelled, ConfigError
from mlsql.rest.app import create_app
from mlsql.rest.service import Service
from mlsql.stop import Stop

_SECONDS_FOR_REPLIES = 10


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on *host*, which must be this machine's loopback, at *port* (0: a free one)."""
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not _is_loopback(address):
        raise ConfigError(
            f"the server asks nobody who he is, so it cannot listen on '{host}'",
            hint="server.host is 127.0.0.1, ::1 or localhost; let a proxy that authenticates stand before it",
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"the server cannot listen on {host}:{port}: {error.strerror}", hint="another one: --port"
        ) from error


def serve_until(stop: Stop, service: Service, listener: socket.socket) -> None:
    """Answer on *listener* until *stop* is cancelled, which ends the jobs that run."""
    app = create_app(service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_FOR_REPLIES,
        )
    )

    def end() -> None:
        server.should_exit = True
        service.jobs.stop()

    with suppress(Cancelled), stop.ending(end):
        server.run(sockets=[listener])


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
