"""The service: submits, look-ups and lists with a stand-in for Spark, and a round trip with Spark."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from statistics import mean
from threading import Thread
from typing import Any

import mlsql
from mlsql.check.checker import Checker, scope_without_spark
from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.diagnostics import Diagnostic
from mlsql.dialect import MLSQL
from mlsql.engine import Engine
from mlsql.events import Sink
from mlsql.jobs.states import Job
from mlsql.policy.policy import Policy
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import engine_service, open_service, service_settings
from mlsql.spans import Script
from mlsql.stop import Stop

from .measures import Measure, alternated
from .processes import processes_seconds

_ROOT = Path(__file__).parents[2]
_JOBS = "/api/v1/jobs"
_SCRIPT = "select 1 as one as t;"
_SUBMITS = 300
_CLIENTS = 4
_LISTED = 1000
_STREAMS = 200
_SECONDS = 60


def service() -> Iterator[Measure]:
    """Limits, then a peer."""
    with tempfile.TemporaryDirectory() as folder, _stand_in_server(Path(folder)) as port:
        client = Client(port)
        _times(client.submit, 20)
        yield Measure("submit, p50", _median(client.submit, _SUBMITS), None, 0.01)
        yield Measure(f"a submit of {_CLIENTS} clients at once", _seconds_a_submit(port), None, 1 / 300)
        client = Client(port)  # a connection that was idle for long is closed
        job = client.submit()
        yield Measure("status, p50", _median(lambda: client.get(f"{_JOBS}/{job}"), _SUBMITS), None, 0.005)
        listed = _median(lambda: client.get(f"{_JOBS}?state=queued&limit={_LISTED}"), 20)
        yield Measure(f"{_LISTED:,} queued jobs listed, p50", listed, None, 0.05)
        with _streams(port, job):
            beside = _median(lambda: client.get(f"{_JOBS}/{job}"), _SUBMITS)
        yield Measure(f"status beside {_STREAMS} idle event streams, p50", beside, None, 0.005)
    yield from _round_trip()


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)

    def submit(self) -> str:
        """The id of a new job."""
        made: str = self._post(_JOBS, {"script": _SCRIPT})["id"]
        return made

    def run(self) -> list[dict[str, int]]:
        """The rows of a script."""
        rows: list[dict[str, int]] = self._post("/run/script", {"sql": _SCRIPT})
        return rows

    def get(self, path: str) -> Any:
        """What is at *path*."""
        self._connection.request("GET", path)
        return self._reply()

    def stream(self, path: str) -> HTTPResponse:
        """A reply whose body goes on."""
        self._connection.request("GET", path)
        return self._connection.getresponse()

    def _post(self, path: str, body: object) -> Any:
        self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return self._reply()

    def _reply(self) -> Any:
        reply = self._connection.getresponse()
        body = json.loads(reply.read())
        if reply.status not in (200, 202):
            raise RuntimeError(f"{reply.status}: {body}")
        return body


def serve_stand_in(state: Path) -> None:
    """Answer as a server does whose one running job never ends; print the port."""
    server = ServerSettings(state=state, requests=2 * _STREAMS)
    settings = Settings(server=server, jobs=JobSettings(concurrency=1, queue=100_000))

    def wait(_job: Job, stop: Stop, _sink: Sink) -> None:
        stop.wait(3600)

    checker = Checker.from_settings(settings)

    def check(text: str, **_: object) -> tuple[Diagnostic, ...]:
        return checker.check(Script("<script>", text), scope_without_spark({}, MLSQL), Policy())

    with open_service(settings, wait, check) as opened, listen("127.0.0.1", 0) as listener:
        print(listener.getsockname()[1], flush=True)
        serve_until(Stop(), opened, listener)


@contextmanager
def _stand_in_server(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "scripts.benches.service", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def _streams(port: int, job: str) -> Iterator[None]:
    with ExitStack() as opened:
        for _ in range(_STREAMS):
            reply = Client(port).stream(f"{_JOBS}/{job}/events")
            opened.callback(reply.close)
            reply.readline()
        yield


def _seconds_a_submit(port: int) -> float:
    """The seconds that pass between two submits while several clients submit as fast as they can."""
    each = _SUBMITS // 2
    begun = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(lambda _: _times(Client(port).submit, each), range(_CLIENTS)))
    return (time.perf_counter() - begun) / (each * _CLIENTS)


def _times(run: Callable[[], object], count: int) -> list[float]:
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return times


def _median(run: Callable[[], object], count: int) -> float:
    return sorted(_times(run, count))[count // 2]


def _round_trip() -> Iterator[Measure]:
    """``select 1`` over HTTP, as `mlsql serve` runs it, and by hand, on the same Spark."""
    settings = Settings(spark={"spark.master": "local[2]"})
    with tempfile.TemporaryDirectory() as folder:
        settings = service_settings(replace(settings, server=ServerSettings(state=Path(folder))))
        with mlsql.Engine.local(settings) as engine, _served(engine) as port:
            client, spark = Client(port), engine.spark

            def by_hand() -> None:
                spark.sql("select 1 as one").collect()

            name = "select 1 over HTTP, against spark.sql and collect"
            ours, peer = alternated(client.run, by_hand, repeats=101, warm_ups=60)
            yield Measure(name, ours, peer, 1.3)
            turns = [(_processor(Client(port).run), _processor(by_hand)) for _ in range(4)]
            ours, peer = map(mean, zip(*turns, strict=True))
            yield Measure(f"{name}, processor", ours, peer, 1.3)


def _processor(run: Callable[[], object], count: int = 30) -> float:
    """Seconds of the processor that *run* takes, of all processes together."""
    burnt = processes_seconds()
    _times(run, count)
    return (processes_seconds() - burnt) / count


@contextmanager
def _served(engine: Engine) -> Iterator[int]:
    stop = Stop()
    with engine_service(engine) as opened, listen("127.0.0.1", 0) as listener:
        thread = Thread(target=serve_until, args=(stop, opened, listener))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.cancel()
            thread.join(_SECONDS)


if __name__ == "__main__":  # the server that is measured
    serve_stand_in(Path(sys.argv[1]))
