"""Where a scorer is reached: at a Unix socket, or on a system without these at a port of loopback.

A socket lets in whom its file's mode lets in: the server's user. A port lets in everybody on the
machine, so there whoever comes has to know a token, which stands beside the port in a file that only
that user can read. Either way a path in a folder names the door.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlsql.errors import RunError

UNIX, TCP = ".sock", ".tcp"
"""How the names of the two kinds end."""
_LOOPBACK = "127.0.0.1"
_MOST_WAITING = 256


def usual_kind() -> str:
    """The kind of doors on this system."""
    return UNIX if hasattr(socket, "AF_UNIX") else TCP


async def listen(path: Path, connection: Callable[[str], asyncio.Protocol]) -> None:
    """Listen at *path*; each *connection* is made with the token that it has to ask for, empty for none."""
    loop = asyncio.get_running_loop()
    if path.suffix == UNIX:
        await loop.create_unix_server(lambda: connection(""), path, backlog=_MOST_WAITING)
        return
    token = secrets.token_hex(32)
    server = await loop.create_server(lambda: connection(token), _LOOPBACK, 0, backlog=_MOST_WAITING)
    _write(path, {"port": server.sockets[0].getsockname()[1], "token": token})


async def connect(path: Path, connection: Callable[[], asyncio.Protocol]) -> tuple[Any, str]:
    """The protocol of an open connection to *path*, and the token to show; OSError when nobody listens."""
    loop = asyncio.get_running_loop()
    if path.suffix == UNIX:
        _, protocol = await loop.create_unix_connection(connection, str(path))
        return protocol, ""
    told = _read(path)
    _, protocol = await loop.create_connection(connection, _LOOPBACK, told["port"])
    return protocol, told["token"]


def connected(path: Path, timeout: float) -> tuple[socket.socket, str]:
    """The same without an event loop: a socket, each of whose waits may take *timeout* seconds."""
    if path.suffix == UNIX:
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(timeout)
        try:
            opened.connect(str(path))
        except OSError:
            opened.close()
            raise
        return opened, ""
    told = _read(path)
    opened = socket.create_connection((_LOOPBACK, told["port"]), timeout)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened, told["token"]


def _write(path: Path, told: Mapping[str, Any]) -> None:
    """Have the file be there at once, for its user alone."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(told, file)
    new.replace(path)


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text()
    try:
        told = json.loads(text)
        return {"port": int(told["port"]), "token": str(told["token"])}
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} tells no port and token of a scorer", retriable=True) from error
