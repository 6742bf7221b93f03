"""Which receivers are taken: public ones and those that are allowed, whatever an address is written as."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlsql.errors import ConfigError, Refused, RunError, ScriptError
from mlsql.url_targets import MOST_URL, Targets, is_public, read_url, receiver_of

SPECIAL_IPV4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
SPECIAL_IPV6 = [
    "::/127",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


def within(network):
    """The addresses of a network."""
    kind = type(network.network_address)
    return st.integers(int(network[0]), int(network[-1])).map(kind)


SPECIAL = st.one_of(
    *(within(IPv4Network(each)) for each in SPECIAL_IPV4),
)
SPECIAL_SIX = st.one_of(*(within(IPv6Network(each)) for each in SPECIAL_IPV6))
PUBLIC = st.sampled_from(["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700::1111", "2001:4860:4860::8888"])


def spellings(address):
    """All the ways in which programs read an IPv4 address."""
    number, (a, b, c, d) = int(address), address.packed
    return [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.0{b:o}.{c}.{d}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"[::ffff:{address}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[::{address}]",
        f"[::ffff:0:{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        f"[2001:0:{number >> 16:x}:{number & 0xFFFF:x}::1]",
    ]


@given(SPECIAL, st.integers(0, 14), st.sampled_from(["http", "https"]))
def test_no_special_address_passes_in_any_spelling(address, spelling, scheme):
    """Decimal, octal, hexadecimal, shortened, mapped into IPv6, translated, tunnelled."""
    with pytest.raises(ScriptError):  # Refused, or it is no name at all
        Targets().judge(f"{scheme}://{spellings(address)[spelling]}:8080/hook")


@given(SPECIAL_SIX)
@example(IPv6Address("::1"))
@example(IPv6Address("fd00:ec2::254"))
def test_no_special_address_of_ipv6_passes(address):
    """Loopback, local, private, multicast, tunnels, documentation."""
    with pytest.raises(Refused, match="is no public address"):
        Targets().judge(f"http://[{address}]/")


@given(SPECIAL | SPECIAL_SIX, PUBLIC)
def test_a_name_with_one_address_that_is_refused_is_refused(special, public):
    """In whatever order they come."""
    for found in ([public, str(special)], [str(special), public]):
        with pytest.raises(Refused, match="is no public address"):
            Targets(resolve=lambda _host, _port, found=found: found).judge("https://hooks.test/")


@given(PUBLIC)
def test_public_addresses_pass(address):
    """Those that the name resolves to are connected to."""
    target = Targets(resolve=lambda _host, _port: [address]).judge("https://hooks.test/a?b=c#d")
    assert target.addresses == (ip_address(address),)
    assert str(target.url) == "https://hooks.test/a?b=c"
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("allow", "url", "passes"),
    [
        ("127.0.0.1", "http://127.0.0.1:81/", True),
        ("127.0.0.1", "http://0x7f.1/", True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("127.0.0.0/8", "http://127.1.2.3/", True),
        ("127.0.0.1:81", "http://127.0.0.1:81/", True),
        ("127.0.0.1:81", "http://127.0.0.1/", False),
        ("127.0.0.1:443", "https://127.0.0.1/", True),
        ("::1", "http://[::1]/", True),
        ("[::1]:81", "http://[::1]:81/", True),
        ("[::1]:81", "http://[::1]:82/", False),
        ("Hooks.Internal", "http://hooks.internal./", True),
        ("hooks.internal", "http://other.hooks.internal/", False),
        ("hooks.internal:81", "http://hooks.internal:81/", True),
        ("hooks.internal:81", "http://hooks.internal/", False),
        ("10.0.0.0/8", "http://hooks.internal/", True),
    ],
)
def test_what_is_allowed_passes(allow, url, passes):
    """An address, a network, a host, and each with a port; nothing beside it."""

    def resolve(host, port):
        found = socket.getaddrinfo("10.1.2.3" if "internal" in host else host, port)
        return [each[4][0] for each in found]

    targets = Targets.read([allow], resolve)
    if passes:
        assert targets.judge(url).addresses
    else:
        with pytest.raises(Refused) as told:
            targets.judge(url)
        assert "callbacks.allow" in told.value.hint


@pytest.mark.parametrize("entry", ["10.0.0.1/8/9", "http://host/", "", "host:name", "[::1", "a b", "*"])
def test_an_entry_that_cannot_be_read_is_told(entry):
    """As a matter of the operator; a pattern would look as if it worked."""
    with pytest.raises(ConfigError, match=r"callbacks\.allow cannot hold"):
        Targets.read([entry])


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("ftp://8.8.8.8/", Refused),
        ("file:///etc/passwd", Refused),
        ("gopher://8.8.8.8/", Refused),
        ("hooks.test/path", Refused),
        ("http://ann:secret@8.8.8.8/", Refused),
        ("http://127.0.0.1@8.8.8.8/", Refused),
        ("http://8.8.8.8@127.0.0.1/", Refused),
        ("http:///path", ScriptError),
        ("http://8.8.8.8:0/", ScriptError),
        ("http://8.8.8.8:70000/", ScriptError),
        ("http://8.8.8.8\r\nHost: x/", ScriptError),
        ("http://a b/", ScriptError),
        ("http://[fe80::1%25eth0]/", ScriptError),
        ("http://8.8.8.8/" + "x" * MOST_URL, ScriptError),
        ("http://１２７.0.0.1/", ScriptError),
    ],
)
def test_what_is_no_url_of_a_receiver_is_told(url, kind):
    """Other schemes, users in it, what is no host or port, lines."""
    with pytest.raises(kind):
        read_url(url)


def test_a_host_that_is_not_known_is_the_callers_matter_and_a_slow_name_server_is_not():
    """The one is no better later."""

    def failing(number):
        def resolve(_host, _port):
            raise socket.gaierror(number, "so it is")

        return Targets(resolve=resolve)

    with pytest.raises(ScriptError, match="is not known: so it is"):
        failing(socket.EAI_NONAME).judge("http://hooks.test/")
    with pytest.raises(RunError, match="could not be looked up: so it is") as told:
        failing(socket.EAI_AGAIN).judge("http://hooks.test/")
    assert told.value.retriable


@given(
    st.sampled_from(["http", "https"]),
    PUBLIC,
    st.integers(1, 65535),
    st.sampled_from(["", "/", "/a/b?c", "?c"]),
)
def test_the_receiver_is_the_beginning_of_the_url(scheme, address, port, path):
    """So that deliveries to one can be told apart from the others."""
    host = address if ip_address(address).version == IPv4Address(0).version else f"[{address}]"
    url = str(read_url(f"{scheme}://{host}:{port}{path}"))
    assert url.startswith(f"{receiver_of(url)}/")
    assert receiver_of(url) == receiver_of(str(read_url(f"{scheme.upper()}://{host}:{port}/other")))
