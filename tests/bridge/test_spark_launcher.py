"""Workers in Spark tasks, whose machine does not see the driver's files; the Spark here is a local one."""

from __future__ import annotations

import dataclasses
import os
import signal
import tempfile
import threading
import uuid
from pathlib import Path

import pytest

from mlsql.bridge import judging, training
from mlsql.bridge.control import Door
from mlsql.bridge.errors import DataFault
from mlsql.bridge.launcher import LocalLauncher
from mlsql.bridge.reports import Started
from mlsql.bridge.request import Candidate, Columns, Equipment, Folds, Selection, TrainingRequest
from mlsql.bridge.spark_launcher import SparkLauncher, open_launcher
from mlsql.bridge.trainer import Trainer
from mlsql.bridge.transports import open_transport
from mlsql.bridge.worker import Job
from mlsql.errors import Cancelled
from mlsql.events import Log
from mlsql.models.manifest import Column
from mlsql.registry import Registry
from mlsql.stop import Stop

COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"))
ROWS = [(1.0, 1.0), (2.0, 2.0), (3.0, 6.0)]


@pytest.fixture(scope="module")
def executors(spark):
    """The suite's Spark, whose executors can import ``obedient_trainer``."""
    spark.sparkContext.addPyFile(str(Path(__file__).with_name("obedient_trainer.py")))
    return spark


@pytest.fixture
def request_for(tmp_path):
    """A function that makes a request with a candidate for each set of parameters."""

    def make(*params, **more):
        return TrainingRequest(
            job=uuid.uuid4().hex,
            trainer="Obedient",
            candidates=tuple(Candidate(index, each) for index, each in enumerate(params)),
            columns=COLUMNS,
            output=tmp_path / "out",
            ordered=True,
            **{"parallelism": 2, "timeout": 120.0} | more,
        )

    return make


@pytest.fixture
def seams(executors, trainers, tmp_path):
    """What a training is given beside its request."""
    from obedient_trainer import Obedient

    known: Registry[Trainer] = Registry("trainer")
    known.add("Obedient", Obedient())
    return {
        "transport": open_transport("spool", folder=str(tmp_path / "spool")),
        "trainers": known,
        "launcher": SparkLauncher(executors),
        "message_bytes": 1_000_000,
        "emit": lambda _: None,
        "stop": Stop(),
    }


@pytest.fixture
def train(executors, seams):
    """A function that trains on rows of (x, y)."""

    def run(request, rows=ROWS, judging=None, **others):
        frames = [each and executors.createDataFrame(each, "x double, y double") for each in (rows, judging)]
        if rows == []:
            frames[0] = executors.createDataFrame([], "x double, y double")
        return training.train(frames[0], request, evaluate=frames[1], **seams | others)

    return run


@pytest.fixture
def nothing_left(executors, tmp_path):
    """A function that says whether folders, streams and Spark tasks of a training are gone."""

    def look(request):
        shared = Path(tempfile.gettempdir()) / f"mlsql-shared-{request.job}"
        busy = executors.sparkContext.statusTracker().getActiveJobsIds()
        return not shared.exists() and list((tmp_path / "spool").glob("*/*/*")) == [] and not busy

    return look


def test_where_workers_run_is_chosen_by_the_setting_and_by_spark(executors):
    """Beside the driver when Spark is there too, unless the setting says otherwise."""
    local = LocalLauncher()
    assert open_launcher("auto", executors, local=local) is local
    assert open_launcher("local", executors, local=local) is local
    site = open_launcher("spark", executors, local=local).site
    assert (site.is_local, site.bind, site.host, site.places) == (False, "127.0.0.1", "127.0.0.1", 2)


def test_a_training_on_executors_is_that_beside_the_driver(train, request_for, tmp_path, nothing_left):
    """Records, checksum, metrics and stored models are the same; the models have come through the channel."""
    params = ({"do": "die"}, {"add": "1"}, {"do": "talk"})
    here, there = (
        dataclasses.replace(request_for(*params), output=tmp_path / name) for name in ("here", "there")
    )
    heard = []
    local = train(here, judging=ROWS, launcher=LocalLauncher())
    report = train(there, judging=ROWS, emit=heard.append)
    assert (report.data, report.evaluation) == (local.data, local.evaluation)
    assert report.data.rows == 3
    outcomes = [
        [(each.status, each.metrics, each.rows) for each in one.candidates] for one in (report, local)
    ]
    assert outcomes[0] == outcomes[1]
    died = report.candidates[0].message
    assert died.startswith("the worker was killed by SIGKILL (out of memory?); its last lines:\n")
    assert died.endswith("\nout of everything")
    assert ", fed at " in report.candidates[1].message
    stored = [
        {file.relative_to(folder): file.read_text() for file in folder.rglob("mean")}
        for folder in (here.output, there.output)
    ]
    assert stored[0] == stored[1] != {}
    assert sorted(path.name for path in there.output.iterdir()) == ["1", "2"]
    assert Log("said to the terminal", candidate=2) in heard
    assert nothing_left(there)


def test_a_fit_goes_on_from_a_model_of_the_driver_and_finds_its_resources(
    train, request_for, seams, executors, tmp_path, nothing_left
):
    """Both travel to the worker; a stored model is judged in the same way."""
    initial, words = tmp_path / "initial", tmp_path / "words.txt"
    initial.mkdir()
    (initial / "mean").write_text("40.0")
    words.write_text("said in a file")
    equipment = Equipment(environment={"MLSQL_SAID": "yes"}, resources={"words": str(words)})
    request = request_for({"do": "report"}, equipment=equipment, initial=initial)
    report = train(request)
    assert [each.status for each in report.candidates] == ["success"], report.candidates[0].message
    told = (request.output / "0" / "report").read_text().splitlines()
    assert told == ["initial 40.0", "said yes", "words said in a file", "threads 1"]

    judged = request_for({})
    frame = executors.createDataFrame(ROWS, "x double, y double")
    assert judging.judge(frame, judged, initial, **seams)["mae"] == pytest.approx(37.0)
    assert nothing_left(request)
    assert nothing_left(judged)


@pytest.mark.parametrize(
    ("tables", "message", "option"),
    [
        (([],), "the table to train on has no rows", None),
        (([(None, 1.0), (2.0, 2.0)],), "the table to train on has nulls in 'x' (1 in 2 rows)", "inputCols"),
        ((ROWS, [(1.0, None)]), "the table to evaluate on has nulls in 'y' (1 in 1 rows)", "evaluateTable"),
    ],
)
def test_what_teaches_nothing_is_refused_before_a_fit(train, request_for, tmp_path, tables, message, option):
    """In the same words as beside the driver."""
    sign = tmp_path / "fitted"
    with pytest.raises(DataFault) as caught:
        train(request_for({"do": "sign", "sign": str(sign)}), *tables)
    assert (caught.value.message, caught.value.option) == (message, option)
    assert not sign.exists()


def test_the_best_is_fitted_again_on_executors(train, request_for, nothing_left):
    """By workers that come after those that judged."""
    request = request_for({}, selection=Selection(metric="mae", folds=Folds(3, 0)))
    report = train(request)
    assert [each.status for each in report.candidates] == ["success"], report.candidates[0].message
    assert [path.name for path in request.output.iterdir()] == ["0"]
    assert nothing_left(request)


def test_a_cancel_ends_worker_task_and_folders(train, request_for, tmp_path, gone, signed, nothing_left):
    """Also one that hangs and does not hear; the run ends as cancelled."""
    sign, stop = tmp_path / "pids", Stop()
    folders = []

    def cancel():
        pid, _ = signed(sign, within=120)
        folders.append(Path(f"/proc/{pid}/cwd").resolve())
        stop.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    request = request_for({"do": "hang deaf", "sign": str(sign)})
    with pytest.raises(Cancelled):
        train(request, stop=stop)
    thread.join(60)
    assert gone(*signed(sign))
    assert not folders[0].exists()
    assert nothing_left(request)


def test_a_worker_whose_task_is_killed_fails_by_name_and_the_others_go_on(
    train, request_for, tmp_path, gone, signed, nothing_left
):
    """The Python process of a task ends with SIGKILL when Spark cancels it: the foreman outlives it."""
    sign = tmp_path / "pid"

    def kill():
        (pid,) = signed(sign, within=120)
        foreman = _parent(pid)
        os.kill(_parent(foreman), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    request = request_for({"do": "hang", "sign": str(sign)}, {"do": "talk"})
    report = train(request)
    thread.join(60)
    failed, good = report.candidates
    assert (failed.status, good.status) == ("fail", "success")
    assert failed.message.startswith("the worker was ended, since its Spark task has gone")
    assert gone(*signed(sign))
    assert nothing_left(request)


def test_a_worker_that_gets_no_slot_leaves_no_task(executors):
    """Its task is cancelled when the block ends before it has begun."""
    with Door() as door, Door() as other:
        jobs = [
            Job(
                address=each.address,
                token=each.token,
                trainer="obedient_trainer:Obedient",
                params={},
                columns=COLUMNS,
                depot=uuid.uuid4().hex,
            )
            for each in (door, other)
        ]
        launcher = SparkLauncher(executors)
        with launcher.launch(jobs[0]) as worker, launcher.launch(jobs[1]):
            channel = None
            while channel is None:
                assert worker.ended() is None
                channel = door.admit(0.1)
            assert isinstance(channel.receive(60), Started)
            channel.close()
    assert not executors.sparkContext.statusTracker().getActiveJobsIds()


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
