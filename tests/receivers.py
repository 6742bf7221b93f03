"""A real receiver of callbacks on loopback, which keeps what it was told and answers as a test wants."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS = 60
Answer = int | Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Told:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with *answers* in turn, and with the last from then on: a status, or what writes an answer."""

    answers: list[Answer] = field(default_factory=lambda: [200])
    told: list[Told] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep a request, and answer it."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.told.append(Told(handler.path, handler.headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            handler.send_response(answer)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            answer(handler)

    def hold(self, handler: BaseHTTPRequestHandler) -> None:
        """An answer that does not come until the test is over."""
        self.over.wait(SECONDS)
        handler.close_connection = True


@contextmanager
def receiver(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port, until the block ends."""
    told = Receiver(list(answers or (200,)))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """A sender that went away is nothing to tell."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield told
        finally:
            told.over.set()
            server.shutdown()
            thread.join(SECONDS)


def until(is_so: Callable[[], object]) -> None:
    """Wait until *is_so*."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)
