"""What looks after a worker on another machine, without Spark: its task is this process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlsql.bridge.control import Door
from mlsql.bridge.foreman import TASK_GONE
from mlsql.bridge.launcher import importing_environment
from mlsql.bridge.reports import Assigned, Ended, Logged, Started
from mlsql.bridge.request import Columns
from mlsql.bridge.worker import Job
from mlsql.models.manifest import Column

COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"))


@pytest.fixture
def employed(trainers):
    """A context manager: a foreman, its channel, the folder that workers share, the door of its worker."""

    @contextmanager
    def start(**params):
        with Door() as door, Door() as worker:
            job = Job(
                address=worker.address,
                token=worker.token,
                trainer="obedient_trainer:Obedient",
                params=params,
                columns=COLUMNS,
                depot=uuid.uuid4().hex,
            )
            command = [sys.executable, "-P", "-m", "mlsql.bridge.foreman"]
            with subprocess.Popen(command, stdin=subprocess.PIPE, env=importing_environment()) as foreman:
                order = {"address": door.address, "token": door.token}
                foreman.stdin.write(json.dumps(order).encode() + b"\n")
                foreman.stdin.flush()
                with door.admit(60) as channel:
                    channel.send(Assigned(job.to_dict(), 1))
                    yield foreman, channel, Path(tempfile.gettempdir()) / f"mlsql-shared-{job.depot}", worker

    return start


def test_a_foreman_passes_on_what_its_worker_printed_and_how_it_ended(employed):
    """Then it ends well, and the folder that workers share is gone."""
    with employed(do="die early") as (foreman, channel, shared, door):
        with door.admit(60):
            said = [channel.receive(60), channel.receive(60)]
        assert foreman.wait(60) == 0
    assert said == [
        Logged("cannot go on"),
        Ended("ended with exit code 3; its last lines:\ncannot go on"),
    ]
    assert not shared.exists()


@pytest.mark.parametrize("gone", ["task", "driver"])
def test_a_worker_ends_when_its_task_or_the_driver_has_gone(employed, gone):
    """The driver is told of a task that was killed; nothing is left of either."""
    with employed() as (foreman, channel, shared, door), door.admit(60) as worker:
        assert isinstance(worker.receive(60), Started)
        assert shared.exists()
        if gone == "task":
            foreman.stdin.close()
            assert channel.receive(60) == Ended(TASK_GONE)
        else:
            channel.close()
        assert foreman.wait(60) == 0
    assert not shared.exists()
