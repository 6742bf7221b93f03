"""A real server on loopback, around an engine that raises what it is told to, or around a real one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from mlsql.diagnostics import Diagnostic
from mlsql.engine import check_script
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import engine_service
from mlsql.settings import Settings
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


@pytest.fixture
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
