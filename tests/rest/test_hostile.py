"""Requests that mean harm: each is answered or dropped, and a client that means well is served meanwhile."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.engine import check_script
from mlsql.rest.service import open_service
from mlsql.spans import Script
from tests.rest.conftest import answering

JOBS = "/api/v1/jobs"
SECONDS = 60
PROMPT = 2.0
"""How long a request may take here."""
LIMIT = 2**20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that is less patient than usual."""
    state = tmp_path_factory.mktemp("hostile") / "state"
    chosen = Settings(
        server=ServerSettings(state=state, request_time=PROMPT, body_limit=LIMIT),
        jobs=JobSettings(concurrency=2, queue=100_000),
    )

    def check(text, **asked):
        return check_script(Script("<script>", text), chosen, parameters=asked["parameters"], complete=True)

    with open_service(chosen, lambda *_: None, check) as service, answering(service) as client:
        yield Server(client.base_url.port)


@dataclass
class Server:
    """Where it answers."""

    port: int

    @contextmanager
    def raw(self):
        """A connection without any manners."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            yield connection

    def reply(self, request):
        """What comes back to *request* until the connection is closed; empty when it is dropped."""
        with self.raw() as connection:
            try:
                connection.sendall(request)
                return b"".join(iter(lambda: connection.recv(65536), b""))
            except ConnectionError:
                return b""

    def status(self, request):
        """The status of the reply, None of a connection that was dropped."""
        reply = self.reply(request)
        return int(reply.split(b" ", 2)[1]) if reply else None


@dataclass
class Friend:
    """A client that submits and looks up all the while, and has to succeed each time."""

    port: int
    replies: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def work(self):
        """Until it is over."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=SECONDS) as client:
            while not self.over.is_set():
                reply = client.post(JOBS, json={"script": "set a=1;"})
                self.replies.append(reply.status_code)
                self.replies.append(client.get(f"{JOBS}/{reply.json()['id']}").status_code)
                self.over.wait(0.05)


@pytest.fixture(autouse=True)
def friend(server):
    """Someone who means well, served before, while and after each of the tests."""
    friend = Friend(server.port)
    thread = threading.Thread(target=friend.work)
    thread.start()
    yield friend
    served = len(friend.replies)
    until(lambda: len(friend.replies) >= served + 2)
    friend.over.set()
    thread.join(SECONDS)
    assert set(friend.replies) <= {200, 202}


def until(is_so):
    """Wait until *is_so*."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def post(body, path=JOBS, kind="application/json", *headers):
    """A request as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {kind}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def get(path, *headers):
    """A request as bytes, the path as it is."""
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


FORM = "application/x-www-form-urlencoded"
HUGE = {
    "a body beyond the limit": (post(b'{"script": "' + b"x" * 2 * LIMIT + b'"}'), {413, None}),
    "a length that is a lie": (
        post(b"{}", JOBS, "application/json", f"X: {2**60}").replace(b": 2\r", b": 99999999999\r"),
        {413},
    ),
    "a long URL": (get(b"/" + b"a" * LIMIT), {400, None}),
    "a long query": (get(b"/api/v1/jobs?name=" + b"a" * LIMIT), {400, None}),
    "long headers": (get(b"/health/liveness", b"X-A: " + b"a" * LIMIT), {400, None}),
    "many headers": (get(b"/health/liveness", *[b"X-%d: a" % n for n in range(20_000)]), {400, None}),
    "deep JSON": (post(b"[" * 500_000), {400}),
    "a deep field": (
        post(b'{"script": "set a=1;", "parameters": {"a":' + b"[" * 900 + b"]" * 900 + b"}}"),
        {202, 400},
    ),
    "deep rows": (
        post(b'{"sql": "select 1 as a", "data": ' + b"[" * 900 + b"]" * 900 + b"}", "/model/predict"),
        {400},
    ),
    "a huge number": (post(b'{"script": "set a=1;", "timeout": 1' + b"0" * 10_000 + b"}"), {400}),
    "a number beyond doubles": (post(b'{"script": "set a=1;", "priority": 1e999999}'), {400}),
    "many fields": (post(json.dumps(dict.fromkeys(map(str, range(60_000)))).encode()), {400}),
    "many fields of a form": (
        post(b"&".join(b"a%d=1" % n for n in range(60_000)), "/run/script", FORM),
        {400, None},
    ),
    "a repeated field": (post(b"sql=set+a%3D1&" * 60_000, "/run/script", FORM), {400, None}),
}
MALFORMED = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n", {400, None}),
    "no version": (b"GET /\r\n\r\n", {400, None}),
    "two lengths": (post(b"{}", JOBS, "application/json", "Content-Length: 3"), {400, None}),
    "a length and chunks": (
        post(b"0\r\n\r\n", JOBS, "application/json", "Transfer-Encoding: chunked"),
        {400, None},
    ),
    "a negative length": (post(b"{}").replace(b"Content-Length: 2", b"Content-Length: -2"), {400, None}),
    "chunks that are none": (
        post(b"zz\r\n{}\r\n0\r\n\r\n").replace(b"Content-Length: 15", b"Transfer-Encoding: chunked"),
        {400, None},
    ),
    "a line break in a header": (get(b"/health/liveness", b"X-A: b\r\n\x00: c"), {400, None}),
    "a path that is no UTF-8": (get(b"/api/v1/jobs/%ff%fe"), {404}),
    "a raw byte in the path": (get(b"/api/v1/jobs/\xff"), {400, None}),
    "NUL in an id": (get(b"/api/v1/jobs/a%00b"), {404}),
    "NUL in a script": (post(b'{"script": "set a=\'\\u0000\';"}'), {400}),
    "a query that is no UTF-8": (get(b"/api/v1/jobs?name=%ff%fe"), {200, 400}),
    "a body that is no UTF-8": (post(b'{"script": "\xff\xfe"}'), {400}),
    "a form that is no UTF-8": (post(b"sql=%ff%fe", "/run/script", FORM), {200, 400}),
    "half a multipart": (
        post(
            b"--x\r\nContent-Disposition: form-data; name=", "/run/script", "multipart/form-data; boundary=x"
        ),
        {400},
    ),
    "a multipart without a boundary": (post(b"abc", "/run/script", "multipart/form-data"), {400}),
    "a body that is packed": (
        post(b"\x1f\x8b\x08\x00" + b"\x00" * 100, JOBS, "application/json", "Content-Encoding: gzip"),
        {400},
    ),
    "another protocol": (
        get(b"/health/liveness", b"Upgrade: websocket", b"Connection: Upgrade"),
        {200, 400, None},
    ),
    "an unknown method": (get(b"/health/liveness").replace(b"GET", b"BREW"), {400, 405}),
    "an absolute target": (get(b"http://evil.example/api/v1/jobs"), {400, 403, 404, None}),
}


@pytest.mark.parametrize("requests", [HUGE, MALFORMED], ids=["huge", "malformed"])
def test_what_is_huge_or_malformed_is_refused_or_dropped(server, requests):
    """Never a 500, never a wait without end."""
    statuses = {name: server.status(request) for name, (request, _) in requests.items()}
    assert {name: each for name, each in statuses.items() if each not in requests[name][1]} == {}


def test_a_request_that_drips_is_dropped(server):
    """Its headers or its body, a byte now and then."""
    head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    begun = (
        b"GET / HT",
        head,
        head + b"Content-Length: 1000\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n",
    )
    with ExitStack() as opened:
        connections = [opened.enter_context(server.raw()) for _ in begun]
        for connection, start in zip(connections, begun, strict=True):
            connection.sendall(start)
            connection.settimeout(PROMPT / 20)
        for each in connections:
            until(partial(is_dropped, each))


def is_dropped(connection):
    """Whether the connection is closed on one who sends another byte."""
    try:
        connection.sendall(b"1")
        return not connection.recv(65536)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_who_says_nothing_is_dropped(server):
    """After as long as a request may take, and so is who has said something before."""
    with server.raw() as silent, server.raw() as once:
        once.sendall(b"GET /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in once.recv(65536)
        for each in (silent, once):
            with suppress(ConnectionError):
                while each.recv(65536):  # the rest of the reply
                    pass


def test_who_half_closes_gets_an_answer_and_who_leaves_none(server):
    """Nothing is kept of one who went in the middle of a body."""
    with server.raw() as half:
        half.sendall(get(b"/health/liveness"))
        half.shutdown(socket.SHUT_WR)
        reply = b"".join(iter(lambda: half.recv(65536), b""))
        assert reply == b"" or b"200 OK" in reply
    for _ in range(20):
        with server.raw() as gone:
            gone.sendall(post(b"{" + b" " * 1000)[:-500])
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not closed


def test_who_does_not_read_is_dropped(server, friend):
    """A hundred requests for a large reply, none of which is taken."""
    until(lambda: len(friend.replies) > 20)
    with server.raw() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lines = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.settimeout(PROMPT / 10)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                connection.sendall(lines * 100)
            except TimeoutError:
                assert time.monotonic() < deadline
            except ConnectionError:
                return


def test_requests_behind_each_other_are_answered_in_order(server):
    """Twenty at once on one connection."""
    paths = [f"{JOBS}/{number}" for number in range(20)]
    lines = "".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths)
    with server.raw() as connection:
        connection.sendall(lines.encode())
        reply = b""
        while reply.count(b"UnknownJob") < 2 * len(paths):
            reply += connection.recv(65536)
    told = [reply.index(f"'{number}'".encode()) for number in range(20)]
    assert told == sorted(told)


def test_a_thousand_connections_keep_nobody_out(server, friend):
    """Those that say nothing make room for those that do."""
    with ExitStack() as opened:
        for _ in range(1000):
            try:
                opened.enter_context(server.raw()).send(b"G")
            except OSError:
                continue
        served = len(friend.replies)
        until(lambda: len(friend.replies) >= served + 6)
