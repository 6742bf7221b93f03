"""Who may send a script, and how long it may be."""

from __future__ import annotations

import socket

import pytest

from mlsql.config.settings import ServerSettings

BODY_LIMIT = ServerSettings().body_limit

SCRIPT = {"sql": "select 1 as one"}


@pytest.mark.parametrize("host", ["localhost", "localhost:9003", "127.0.0.1:80", "[::1]:9003"])
def test_a_host_name_of_this_machine_is_answered(client, host):
    """Any port, for it may be forwarded."""
    assert client.post("/run/script", data=SCRIPT, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:9003", "10.0.0.1", "", "[::1"])
def test_another_host_name_is_refused(client, told, host):
    """A name that was rebound to 127.0.0.1 shows in the Host header, and nothing runs."""
    reply = client.post("/run/script", data=SCRIPT, headers={"Host": host})
    assert (reply.status_code, told.asked) == (403, [])
    assert reply.json()["error"]["kind"] == "Refused"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_is_refused(client, told, headers):
    """A form on any page could post a script here; browsers say where it comes from."""
    reply = client.post("/run/script", data=SCRIPT, headers=headers)
    assert (reply.status_code, told.asked) == (403, [])


def test_a_page_of_this_server_may_send_scripts(client):
    """Its origin is the very host that it calls."""
    headers = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert client.post("/run/script", data=SCRIPT, headers=headers).status_code == 200


@pytest.mark.parametrize("form", ["data", "json"])
def test_a_body_that_is_too_long_is_not_read(client, told, form):
    """It ends with 413 as soon as the limit is passed."""
    reply = client.post("/run/script", **{form: {"sql": "x" * BODY_LIMIT}})
    assert (reply.status_code, told.asked) == (413, [])


def test_a_body_that_is_announced_as_too_long_is_not_waited_for(client):
    """The refusal comes before anything of it."""
    head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {BODY_LIMIT + 1}\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=60) as connection:
        connection.sendall(f"POST /run/script HTTP/1.1\r\n{head}\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["/run/script", "/health/liveness", "/nothing"])
def test_every_reply_has_an_id(client, path):
    """Also that of an error."""
    first, second = (client.get(path).headers["X-Job-Id"] for _ in range(2))
    assert first != second


def test_liveness_needs_no_spark(client, told):
    """It says that the process answers, nothing more."""
    assert client.get("/health/liveness").json() == {"status": "UP"}
    assert told.asked == []
