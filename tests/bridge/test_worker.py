"""The worker process."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from mlsql.bridge.control import Done, Door, Failed, Progressed, Reading, Started, Work, connect
from mlsql.bridge.launcher import worker_environment
from mlsql.bridge.request import Columns
from mlsql.bridge.worker import Job, WorkerRun, do
from mlsql.models import Column
from mlsql.processes import start_process

COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"))


@pytest.fixture
def make_job(tmp_path):
    """A function that makes a job for the worker who comes to a door."""

    def make(door, **params):
        return Job(
            address=door.address,
            token=door.token,
            trainer="obedient_trainer:Obedient",
            params=params,
            columns=COLUMNS,
            output=str(tmp_path / "out"),
        )

    return make


def test_a_job_is_read_as_it_was_written(tmp_path, make_job):
    """The file of a job holds all of it."""
    with Door() as door:
        job = make_job(door, alg="Ridge", alpha="1")
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job


def test_the_file_of_a_job_is_for_its_owner_alone(tmp_path, make_job):
    """It holds a token, so its mode is 0600, and no other file is overwritten."""
    file = tmp_path / "job.json"
    with Door() as door:
        job = make_job(door)
    job.write(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        job.write(file)


def test_our_modules_in_a_worker_import_no_spark_and_no_http():
    """And no library before a trainer is told to prepare."""
    program = (
        "import sys, json\n"
        "import mlsql.bridge.worker, mlsql.bridge.trainers.sklearn, mlsql.bridge.evaluation\n"
        "print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))\n"
        "import mlsql.bridge.dataset\n"
        "mlsql.bridge.trainers.sklearn.TRAINER.prepare({'alg': 'Ridge'})\n"
        "print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    first, ready = (set(json.loads(line)) for line in done.stdout.splitlines())
    assert not first & {"pyspark", "fastapi", "lark", "mlflow", "sklearn", "numpy", "pyarrow"}
    assert not ready & {"pyspark", "fastapi", "lark", "mlflow", "py4j"}
    assert "sklearn" in ready


def test_a_job_is_done_from_start_to_end(trainers, make_job, arrow_file, tmp_path):
    """The worker reports what it does and what came of it, and stores the model."""
    file = arrow_file(x=[1.0, 2.0, 3.0], y=[1.0, 2.0, 6.0])
    reports, done = _do(make_job, {}, Work(str(file), str(file)))
    kinds = [type(report) for report in reports]
    assert kinds[:2] == [Started, Reading]
    assert [report.doing for report in reports if isinstance(report, Progressed)] == [
        "fitting",
        "half way",
        "evaluating",
        "storing",
    ]
    assert done.metrics["mae"] == pytest.approx(2.0)
    assert (tmp_path / "out" / "mean").read_text() == "3.0"


def test_without_a_table_to_evaluate_on_nothing_is_evaluated(trainers, make_job, arrow_file):
    """There are no metrics then."""
    file = arrow_file(x=[1.0], y=[1.0])
    _, done = _do(make_job, {}, Work(str(file)))
    assert done.metrics == {}


def _do(make_job, params, work):
    """Everything that a worker in this process reports before it is done, and the end."""
    with Door() as door:
        job = make_job(door, **params)
        result = []
        with connect(job.address, job.token) as far, door.admit(5) as near:
            near.send(work)
            thread = threading.Thread(target=lambda: result.append(do(job, WorkerRun(far), lambda: None)))
            thread.start()
            thread.join(30)
            reports = list(iter(lambda: near.receive(0.1), None))
    assert isinstance(result[0], Done)
    return reports, result[0]


@contextmanager
def _worker(make_job, folder, **params):
    """A worker process and the driver's end of its channel."""
    with Door() as door:
        make_job(door, **params).write(folder / "job.json")
        command = [sys.executable, "-P", "-m", "mlsql.bridge.worker", "--job", str(folder / "job.json")]
        with start_process(command, environment=worker_environment(folder, beside=1)) as process:
            channel = door.admit(30)
            assert channel is not None
            with channel:
                yield process, channel


def test_what_a_fit_raises_is_reported(trainers, make_job, arrow_file, tmp_path):
    """The last report says type, message and traceback; the process ends well."""
    file = arrow_file(x=[1.0], y=[1.0])
    with _worker(make_job, tmp_path, do="raise") as (process, channel):
        channel.send(Work(str(file)))
        failed = next(
            report for report in iter(lambda: channel.receive(30), None) if isinstance(report, Failed)
        )
        assert (failed.type, failed.message) == ("ValueError", "no fit today")
        assert "obedient_trainer.py" in failed.traceback
        assert process.wait(10) == 0


def test_a_worker_ends_when_its_driver_goes(trainers, make_job, arrow_file, tmp_path, gone, signed):
    """Also in the middle of a fit that is deaf to SIGTERM, and with its children."""
    file = arrow_file(x=[1.0], y=[1.0])
    sign = tmp_path / "pids"
    with _worker(make_job, tmp_path, do="hang deaf", sign=str(sign)) as (_, channel):
        channel.send(Work(str(file)))
        pids = signed(sign)
        channel.close()
        assert gone(*pids, within=5)


def test_a_worker_that_waits_for_data_ends_when_its_driver_goes(trainers, make_job, tmp_path, gone):
    """The end of the channel is the end of the wait."""
    with _worker(make_job, tmp_path) as (process, channel):
        assert isinstance(channel.receive(30), Started)
        channel.close()
        assert gone(process.pid, within=5)
