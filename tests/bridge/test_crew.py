"""The workers of one training, from outside: real processes, a trainer that obeys."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
from datetime import datetime

import pytest

from mlsql.bridge.crew import Crew
from mlsql.bridge.launcher import LocalLauncher
from mlsql.bridge.reports import Work
from mlsql.bridge.request import Candidate, Columns, Folds, Selection, TrainingRequest
from mlsql.errors import Cancelled, TimedOut
from mlsql.events import Log, Metric, Progress
from mlsql.models.manifest import Column
from mlsql.stop import Stop

COLUMNS = Columns("columns", (Column("x", "double"),), Column("y", "double"))


@pytest.fixture
def crew_of(trainers, tmp_path):
    """A function that makes a crew, one worker for each set of parameters."""

    def make(*params, stop=None, emit=None, parallelism=2, timeout=None, selection=None):
        candidates = tuple(Candidate(index, each) for index, each in enumerate(params))
        request = TrainingRequest(
            job="j",
            trainer="Obedient",
            candidates=candidates,
            columns=COLUMNS,
            output=tmp_path / "out",
            parallelism=parallelism,
            timeout=timeout,
            selection=selection,
        )
        heard = (lambda _: None) if emit is None else emit
        return Crew(request, "obedient_trainer:Obedient", LocalLauncher(), heard, stop or Stop())

    return make


@pytest.fixture
def work(arrow_file):
    """Three rows to train on."""
    return Work(str(arrow_file(x=[1.0, 2.0, 3.0], y=[1.0, 2.0, 6.0])))


def _run(crew, work):
    """The outcomes of a crew that has its data from the start."""
    with crew:
        crew.give(work)
        return crew.outcomes()


def test_failures_stand_beside_successes(crew_of, work, tmp_path):
    """Each candidate has its record, in order: status, message, rows; only successes are stored."""
    outcomes = _run(crew_of({"alg": "a"}, {"do": "raise"}, {"do": "die"}, {"do": "die early"}), work)
    good, raised, died, early = (outcome.record for outcome in outcomes)
    assert [outcome.record.status for outcome in outcomes] == ["success", "fail", "fail", "fail"]
    assert (good.algorithm, good.rows) == ("a", 3)
    assert raised.message == "ValueError: no fit today"
    assert (
        died.message
        == "the worker was killed by SIGKILL (out of memory?); its last lines:\nout of everything"
    )
    assert early.message == "the worker ended with exit code 3; its last lines:\ncannot go on"
    assert outcomes[0].done.libraries == {"none": "0"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0"]


def test_what_a_worker_tells_comes_out_as_events_of_its_candidate(crew_of, work):
    """Progress from start to end, log lines, output and metrics."""
    heard = []
    _run(crew_of({"do": "talk"}, emit=heard.append), work)
    doing = [(event.doing, event.share) for event in heard if isinstance(event, Progress)]
    assert doing[0] == ("starting", None)
    assert ("half way", 0.5) in doing
    assert doing[-1] == ("done", 1.0)
    assert {event.what for event in heard if isinstance(event, Progress)} == {"candidate 0"}
    assert Metric(0, "loss", 0.25) in heard
    assert Log("said to the run", candidate=0) in heard
    assert Log("said to the terminal", candidate=0) in heard


def test_times_are_utc_and_begin_with_the_data(crew_of, work):
    """The wait for the data does not count as training."""
    with crew_of({}) as crew:
        time.sleep(1.5)
        given = time.time()
        crew.give(work)
        record = crew.outcomes()[0].record
    started, ended = datetime.fromisoformat(record.started), datetime.fromisoformat(record.ended)
    assert started.utcoffset().total_seconds() == 0
    assert started.timestamp() > given - 0.1
    assert (ended - started).total_seconds() == pytest.approx(record.seconds, abs=0.01)


def test_a_worker_that_hangs_fails_after_its_time(crew_of, work, tmp_path, signed, gone):
    """Only it does: the others go on."""
    sign, ready = tmp_path / "pid", threading.Semaphore(0)
    told = lambda event: ready.release() if getattr(event, "doing", "") == "ready" else None  # noqa: E731
    with crew_of({"do": "hang", "sign": str(sign)}, {}, timeout=6, emit=told) as crew:
        assert all(ready.acquire(timeout=60) for _ in range(2))
        crew.give(work)
        outcomes = crew.outcomes()
    assert outcomes[0].record.message == "the worker did not end within its 6 s"
    assert outcomes[1].record.status == "success"
    assert gone(*signed(sign), within=0)


def test_a_worker_killed_from_outside_is_named(crew_of, work, tmp_path, signed):
    """The signal stands in the message."""
    sign = tmp_path / "pid"
    with crew_of({"do": "hang", "sign": str(sign)}) as crew:
        crew.give(work)
        os.kill(*signed(sign), signal.SIGKILL)
        (outcome,) = crew.outcomes()
    assert outcome.record.message.startswith("the worker was killed by SIGKILL")


def test_a_cancel_in_mid_fit_leaves_nothing(crew_of, work, tmp_path, signed, gone):
    """The run ends at once, no process and no model is left."""
    sign, stop = tmp_path / "pid", Stop()
    threading.Thread(target=lambda: (signed(sign), stop.cancel())).start()
    crew = crew_of({"do": "hang", "sign": str(sign)}, {}, stop=stop)
    with pytest.raises(Cancelled):
        _run(crew, work)
    assert gone(*signed(sign), within=0)
    assert not (tmp_path / "out" / "0").exists()


def test_a_run_that_is_out_of_time_ends_its_workers(crew_of, work, tmp_path, signed, gone):
    """As a cancel does."""
    sign = tmp_path / "pid"
    crew = crew_of({"do": "hang", "sign": str(sign)}, stop=Stop(timeout=4))
    with pytest.raises(TimedOut):
        _run(crew, work)
    assert gone(*signed(sign), within=0)


def test_workers_that_never_get_data_end_with_the_crew(crew_of):
    """When publishing fails, the block is left by its error and nobody waits on."""
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="publishing failed"), crew_of({}, {}, {}):
        raise RuntimeError("publishing failed")
    assert time.monotonic() - start < 10


def test_no_more_workers_than_asked_for_run_at_once(crew_of, work):
    """With a parallelism of one, one starts after the other is done."""
    heard = []
    _run(crew_of({}, {}, parallelism=1, emit=heard.append), work)
    progress = [(event.what, event.doing) for event in heard if isinstance(event, Progress)]
    assert progress.index(("candidate 0", "done")) < progress.index(("candidate 1", "starting"))


def test_a_record_can_be_kept_as_json(crew_of, work):
    """That of a failure too."""
    with crew_of({"do": "raise"}, {}) as crew:
        crew.give(work)
        records = [dataclasses.asdict(outcome.record) for outcome in crew.outcomes()]
    assert [record["metrics"] for record in json.loads(json.dumps(records))] == [{}, {}]


def test_a_worker_takes_candidate_after_candidate(crew_of, work, tmp_path):
    """One process for all of a parallelism of one; after a failure another one goes on."""
    signs = [tmp_path / f"pid{number}" for number in range(4)]
    params = [{"do": "sign", "sign": str(sign)} for sign in signs]
    params.insert(2, {"do": "raise"})
    outcomes = _run(crew_of(*params, parallelism=1), work)
    assert [each.record.status for each in outcomes] == ["success", "success", "fail", "success", "success"]
    first, second, third, fourth = (sign.read_text() for sign in signs)
    assert first == second
    assert third == fourth != first
    assert (tmp_path / "out" / "4" / "mean").read_text() == "3.0"


def test_judged_candidates_are_not_stored(crew_of, work, tmp_path):
    """By folds or on a table that evaluates; they say how much the folds differ."""
    (folded,) = _run(crew_of({}, selection=Selection(folds=Folds(3, 0))), work)
    assert (folded.record.status, folded.done) == ("judged", None)
    assert folded.record.metrics["mae"] > folded.record.deviations["mae"] > 0
    assert f"mae ± {folded.record.deviations['mae']:.4f}" in folded.record.message
    both = dataclasses.replace(work, evaluation=work.training)
    (judged,) = _run(crew_of({}, selection=Selection()), both)
    assert judged.record.metrics["mae"] == pytest.approx(2)
    assert judged.record.deviations == {}
    assert not (tmp_path / "out").exists()


def test_what_the_budget_cuts_off_is_skipped(crew_of, work, tmp_path, signed, gone):
    """Those at work are ended, those behind them never begin; what was judged before stays."""
    sign = tmp_path / "pid"
    hang = {"do": "hang", "sign": str(sign)}
    selection = Selection(folds=Folds(3, 0), budget=3600)
    with crew_of({}, hang, {}, parallelism=1, selection=selection) as crew:
        crew.give(work)
        at_work = signed(sign)
        crew.deadline = time.monotonic()
        judged, cut, left = (each.record for each in crew.outcomes())
    assert (judged.status, cut.status, left.status) == ("judged", "skipped", "skipped")
    assert cut.message.startswith("cut off after ")
    assert left.message == "not begun: the budget was spent"
    assert (left.metrics, left.rows) == ({}, 0)
    assert gone(*at_work, within=0)
