"""A real server on loopback, around an engine that raises what it is told to, or around a real one."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pyarrow as pa
import pytest

from mlsql.config.settings import AuthSettings, JobSettings, ServerSettings, Settings
from mlsql.diagnostics import Diagnostic
from mlsql.engine import check_script
from mlsql.events import Log
from mlsql.jobs.errors import JobConflict
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import engine_service, open_service, result_folders
from mlsql.roles import Role
from mlsql.spans import Script
from mlsql.stop import Stop

SECONDS = 60


@dataclass
class Nobody:
    """The result of a script that made no table."""

    @contextmanager
    def reading(self):
        """Nothing to read."""
        yield None


@dataclass
class Told:
    """An engine without Spark: it keeps what it was asked, and raises *error* when there is one."""

    error: Exception | None = None
    settings: Settings = field(default_factory=Settings)
    spark: Any = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    busy: frozenset[str] = frozenset()
    logged_out: list[str] = field(default_factory=list)

    def log_out(self, owner: str) -> None:
        """Keep the owner, unless he is busy."""
        if owner in self.busy:
            raise JobConflict("busy")
        self.logged_out.append(owner)

    def close_idle(self) -> None:
        """There are no sessions."""

    def run(self, text: str, **request: Any) -> Nobody:
        """Keep the request."""
        self.asked.append({"text": text, **request})
        if self.error is not None:
            raise self.error
        return Nobody()

    def check(self, text: str, **request: Any) -> tuple[Diagnostic, ...]:
        """What an engine finds; the request is kept."""
        self.asked.append({"text": text, **request})
        return check_script(
            Script("<script>", text), self.settings, parameters=request["parameters"], complete=True
        )


@contextmanager
def served(engine, **jobs: Any) -> Iterator[httpx.Client]:
    """A client of a server around *engine*, with a state of its own and these settings of jobs."""
    settings = engine.settings
    with tempfile.TemporaryDirectory() as folder:
        server = replace(settings.server, state=Path(folder))
        engine.settings = replace(settings, server=server, jobs=replace(settings.jobs, **jobs))
        try:
            with engine_service(engine) as service, answering(service) as client:
                yield client
        finally:
            engine.settings = settings


@dataclass
class Guarded:
    """A server that asks for tokens; ``wait`` in a script waits until *go*, each leaves a log and a row."""

    settings: Settings
    go: threading.Event = field(default_factory=threading.Event)
    service: Any = None
    http: Any = None

    def __call__(self, job, stop, sink):
        """What was kept."""
        sink(Log(f"said by {job.owner}"))
        while "wait" in job.submission.script and not self.go.is_set():
            stop.wait(0.01)
        rows = pa.record_batch([pa.array([job.owner])], ["who"])
        return result_folders(self.settings).keep(job, rows.schema, [rows])

    def check(self, _text: str, **_asked: Any) -> tuple[Diagnostic, ...]:
        """Nothing is wrong."""
        return ()

    def token(self, owner: str, role: Role = Role.ANALYST, lasts: float | None = None) -> str:
        """A new token."""
        return self.service.tokens.create(owner, role, lasts=lasts)

    @contextmanager
    def client(self, owner: str, role: Role = Role.ANALYST) -> Iterator[httpx.Client]:
        """A client that carries a token."""
        headers = {"Authorization": f"Bearer {self.token(owner, role)}"}
        with httpx.Client(base_url=self.http.base_url, timeout=SECONDS, headers=headers) as client:
            yield client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server of the module that asks for tokens."""
    server, auth = ServerSettings(state=tmp_path_factory.mktemp("state")), AuthSettings(mode="token")
    guarded = Guarded(Settings(server=server, auth=auth, jobs=JobSettings(concurrency=4)))
    with open_service(guarded.settings, guarded, guarded.check) as guarded.service:
        with answering(guarded.service) as guarded.http:
            yield guarded
        guarded.go.set()


@contextmanager
def answering(service) -> Iterator[httpx.Client]:
    """A client of a server on a free port, which has ended when the block has."""
    stop = Stop()
    with listen("127.0.0.1", 0) as listener:
        thread = Thread(target=serve_until, args=(stop, service, listener))
        thread.start()
        try:
            with httpx.Client(
                base_url=f"http://localhost:{listener.getsockname()[1]}", timeout=SECONDS
            ) as client:
                yield client
        finally:
            stop.cancel()
            thread.join(SECONDS)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def client_of():
    """Starts a server around an engine and gives a client of it."""
    with ExitStack() as servers:
        yield lambda engine: servers.enter_context(served(engine))


@pytest.fixture(scope="session")
def client_of_service():
    """Starts a server in front of a service, as a context that gives a client of it."""
    return answering


@pytest.fixture
def told():
    """The engine that the client talks to."""
    return Told()


@pytest.fixture
def client(told):
    """A program on this machine."""
    with served(told) as client:
        yield client


@pytest.fixture
def client_of_error(client_of):
    """A client of a server whose every script ends with an error."""
    return lambda error: client_of(Told(error))
