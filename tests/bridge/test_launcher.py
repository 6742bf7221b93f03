"""The launcher of local workers."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from mlsql.bridge.control import Door
from mlsql.bridge.forks import ForkedProcess
from mlsql.bridge.launcher import LocalLauncher, fork_servers, worker_environment
from mlsql.bridge.reports import Started, Work
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import builtins
from mlsql.bridge.worker import Job
from mlsql.errors import RunError
from mlsql.models.manifest import Column

COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"))


@pytest.fixture
def job_for(trainers):
    """A function that makes the job for whoever comes to a door."""

    def make(door, **params):
        trainer = "obedient_trainer:Obedient"
        return Job(address=door.address, token=door.token, trainer=trainer, params=params, columns=COLUMNS)

    return make


def test_a_worker_comes_to_its_door_and_ends_with_the_block(job_for, gone):
    """Nothing of it is left, neither process nor folder."""
    with Door() as door, LocalLauncher().launch(job_for(door)) as worker:
        channel = door.admit(30)
        assert isinstance(channel.receive(30), Started)
        assert worker.ended() is None
        folder = worker.log.parent
    channel.close()
    assert gone(worker.process.pid, within=0)
    assert not folder.exists()


def test_a_deaf_worker_is_killed_with_its_children(job_for, arrow_file, tmp_path, gone, signed):
    """After a grace of two seconds."""
    file = arrow_file(x=[1.0], y=[1.0])
    sign = tmp_path / "pids"
    params = {"do": "hang deaf", "sign": str(sign)}
    with Door() as door, LocalLauncher().launch(job_for(door, **params)):
        channel = door.admit(30)
        channel.send(Work(str(file), params=params))
        pids = signed(sign)
    channel.close()
    assert gone(*pids, within=0)


def test_a_worker_that_dies_is_described_with_its_last_lines(job_for):
    """Its exit code and what it wrote."""
    with Door() as door, LocalLauncher().launch(job_for(door, do="die early")) as worker:
        channel = door.admit(30)
        ended = worker.ended(30)
        channel.close()
        assert ended == "ended with exit code 3; its last lines:\ncannot go on"
        assert worker.new_lines() == ["cannot go on"]
        assert worker.new_lines() == []


def test_a_python_that_is_not_there_is_named(job_for):
    """The error says which program is missing."""
    launcher = LocalLauncher(python="/no/such/python")
    with Door() as door, pytest.raises(RunError, match="/no/such/python"), launcher.launch(job_for(door)):
        pass


def test_workers_at_once_share_the_processors(monkeypatch, tmp_path):
    """Every library that starts threads gets the same share, at least one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert worker_environment(tmp_path, beside=3)["OMP_NUM_THREADS"] == "2"
    assert worker_environment(tmp_path, beside=16)["OPENBLAS_NUM_THREADS"] == "1"
    assert worker_environment(tmp_path, beside=1)["LOKY_MAX_CPU_COUNT"] == "8"


def test_a_worker_does_not_inherit_the_way_to_the_jvm(monkeypatch, tmp_path):
    """The secret of the driver's gateway stays with the driver."""
    monkeypatch.setenv("PYSPARK_GATEWAY_SECRET", "x")
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    inherited = worker_environment(tmp_path, beside=1)
    assert not {"PYSPARK_GATEWAY_SECRET", "PYSPARK_GATEWAY_PORT"} & set(inherited)


def test_an_environment_of_ones_own_is_added(job_for):
    """What the launcher is given goes before what is inherited."""
    launcher = LocalLauncher(environment={"MLSQL_SAID": "by the launcher", "OMP_NUM_THREADS": "7"})
    with Door() as door, launcher.launch(job_for(door)) as worker:
        channel = door.admit(30)  # now it is the worker, not what starts it; it ends with its channel
        environment = Path(f"/proc/{worker.process.pid}/environ").read_text().split("\0")
        channel.close()
    assert {"MLSQL_SAID=by the launcher", "OMP_NUM_THREADS=7"} <= set(environment)


def test_every_library_is_imported_once_for_all_workers_of_its_trainers():
    """Networks share one process; code of users is forked from none."""
    trainers, servers = builtins(), fork_servers()
    classes = {name: _class_of(trainers.get(name)) for name in trainers}
    assert {name for name, each in classes.items() if each not in servers} == {"PythonAlg"}
    assert len({id(servers[each]) for name, each in classes.items() if name != "PythonAlg"}) == 2


def _class_of(trainer):
    return f"{type(trainer).__module__}:{type(trainer).__qualname__}"


def test_workers_of_scikit_learn_are_forked_from_one_process(gone):
    """It ends with the launcher; a worker with an environment of its own is no fork."""
    job = Job(
        address=("127.0.0.1", 9),
        token="x",
        trainer="mlsql.bridge.trainers.sklearn:SKLearn",
        params={"alg": "LinearRegression"},
        columns=COLUMNS,
    )
    launcher = LocalLauncher()
    alike = dataclasses.replace(launcher, environment={"MLSQL_SAID": "by the launcher"})
    with launcher.launch(job) as one, launcher.launch(job) as other, alike.launch(job) as apart:
        assert isinstance(one.process.process, ForkedProcess)
        assert isinstance(other.process.process, ForkedProcess)
        assert one.process.process.server is other.process.process.server
        assert isinstance(apart.process.process, subprocess.Popen)
    launcher.close()
    assert gone(one.process.process.server.process.pid)
