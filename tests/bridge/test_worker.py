"""The worker process."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from mlsql.bridge.control import Door, connect
from mlsql.bridge.launcher import worker_environment
from mlsql.bridge.reports import Done, Failed, Judged, Progressed, Reading, Started, Work
from mlsql.bridge.request import Columns, Folds
from mlsql.bridge.worker import Job, WorkerRun, serve
from mlsql.models.manifest import Column
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
    out = str(tmp_path / "out")
    reports, done = _serve(make_job, Work(str(file), str(file), output=out))
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


def test_without_a_table_to_evaluate_on_nothing_is_evaluated(trainers, make_job, arrow_file, tmp_path):
    """There are no metrics then."""
    file = arrow_file(x=[1.0], y=[1.0])
    _, done = _serve(make_job, Work(str(file), output=str(tmp_path / "out")))
    assert done.metrics == {}


def test_a_candidate_that_is_only_judged_is_not_stored(trainers, make_job, arrow_file, tmp_path):
    """On the table that evaluates, or by folds."""
    file = arrow_file(x=[1.0, 2.0, 3.0, 4.0], y=[1.0, 1.0, 1.0, 5.0])
    _, judged = _serve(make_job, Work(str(file), str(file)), kind=Judged)
    assert judged.metrics["mae"] == pytest.approx(1.5)
    reports, judged = _serve(make_job, Work(str(file), folds=Folds(2, 0)), kind=Judged)
    assert judged.metrics["mae"] == pytest.approx(2)
    assert "fold 2 of 2: fitting" in [each.doing for each in reports if isinstance(each, Progressed)]
    assert list(tmp_path.glob("out")) == []


def test_a_stored_model_is_judged_without_fitting(trainers, make_job, arrow_file, tmp_path):
    """On the rows of any table."""
    (tmp_path / "mean").write_text("2.0")
    file = arrow_file(x=[1.0, 2.0], y=[1.0, 5.0])
    _, judged = _serve(make_job, Work(evaluation=str(file), model=str(tmp_path)), kind=Judged)
    assert judged.metrics["mae"] == pytest.approx(2)


def _serve(make_job, work, kind=Done):
    """Everything that a worker in this process reports before it is done, and the last, of *kind*."""
    with Door() as door:
        job = make_job(door)
        with connect(job.address, job.token) as far, door.admit(5) as near:
            near.send(work)
            thread = threading.Thread(target=serve, args=(job, WorkerRun(far), lambda: None))
            thread.start()
            reports = [near.receive(30)]
            while not isinstance(reports[-1], kind):
                reports.append(near.receive(30))
            near.close()
            thread.join(30)
    assert not thread.is_alive()
    return reports[:-1], reports[-1]


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
        channel.send(Work(str(file), params={"do": "raise"}))
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
    params = {"do": "hang deaf", "sign": str(sign)}
    with _worker(make_job, tmp_path, **params) as (_, channel):
        channel.send(Work(str(file), params=params))
        pids = signed(sign)
        channel.close()
        assert gone(*pids, within=5)


def test_a_worker_that_waits_for_data_ends_when_its_driver_goes(trainers, make_job, tmp_path, gone):
    """The end of the channel is the end of the wait."""
    with _worker(make_job, tmp_path) as (process, channel):
        assert isinstance(channel.receive(30), Started)
        channel.close()
        assert gone(process.pid, within=5)
