"""Where callbacks may go: the addresses behind a URL, judged before anything is sent to one of them.

A caller chooses the URL, and the server stands where the caller does not: beside services that
trust its network. So only public addresses are taken, and those that ``callbacks.allow`` names.
A name is resolved once a try; what is judged is what is connected to.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import httpx

from mlsql.errors import ConfigError, Refused, RunError, ScriptError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""The addresses of a host, for connections to a port; raises OSError."""

MOST_URL = 2000
_SECONDS_FOR_A_NAME = 5.0
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_ALLOWED = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")

_PUBLIC_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are the IPv4 address meant
_SPECIAL: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "168.63.129.16",  # metadata and agents of Azure, at a public address
            "192.0.0.0/24",  # protocol assignments, and metadata of Oracle
            "192.88.99.0/24",  # relays of 6to4
            "2001::/23",  # protocol assignments; Teredo hides an IPv4 address
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4 hides an IPv4 address
            "3ffe::/16",  # the old test network
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether *address* is one of the public internet, also when it is an IPv4 address in disguise.

    >>> is_public(ip_address("8.8.8.8")), is_public(ip_address("::ffff:127.0.0.1"))
    (True, False)
    """
    plain = _plain(address)
    if isinstance(plain, IPv6Address) and plain not in _PUBLIC_IPV6:
        return False
    is_one = plain.is_global and not (plain.is_multicast or plain.is_reserved)
    return is_one and not any(plain in network for network in _SPECIAL)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else *address*."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one entry of ``callbacks.allow`` names: a host or a network, and maybe one port of it."""

    where: str | Network
    port: int | None = None

    @classmethod
    def read(cls, entry: str, setting: str = "callbacks.allow") -> Allowed:
        """The entry as it is written in that setting; raises ConfigError."""
        network = _network(entry)
        if network is not None:
            return cls(network)
        match = _ALLOWED.fullmatch(entry)
        if match is None:
            raise ConfigError(
                f"{setting} cannot hold '{entry}'",
                hint="an address, a network such as 10.0.0.0/8, a host, or host:port",
            )
        host, port = match["ipv6"] or match["host"], match["port"]
        return cls(_network(host) or _name(host), int(port) if port else None)

    def covers(self, host: str, port: int, address: Address) -> bool:
        """Whether *address*, which *host* resolves to, may be connected to at *port*."""
        if self.port not in (None, port):
            return False
        if isinstance(self.where, str):
            return self.where == _name(host)
        return address in self.where or _plain(address) in self.where


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _name(host: str) -> str:
    return host.lower().rstrip(".")


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver, and the addresses that may be connected to, in the order to try."""

    url: httpx.URL
    addresses: tuple[Address, ...]


def resolve_name(host: str, port: int) -> Sequence[str]:
    """The addresses of *host* as the system knows them; raises OSError, also when that takes too long."""
    answer: Future[Sequence[str]] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        else:
            answer.set_result([str(each[4][0]) for each in found])

    threading.Thread(target=ask, name=f"address of {host}", daemon=True).start()
    try:
        return answer.result(_SECONDS_FOR_A_NAME)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "it is no name of a host") from error


@dataclass(frozen=True, slots=True)
class Targets:
    """Judges URLs of callbacks; everything that is not public has to be named in *allow*."""

    allow: tuple[Allowed, ...] = ()
    resolve: Resolver = resolve_name

    @classmethod
    def read(cls, allow: Iterable[str], resolve: Resolver = resolve_name) -> Targets:
        """With the entries of ``callbacks.allow``; raises ConfigError."""
        return cls(tuple(map(Allowed.read, allow)), resolve)

    def judge(self, text: str) -> Target:
        """The receiver at this URL, resolved now; one refused address of it refuses them all.

        Raises ScriptError when there is no such host, Refused, and RunError when it cannot be told now.
        """
        url = read_url(text)
        host, port = url.raw_host.decode(), port_of(url)
        addresses = self._addresses(host, port)
        for address in addresses:
            if not is_public(address) and not any(each.covers(host, port, address) for each in self.allow):
                raise Refused(
                    f"callbacks may not go to '{host}': {address} is no public address",
                    hint="an operator can name it in callbacks.allow",
                )
        return Target(url, addresses)

    def _addresses(self, host: str, port: int) -> tuple[Address, ...]:
        try:
            found = self.resolve(host, port)
        except OSError as error:
            raise _unresolved(host, error) from error
        addresses = tuple(dict.fromkeys(_unmapped(ip_address(each)) for each in found))
        if not addresses:
            raise _unresolved(host, socket.gaierror(socket.EAI_NONAME, "it has no address"))
        return addresses


def read_url(text: str) -> httpx.URL:
    """The URL of a receiver in its normal form; raises ScriptError, and Refused for what is never taken."""
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode()
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ScriptError(f"the callback is no URL: {error}") from error
    if url.scheme not in _PORTS:
        raise Refused(f"a callback goes over http or https, not over '{url.scheme}'")
    if len(text) > MOST_URL or not _HOST.fullmatch(host) or not 0 < port_of(url) < 2**16:
        raise ScriptError(f"the callback is no URL with a host and at most {MOST_URL} characters")
    if url.userinfo:
        raise Refused(
            "a callback's URL may not hold a user or a password", hint="callbackHeader can hold Authorization"
        )
    return url.copy_with(fragment=None, raw_path=url.raw_path)  # which begins with a slash


def port_of(url: httpx.URL) -> int:
    """The port that *url* leads to."""
    return _PORTS[url.scheme] if url.port is None else url.port


def receiver_of(url: str) -> str:
    """Scheme, host and port of a URL in its normal form: who is asked to answer."""
    return "/".join(url.split("/", 3)[:3])


def _unmapped(address: Address) -> Address:
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _unresolved(host: str, error: OSError) -> ScriptError | RunError:
    """Nobody can mend a slow name server by another URL, and time does not mend a wrong one."""
    why = error.strerror or type(error).__name__
    if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
        return ScriptError(f"the host '{host}' of the callback is not known: {why}")
    return RunError(f"the host '{host}' of the callback could not be looked up: {why}", retriable=True)
