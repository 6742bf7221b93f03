"""The application on a socket of this machine, until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import cast

import uvicorn

from mlsql.errors import Cancelled, ConfigError
from mlsql.rest.addresses import address_of, is_loopback
from mlsql.rest.app import create_app
from mlsql.rest.connections import prompt_connections
from mlsql.rest.service import Service
from mlsql.stop import Stop

_SECONDS_FOR_REPLIES = 10


def listen(host: str, port: int, *, anywhere: bool = False) -> socket.socket:
    """A socket that listens on *host* at *port* (0: a free one).

    That must be this machine's loopback, unless the server asks for tokens and so may be *anywhere*.
    """
    address = address_of(host)
    if not (anywhere or is_loopback(address)):
        raise ConfigError(
            f"the server asks nobody who he is, so it cannot listen on '{host}'",
            hint="auth.mode = token asks for tokens; else server.host is 127.0.0.1, ::1 or localhost",
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"the server cannot listen on {host}:{port}: {error.strerror}", hint="another one: --port"
        ) from error
    # Connections inherit it; asyncio sets it only where the protocol is named, and each reply waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve_until(stop: Stop, service: Service, listener: socket.socket) -> None:
    """Answer on *listener* until *stop* is cancelled, which ends the jobs that run."""
    app = create_app(service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            http=cast(type[asyncio.Protocol], prompt_connections(service.settings.server.request_time)),
            log_config=None,
            access_log=service.settings.logging.level == "debug",
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_FOR_REPLIES,
        )
    )

    def end() -> None:
        server.should_exit = True
        service.jobs.stop()

    with suppress(Cancelled), stop.ending(end):
        server.run(sockets=[listener])
