"""Many owners at once for minutes: errors, the server's memory, and whether each gets the same share.

Every owner has more jobs than can run, and every tenth sends three times as many as the others. The
server is a process of its own: first one whose jobs take 10 ms of a stand-in for Spark, then one with
Spark, where owners are apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pyarrow as pa

import mlsql
from mlsql.check.checker import Checker, scope_without_spark
from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.diagnostics import Diagnostic
from mlsql.dialect import MLSQL
from mlsql.events import Sink
from mlsql.jobs.states import Job, Kept
from mlsql.policy.policy import Policy
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import (
    Service,
    engine_service,
    open_service,
    result_folders,
    service_settings,
)
from mlsql.spans import Script
from mlsql.stop import Stop

from .measures import Figure

_ROOT = Path(__file__).parents[2]
_OWNERS = 50
_SECONDS, _QUICK_SECONDS = 300.0, 30.0
_CALLS, _GREEDY_CALLS, _GREEDY = 2, 6, 10
_WARM_UP = 0.3
_TIMEOUT = 60
_JOB_SECONDS = 0.01


@dataclass
class Load:
    """What a run has shown."""

    seconds: float
    ended: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes of the server, sampled at equal distances."""

    @property
    def fairness(self) -> float:
        """Jain's index of the jobs that ended by owner: 1 when all have the same, 1/n when one has all."""
        counts = list(self.ended.values())
        return sum(counts) ** 2 / (len(counts) * sum(each**2 for each in counts)) if counts else 0.0

    @property
    def growth(self) -> float:
        """How far the memory strays from its median, once the server is warm."""
        warm = sorted(self.memory[int(len(self.memory) * _WARM_UP) :])
        median = warm[len(warm) // 2]
        return max(warm[-1] / median - 1, 1 - warm[0] / median)


def load(*, quick: bool) -> Iterator[Figure]:
    """Limits alone."""
    for name in SERVICES:
        yield from _figures(name, load_run(_QUICK_SECONDS if quick else _SECONDS, service=name))


def _figures(service: str, run: Load) -> Iterator[Figure]:
    told = f"{run.ended.total():,} jobs of {_OWNERS} owners, {run.ended.total() / run.seconds:,.0f} a second"
    yield Figure(f"{service}: errors", len(run.errors), 0, "", told=told)
    told = f"{run.memory[-1] / 1e6:.0f} MB"
    yield Figure(f"{service}: memory strays from its median", run.growth, 0.1, "", told=told)
    told = f"{min(run.ended.values()):,} to {max(run.ended.values()):,} jobs an owner"
    yield Figure(f"{service}: fairness (Jain's index)", run.fairness, 0.95, "", at_least=True, told=told)


def load_run(seconds: float, owners: int = _OWNERS, service: str = "stand-in") -> Load:
    """What so many owners see in so many seconds of one of the :data:`SERVICES`."""
    shown = Load(seconds, Counter({f"owner{number}": 0 for number in range(owners)}))
    with tempfile.TemporaryDirectory() as folder, _server(service, folder) as (process, port):
        over = threading.Event()
        threads = [
            threading.Thread(target=_work, args=(port, owner, over, shown))
            for number, owner in enumerate(shown.ended)
            for _ in range(_CALLS if number % _GREEDY else _GREEDY_CALLS)
        ]
        for each in threads:
            each.start()
        for _ in range(max(10, int(seconds))):
            time.sleep(seconds / max(10, int(seconds)))
            shown.memory.append(_resident(process))
        over.set()
        for each in threads:
            each.join(_TIMEOUT)
    return shown


def serve(service: str, state: Path) -> None:
    """Answer as a server does, with one of the :data:`SERVICES`; print the port."""
    server = ServerSettings(state=state, requests=1000)
    settings = Settings(server=server, jobs=JobSettings(concurrency=4), spark={"spark.master": "local[2]"})
    with SERVICES[service](settings) as opened, listen("127.0.0.1", 0) as listener:
        print(listener.getsockname()[1], flush=True)
        serve_until(Stop(), opened, listener)


@contextmanager
def _stand_in(settings: Settings) -> Iterator[Service]:
    """Jobs take ten milliseconds."""
    results, checker = result_folders(settings), Checker.from_settings(settings)
    rows = pa.record_batch([pa.array([1])], ["one"])

    def work(job: Job, stop: Stop, _sink: Sink) -> Kept:
        stop.wait(_JOB_SECONDS)
        return results.keep(job, rows.schema, [rows])

    def check(text: str, **_: object) -> tuple[Diagnostic, ...]:
        return checker.check(Script("<script>", text), scope_without_spark({}, MLSQL), Policy())

    with open_service(settings, work, check) as opened:
        yield opened


@contextmanager
def _with_spark(settings: Settings) -> Iterator[Service]:
    """As `mlsql serve` does, each owner in a session of his own."""
    with mlsql.Engine.local(service_settings(settings)) as engine, engine_service(engine) as opened:
        yield opened


SERVICES = {"stand-in": _stand_in, "Spark": _with_spark}
"""What stands behind the server."""


def _work(port: int, owner: str, over: threading.Event, shown: Load) -> None:
    """Run one script after the other as *owner*."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    body = json.dumps({"sql": "select 1 as one as t;", "owner": owner})
    while not over.is_set():
        try:
            connection.request("POST", "/run/script", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, HTTPException) as error:
            shown.errors.append(f"{type(error).__name__}: {error}")
            connection.close()
            continue
        if reply.status != 200:  # noqa: PLR2004 -- HTTP's number for well done
            shown.errors.append(f"{reply.status}: {text.decode()}")
        elif not over.is_set():
            shown.ended[owner] += 1


@contextmanager
def _server(service: str, folder: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "scripts.benches.load", service, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def _resident(process: subprocess.Popen[str]) -> int:
    """Bytes of memory that the server has, where the system tells it."""
    pages = Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":  # the server that is measured
    serve(sys.argv[1], Path(sys.argv[2]))
