"""The address that the server listens on, and whether callers have to show a token there."""

from __future__ import annotations

import ipaddress
import socket

from mlsql.config.settings import Settings
from mlsql.errors import ConfigError


def asks_for_tokens(settings: Settings) -> bool:
    """Whether each request needs a token: as ``auth.mode`` says, by default beyond loopback."""
    if settings.auth.mode == "auto":
        return not is_loopback(address_of(settings.server.host))
    return settings.auth.mode == "token"


def address_of(host: str) -> str:
    """The address that *host* stands for, which may be a name."""
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"'{host}' is no address of this machine",
            hint="server.host is an address, or a name that has one",
        ) from error


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches *address*."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
