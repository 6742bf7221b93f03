"""A real server on loopback whose jobs need no Spark, and a connection to it that can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import pyarrow as pa
import pytest

from mlsql.client.client import Client
from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.engine import check_script
from mlsql.errors import DataError
from mlsql.events import Log, Metric, Progress, StatementEnded, StatementStarted, TableShown
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import open_service, result_folders
from mlsql.spans import Script
from mlsql.stop import Stop

SECONDS = 60


@dataclass
class StandIn:
    """``select N …`` keeps N rows; a script with ``wait`` waits for *go*, one with ``fail`` fails."""

    settings: Settings
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job, stop, sink):
        """What was kept."""
        script = Script("<script>", job.submission.script)
        span = script.span(0, len(script.text))
        sink(StatementStarted(1, 1, script.text[:30], span))
        sink(Log("the first line"))
        if "fail" in script.text:
            raise DataError("nothing lies there", hint="look elsewhere").at(script.span(0, 3))
        while "wait" in script.text and not self.go.is_set():
            stop.wait(0.01)
        sink(Progress("publish", "rows", 0.5))
        sink(Metric(0, "f1", 0.75))
        sink(TableShown("candidates", ("alg", "f1"), (("forest", 0.75),)))
        sink(Log("the last line"))
        sink(StatementEnded(1, 1, script.text[:30], 1.5, "a table"))
        if not script.text.startswith("select"):
            return None
        ids = pa.array(range(int(script.text.split()[1])), pa.int64())
        rows = pa.record_batch([ids], ["id"])
        return result_folders(self.settings).keep(job, rows.schema, [rows])

    def check(self, text, **asked):
        """What is wrong with a script."""
        return check_script(
            Script("<script>", text), self.settings, parameters=asked["parameters"], complete=True
        )


@dataclass
class Proxy:
    """A way to the server that can be cut: at once, or when so many bytes of a reply have gone through."""

    port: int
    cut_after: int | None = None
    cuts: int = 0
    connections: list[socket.socket] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self):
        """Where it answers."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self):
        """Take connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.port))
                self.connections += [near, far]
                Thread(target=self.pump, args=(near, far, False), daemon=True).start()
                Thread(target=self.pump, args=(far, near, True), daemon=True).start()

    def pump(self, source, target, is_reply):
        """Carry bytes one way until an end is closed, or until it is cut."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_reply and self.cut_after is not None:
                    data = data[: self.cut_after]
                    self.cut_after -= len(data)
                    if self.cut_after == 0:
                        target.sendall(data)
                        self.cut_after, self.cuts = None, self.cuts + 1
                        break
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        """End it and what goes through it."""
        self.listener.shutdown(socket.SHUT_RDWR)
        for each in (self.listener, *self.connections):
            each.close()


@dataclass
class Server:
    """A running server: its address, the work of its jobs."""

    url: str
    work: StandIn

    @property
    def port(self):
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def jobs(self, **asked):
        """The jobs that it has, the newest first."""
        with Client(self.url) as client:
            return [*client.jobs(**asked)]

    def until(self, is_so):
        """Wait until *is_so*, and give what it gave."""
        deadline = time.monotonic() + SECONDS
        while not (found := is_so()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found


@contextmanager
def answering(settings: Settings, port: int = 0) -> Iterator[Server]:
    """A server in front of stand-in work, which has ended when the block has."""
    stop, work = Stop(), StandIn(settings)
    with (
        open_service(settings, work, work.check) as service,
        listen("127.0.0.1", port) as listener,
    ):
        thread = Thread(target=serve_until, args=(stop, service, listener))
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", work)
        finally:
            work.go.set()
            stop.cancel()
            thread.join(SECONDS)
    assert not thread.is_alive()


def settings_in(folder):
    """Those of a server with its state in *folder*: two jobs at once."""
    return Settings(server=ServerSettings(state=folder / "state"), jobs=JobSettings(concurrency=2))


@pytest.fixture
def settings(tmp_path):
    """Those of a server of the test's own."""
    return settings_in(tmp_path)


@pytest.fixture
def serve():
    """Starts a server with these settings."""
    return answering


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running server, whose jobs do not wait for those of the test before."""
    with answering(settings_in(tmp_path_factory.mktemp("server"))) as server:
        yield server


@pytest.fixture
def proxy(server):
    """A way to it that can be cut."""
    proxy = Proxy(server.port)
    Thread(target=proxy.serve, daemon=True).start()
    yield proxy
    proxy.close()


@pytest.fixture
def client(server):
    """A client of it."""
    with Client(server.url) as client:
        yield client
