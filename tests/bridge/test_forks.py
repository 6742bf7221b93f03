"""Workers that are forked from a process with the library in it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlsql.bridge.control import Door
from mlsql.bridge.fork_server import Order
from mlsql.bridge.forks import ForkServer
from mlsql.bridge.launcher import importing_environment
from mlsql.bridge.reports import Started, Work
from mlsql.bridge.request import Columns
from mlsql.bridge.worker import Job
from mlsql.errors import RunError
from mlsql.models.manifest import Column
from mlsql.processes import ChildProcess

COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"))


@pytest.fixture
def server(trainers, tmp_path):
    """A server that has imported little."""
    return ForkServer(("mlsql.bridge.dataset",), ("decimal",), importing_environment)


@pytest.fixture
def forked(server, tmp_path):
    """A function that forks a worker which comes to a door; ended with the test."""
    workers = []

    def fork(door, **params):
        folder = tmp_path / f"worker-{len(workers)}"
        folder.mkdir()
        job = Job(
            address=door.address,
            token=door.token,
            trainer="obedient_trainer:Obedient",
            params=params,
            columns=COLUMNS,
            stores=False,
        )
        job.write(folder / "job.json")
        log = folder / "log"
        order = Order(str(folder / "job.json"), str(log), str(folder), dict(os.environ), 1)
        workers.append(ChildProcess(server.fork(order), log))
        return workers[-1]

    yield fork
    for worker in workers:
        worker.end(0)


def test_one_server_forks_many_workers(forked, server, arrow_file, tmp_path):
    """Each is a process of its own, with its own folder, which does its job and ends."""
    file = arrow_file(x=[1.0], y=[1.0])
    pids = []
    for name in ("one", "other"):
        sign = tmp_path / name
        with Door() as door:
            worker = forked(door)
            channel = door.admit(30)
            assert isinstance(channel.receive(30), Started)
            channel.send(Work(str(file), params={"do": "sign", "sign": str(sign)}))
            while type(channel.receive(30)).__name__ != "Judged":
                pass
            channel.close()
        assert worker.wait(30) is not None
        assert int(sign.read_text()) == worker.pid
        pids.append(worker.pid)
    assert len({*pids, server.running.process.pid, os.getpid()}) == 4


def test_a_worker_ends_with_its_channel(forked):
    """As one that was started by itself does."""
    with Door() as door:
        worker = forked(door)
        door.admit(30).close()
    assert worker.wait(30) is not None


def test_how_a_worker_ended_is_known(forked):
    """Its exit code, or the signal that killed it, and what it wrote."""
    with Door() as door:
        died = forked(door, do="die early")
        assert died.wait(30) == 3
        assert died.last_lines() == "cannot go on"
        killed = forked(door)
        channel = door.admit(30)
        os.kill(killed.pid, signal.SIGKILL)
        assert killed.wait(30) == -signal.SIGKILL
        channel.close()


def test_a_deaf_worker_is_killed_with_its_children(forked, arrow_file, tmp_path, gone, signed):
    """It leads a group of its own."""
    file = arrow_file(x=[1.0], y=[1.0])
    sign = tmp_path / "pids"
    with Door() as door:
        worker = forked(door)
        channel = door.admit(30)
        channel.send(Work(str(file), params={"do": "hang deaf", "sign": str(sign)}))
        pids = signed(sign)
        worker.end(0.1)
        channel.close()
    assert gone(*pids, within=10)


def test_a_server_that_was_killed_is_started_anew(forked, server, gone):
    """What it had forked goes on; how that ends is not known, only that it does."""
    with Door() as door:
        first = forked(door)
        channel = door.admit(30)
        server.running.process.kill()
        server.running.process.wait(30)
        assert first.exit_code is None
    with Door() as door:
        second = forked(door)
        door.admit(30).close()
    channel.close()
    assert second.wait(30) is not None
    assert first.wait(30) == 1
    assert gone(first.pid, within=10)


def test_the_server_goes_with_the_object(trainers, tmp_path, gone):
    """And so with the engine that holds it."""
    server = ForkServer((), (), importing_environment)
    server._start()
    pid = server.running.process.pid
    del server
    gc.collect()
    assert gone(pid, within=10)


def test_the_server_ends_with_its_parent(tmp_path, gone):
    """Even when that is killed: its input closes."""
    code = """
import os, signal
from mlsql.bridge.forks import ForkServer
server = ForkServer((), (), lambda: dict(os.environ))
print(server._start().process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert ran.returncode == -signal.SIGKILL
    assert gone(int(ran.stdout), within=30)


def test_a_module_that_is_missing_is_named(tmp_path):
    """In the error of whoever wanted a worker."""
    server = ForkServer(("no_such_module",), (), importing_environment)
    with pytest.raises(RunError, match="No module named 'no_such_module'"):
        server.fork(Order("", "", str(Path.cwd()), {}, 1))
