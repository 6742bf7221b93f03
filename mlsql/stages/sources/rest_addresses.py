"""Where ``rest`` may ask: at the machine anywhere; where owners are apart, public addresses.

A script chooses the address, and the server stands where its author does not. So a name is resolved
once a request, each of its addresses is judged, and one of these is connected to.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx

from mlsql.errors import Refused, RunError, ScriptError
from mlsql.url_targets import Allowed, Resolver, is_public, port_of, resolve_name

_SETTING = "sources.hosts"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Judges URLs; *allowed* is what besides the public internet may be asked, None is anything."""

    allowed: tuple[Allowed, ...] | None = None
    resolve: Resolver = field(default=resolve_name)

    @classmethod
    def read(cls, hosts: tuple[str, ...] | None) -> Addresses:
        """With the entries of ``sources.hosts``; raises ConfigError."""
        return cls(None if hosts is None else tuple(Allowed.read(each, _SETTING) for each in hosts))

    def judged(self, text: str) -> tuple[httpx.URL, str | None]:
        """The URL, and the very address to connect to; None is whatever its name stands for."""
        url = _read_url(text)
        if self.allowed is None:
            return url, None
        if url.userinfo:
            raise Refused(
                "the address may not hold a user or a password", hint="a header can: header.Authorization"
            )
        host, port = url.raw_host.decode(), port_of(url)
        found = self._addresses(host, port)
        for each in found:
            address = ip_address(each)
            if not is_public(address) and not any(one.covers(host, port, address) for one in self.allowed):
                raise Refused(
                    f"scripts may not ask '{host}': {address} is no public address",
                    hint=f"the setting {_SETTING} names what else they may",
                )
        return url, found[0]

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = list(dict.fromkeys(self.resolve(host, port)))
        except OSError as error:
            raise _unknown(host, error) from error
        if not found:
            raise ScriptError(f"the host '{host}' is not known: it has no address")
        return found


def _read_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ScriptError(f"the path is no address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ScriptError(f"'{text}' is no http address", hint="it begins with http:// or https://")
    return url


def _unknown(host: str, error: OSError) -> ScriptError | RunError:
    why = error.strerror or type(error).__name__
    if error.errno == socket.EAI_NONAME:
        return ScriptError(f"the host '{host}' is not known: {why}")
    return RunError(f"the host '{host}' could not be looked up: {why}", retriable=True)
