"""Jobs without Spark: what they do is a callable, so each state is reached at will."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import update

from mlsql.database import open_database
from mlsql.errors import Cancelled, RunError, ScriptError, TimedOut
from mlsql.events import Log, Metric, Progress, StatementStarted
from mlsql.jobs.errors import JobConflict, QueueFull, UnknownJob
from mlsql.jobs.events import MOST_EVENTS, EventLog, read_events
from mlsql.jobs.jobs import Jobs
from mlsql.jobs.outbox import DatabaseOutbox
from mlsql.jobs.queue import Limits
from mlsql.jobs.results import ResultFolders
from mlsql.jobs.states import Callback, JobState, Kept, Submission
from mlsql.jobs.store import JobStore, SubmissionKey, _values
from mlsql.jobs.sweeper import Sweeper
from mlsql.jobs.tables import JOBS
from mlsql.spans import Script

SECONDS = 60


def until(is_so):
    """Wait until *is_so* gives something true, and give that."""
    deadline = time.monotonic() + SECONDS
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)
    return found


@dataclass
class Stage:
    """Work that does what the script says, and what a test sees of it."""

    ran: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    cleaning: threading.Event = field(default_factory=threading.Event)
    cleaned: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job, stop, sink):
        """``wait`` until it is let go or stopped, ``stop``, ``fail``, ``bug`` …; anything else succeeds."""
        self.ran.append(job.id)
        match job.submission.script:
            case "wait":
                while not self.go.is_set():
                    stop.wait(0.01)
            case "clean":
                try:
                    stop.wait(SECONDS)
                finally:
                    self.cleaning.set()
                    self.cleaned.wait(SECONDS)
            case "deaf":
                self.go.wait(SECONDS)
            case "stop":
                stop.cancel()
                stop.check()
            case "fail":
                script = Script("<script>", "load x;")
                raise ScriptError("wrong", span=script.span(0, 4), hint="do it right")
            case "bug":
                raise ZeroDivisionError("password=abc")
            case "tell":
                span = Script("<script>", "\nselect 1").span(1, 9)
                sink(StatementStarted(1, 2, "select 1", span))
                sink(Progress("worker 1", "fitting", 0.5))
                sink(Log("the url is jdbc:x://ann:pass@host/db"))
                while not self.go.is_set():
                    stop.wait(0.01)
        return Kept(1, 10)


@pytest.fixture
def stage():
    """The work of the test; whatever it waits for comes at its end."""
    stage = Stage()
    yield stage
    stage.go.set()
    stage.cleaned.set()


@pytest.fixture
def open_jobs(tmp_path, stage):
    """Opens the jobs of one state folder, as a server does that starts; ``with`` it ends."""
    with ExitStack() as engines:

        @contextmanager
        def opened(concurrency=2, queue=100, per_owner=None, **more):
            engine = open_database(None, tmp_path)
            engines.callback(engine.dispose)
            folders = ResultFolders(tmp_path / "jobs", 100, 2**20)
            limits = Limits(concurrency, per_owner or concurrency, queue)
            with Jobs(JobStore(engine), stage, limits, folders, **more) as jobs:
                yield jobs
                stage.go.set()
                stage.cleaned.set()

        yield opened


@pytest.fixture
def jobs(open_jobs):
    """Two at once."""
    with open_jobs() as jobs:
        yield jobs


def asked(script="ok", **more):
    """A submission."""
    return Submission(**{"owner": "ann", "script": script, **more})


def state_of(jobs, job):
    """Where the database has it."""
    return jobs.find(job.id).state


def ended(jobs, job):
    """The job, when it has ended."""
    return until(lambda: found if (found := jobs.find(job.id)).state.is_end else None)


def running(jobs, job):
    """The job, when it runs."""
    return until(lambda: found if (found := jobs.find(job.id)).state is JobState.RUNNING else None)


@pytest.mark.parametrize(
    ("script", "state", "kind"),
    [
        ("ok", JobState.SUCCEEDED, None),
        ("fail", JobState.FAILED, "ScriptError"),
        ("bug", JobState.FAILED, "InternalError"),
    ],
)
def test_a_job_runs_to_its_end(jobs, script, state, kind):
    """Its state, its times in order, and why it failed; the text of our own bug is not told."""
    job = ended(jobs, jobs.submit(asked(script)))
    assert job.state is state
    assert job.submitted <= job.started <= job.ended
    assert (job.error["kind"] if job.error else None) == kind
    assert job.result == (Kept(1, 10) if state is JobState.SUCCEEDED else None)
    assert "abc" not in str(job.error)


def test_an_error_is_kept_with_its_place(jobs):
    """As it is told over HTTP."""
    error = ended(jobs, jobs.submit(asked("fail"))).error
    assert (error["message"], error["line"], error["hint"]) == ("wrong", 1, "do it right")
    assert error["diagnostics"] == [{key: error[key] for key in error if key != "diagnostics"}]


def test_no_more_run_than_may(open_jobs, stage):
    """The others wait."""
    with open_jobs(concurrency=2) as jobs:
        submitted = [jobs.submit(asked("wait")) for _ in range(4)]
        until(lambda: len(stage.ran) == 2)
        states = [state_of(jobs, job) for job in submitted]
        assert sorted(states) == [JobState.QUEUED] * 2 + [JobState.RUNNING] * 2
        stage.go.set()
        assert {ended(jobs, job).state for job in submitted} == {JobState.SUCCEEDED}


def test_a_full_queue_refuses_and_writes_nothing(open_jobs, stage):
    """With the time after which it is worth trying again."""
    with open_jobs(concurrency=1, queue=1) as jobs:
        running(jobs, jobs.submit(asked("wait")))
        jobs.submit(asked("wait"))
        with pytest.raises(QueueFull) as told:
            jobs.submit(asked("wait"))
        assert told.value.retry_after > 0
        assert len(jobs.store.page().jobs) == 2


def test_a_key_gives_the_same_job_even_when_the_queue_is_full(open_jobs):
    """It is there already, and runs once."""
    with open_jobs(concurrency=1, queue=1) as jobs:
        running(jobs, jobs.submit(asked("wait")))
        key = SubmissionKey("k", "body", 3600.0)
        first = jobs.submit(asked("wait"), key=key)
        assert jobs.submit(asked("wait"), key=key).id == first.id


def test_a_name_can_be_asked_to_stand_alone(jobs, stage):
    """Among the active jobs of its owner."""
    first = jobs.submit(asked("wait", name="nightly"), is_only_one=True)
    with pytest.raises(JobConflict, match="nightly"):
        jobs.submit(asked("wait", name="nightly"), is_only_one=True)
    assert jobs.active("ann", "nightly") == first.id
    jobs.submit(asked("ok", name="nightly", owner="bob"), is_only_one=True)
    stage.go.set()
    ended(jobs, first)
    until(lambda: jobs.active("ann", "nightly") is None)
    jobs.submit(asked("ok", name="nightly"), is_only_one=True)


def test_a_job_that_waits_is_cancelled_at_once_and_never_runs(open_jobs, stage):
    """Cancelled again it is a conflict."""
    with open_jobs(concurrency=1) as jobs:
        running(jobs, jobs.submit(asked("wait")))
        second = jobs.submit(asked("wait"))
        cancelled = jobs.cancel(second.id)
        assert (cancelled.state, cancelled.cancel_requested) == (JobState.CANCELLED, True)
        with pytest.raises(JobConflict, match="it is cancelled"):
            jobs.cancel(second.id)
    assert second.id not in stage.ran


def test_a_running_job_is_cancelled_when_it_has_cleaned_up(jobs, stage):
    """Until then it runs, and shows that its end was asked for."""
    job = running(jobs, jobs.submit(asked("clean")))
    for _ in range(2):
        jobs.cancel(job.id)
    assert stage.cleaning.wait(SECONDS)
    found = jobs.find(job.id)
    assert (found.state, found.cancel_requested) == (JobState.RUNNING, True)
    stage.cleaned.set()
    found = ended(jobs, job)
    assert (found.state, found.error["kind"]) == (JobState.CANCELLED, "Cancelled")


def test_the_flag_decides_whatever_the_work_does(jobs, stage):
    """Work that does not hear that it was cancelled was cancelled all the same."""
    job = running(jobs, jobs.submit(asked("deaf")))
    jobs.cancel(job.id)
    stage.go.set()
    found = ended(jobs, job)
    assert (found.state, found.result) == (JobState.CANCELLED, None)


def test_a_script_that_another_one_ended_is_cancelled(jobs):
    """Its run was told to end, as `!kill` does, and nobody cancelled the job; it is not lost for that."""
    job = ended(jobs, jobs.submit(asked("stop", retry_on_restart=True)))
    assert (job.state, job.error["kind"]) == (JobState.CANCELLED, "Cancelled")


def test_time_counts_from_the_start_of_running(open_jobs, stage):
    """What a job waited in the queue is not counted."""
    with open_jobs(concurrency=1) as jobs:
        first = jobs.submit(asked("wait"))
        second = jobs.submit(asked("ok", timeout=0.0001))
        third = jobs.submit(asked("clean", timeout=0.05))
        running(jobs, first)
        stage.go.set()
        assert ended(jobs, second).state is JobState.SUCCEEDED
        stage.cleaned.set()
        found = ended(jobs, third)
        assert (found.state, found.error["kind"]) == (JobState.TIMED_OUT, "TimedOut")


def test_an_unknown_job_is_told(jobs):
    """Looked up or cancelled."""
    for call in (jobs.find, jobs.cancel):
        with pytest.raises(UnknownJob):
            call("nothing")


@pytest.mark.parametrize(
    ("script", "error"), [("ok", None), ("fail", ScriptError), ("bug", ZeroDivisionError)]
)
def test_who_waits_is_told_the_end_and_the_very_error(jobs, script, error):
    """After it is in the database."""
    waiter = Future()
    job = jobs.submit(asked(script), waiter=waiter)
    ending = waiter.result(SECONDS)
    assert jobs.find(job.id).state == ending.job.state
    assert type(ending.error) is (error or type(None))


def test_who_waits_for_a_cancelled_or_late_job_is_told_so(jobs, stage):
    """By the class of the error."""
    late, cancelled = Future(), Future()
    jobs.submit(asked("wait", timeout=0.05), waiter=late)
    job = jobs.submit(asked("wait"), waiter=cancelled)
    jobs.cancel(job.id)
    assert isinstance(late.result(SECONDS).error, TimedOut)
    assert isinstance(cancelled.result(SECONDS).error, Cancelled)


def test_a_job_that_is_waited_for_runs_while_it_is_written(jobs, stage, monkeypatch):
    """Its end is written behind that, and told when it is."""
    add, waiter = JobStore.add, Future()

    def slow(*given):
        until(lambda: stage.ran)
        assert not waiter.done()
        return add(*given)

    monkeypatch.setattr(JobStore, "add", slow)
    job = jobs.submit(asked("ok"), waiter=waiter)
    assert waiter.result(SECONDS).job.state is JobState.SUCCEEDED
    assert state_of(jobs, job) is JobState.SUCCEEDED


def test_a_job_that_cannot_be_written_is_ended_and_gives_its_place_back(open_jobs, stage, monkeypatch):
    """Also when somebody waits for it, so that it has begun."""
    waiter = Future()
    with open_jobs(concurrency=1) as jobs:
        with monkeypatch.context() as broken:
            broken.setattr(JobStore, "add", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                jobs.submit(asked("wait"), waiter=waiter)
        with pytest.raises(RunError):
            waiter.result(SECONDS)
        assert ended(jobs, jobs.submit(asked("ok"))).state is JobState.SUCCEEDED


def test_a_running_job_tells_how_far_it_is(jobs, stage):
    """Its statement with the line, reports, and the same in its events, without secrets."""
    job = running(jobs, jobs.submit(asked("tell")))
    progress = until(lambda: found if (found := jobs.find(job.id).progress or {}).get("reports") else None)
    assert progress["statement"] == {
        "number": 1, "total": 2, "line": 2, "file": "<script>", "title": "select 1",
    }  # fmt: skip
    assert progress["reports"] == [{"what": "worker 1", "doing": "fitting", "share": 0.5}]
    stage.go.set()
    assert ended(jobs, job).progress == progress
    events, _ = read_events(jobs.folders.of(job.id))
    assert [each.kind for each in events] == ["state", "statement", "progress", "log"]
    assert [each.id for each in events] == [2, 3, 4, 5]
    assert events[-1].data["message"] == "the url is jdbc:x://ann:****@host/db"


def test_what_json_cannot_say_and_nobody_may_see_is_not_told(tmp_path):
    """In events and progress alike; past the limits only states are kept."""
    log = EventLog(tmp_path, clock=lambda: 5.0)
    log.open()
    log(Metric(0, "loss", float("nan")))
    log(Progress("reading", "from jdbc:x://ann:pass@host/db"))
    for number in range(MOST_EVENTS):
        log(Log(f"line {number}"))
    log.close()
    log(Log("too late"))
    events, _ = read_events(tmp_path)
    assert len(events) == MOST_EVENTS - 1
    assert events[1].data["value"] is None
    assert log.progress["metrics"][0]["value"] is None
    assert "pass" not in str(log.progress) + (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_half_an_event_that_a_crash_left_is_dropped(tmp_path):
    """The next attempt goes on behind the last whole one."""
    for attempt in range(2):
        log = EventLog(tmp_path)
        log.open()
        log(Log(f"attempt {attempt}"))
        log.close()
        with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"id": 9, "kin')
    events, _ = read_events(tmp_path)
    assert [(each.id, each.kind) for each in events] == [(2, "state"), (3, "log"), (4, "state"), (5, "log")]


def test_who_watches_a_job_hears_of_it(jobs, stage):
    """When it starts, tells something and ends."""
    heard = threading.Semaphore(0)
    job = jobs.submit(asked("wait"))
    with jobs.watching(job.id, heard.release):
        stage.go.set()
        until(lambda: heard.acquire(timeout=SECONDS) and state_of(jobs, job).is_end)


def test_jobs_that_waited_run_after_a_restart(open_jobs, stage):
    """In their order; what ran is lost, and says why."""
    with open_jobs(concurrency=1) as jobs:
        ran = running(jobs, jobs.submit(asked("wait")))
        waited = [jobs.submit(asked("ok")) for _ in range(3)]
        waiter = Future()
        jobs.submit(asked("ok"), waiter=waiter)
        jobs.stop()
        with pytest.raises(Cancelled):
            waiter.result(SECONDS)
        with pytest.raises(RunError, match="is ending"):
            jobs.submit(asked("ok"))
    with open_jobs(concurrency=1) as jobs:
        assert [ended(jobs, job).state for job in waited] == 3 * [JobState.SUCCEEDED]
        lost = jobs.find(ran.id)
        assert (lost.state, "server ended" in lost.error["message"]) == (JobState.LOST, True)
    assert stage.ran[:4] == [ran.id, *(job.id for job in waited)]


def orphaned(open_jobs, *, to_cancel=False, callback=None, **more):
    """A job that a server had taken when it died: its record says that it runs, and nobody runs it."""
    with open_jobs() as jobs:
        job = ended(jobs, jobs.submit(asked("ok", **more)))
        request = {**_values(replace(job, submission=asked("ok", callback=callback, **more)))["request"]}
        changes = {"state": "running", "ended": None, "result": None, "request": request}
        change = update(JOBS).where(JOBS.c.id == job.id).values(**changes, cancel_requested=to_cancel)
        with jobs.store.engine.begin() as connection:
            connection.execute(change)
    return job


def test_a_job_that_is_written_while_the_server_ends_waits_for_the_next(open_jobs, stage, monkeypatch):
    """It had a place to run at once, and nothing of it has begun."""
    with open_jobs() as jobs:
        add = JobStore.add

        def add_and_end(*given):
            made = add(*given)
            jobs.close()
            return made

        monkeypatch.setattr(JobStore, "add", add_and_end)
        job = jobs.submit(asked())
        assert (state_of(jobs, job), stage.ran) == (JobState.QUEUED, [])
    with open_jobs() as jobs:
        assert ended(jobs, job).state is JobState.SUCCEEDED


def test_a_job_that_ran_when_the_server_died_is_lost(open_jobs, stage):
    """It does not run again unasked; its callback is due."""
    job = orphaned(open_jobs, callback=Callback("https://example.org/"))
    runs = len(stage.ran)
    with open_jobs() as jobs:
        found = jobs.find(job.id)
        assert (found.state, "server died" in found.error["message"]) == (JobState.LOST, True)
        assert DatabaseOutbox(jobs.store.engine).listed(job.id)
    assert len(stage.ran) == runs


def test_a_job_runs_again_when_that_was_asked_for(open_jobs, stage):
    """As its second attempt; its events go on."""
    job = orphaned(open_jobs, retry_on_restart=True)
    with open_jobs() as jobs:
        found = ended(jobs, job)
        assert (found.state, found.attempt) == (JobState.SUCCEEDED, 2)
        events, _ = read_events(jobs.folders.of(job.id))
        assert [each.id for each in events] == list(range(2, 2 + len(events)))
    assert stage.ran.count(job.id) == 2


def test_a_cancel_outlives_the_server(open_jobs, stage):
    """A job that was to end does not run again."""
    job = orphaned(open_jobs, to_cancel=True, retry_on_restart=True)
    with open_jobs() as jobs:
        assert jobs.find(job.id).state is JobState.CANCELLED
    assert stage.ran == [job.id]


def test_results_are_swept_when_their_time_is_over(open_jobs, tmp_path):
    """The job is known for longer."""
    now = [1000.0]
    with open_jobs(clock=lambda: now[0]) as jobs:
        job = ended(jobs, jobs.submit(asked("ok")))
        folder = jobs.folders.of(job.id)
        sweeper = Sweeper(jobs.store, jobs.folders, 100.0, 1000.0, lambda: now[0])
        now[0] += 99
        sweeper.sweep()
        assert folder.exists()
        now[0] += 2
        sweeper.sweep()
        assert not folder.exists()
        assert jobs.find(job.id).expired


def test_folders_of_jobs_that_nobody_knows_are_swept_when_they_are_old(open_jobs, tmp_path):
    """A server left them that died over the first line of a job."""
    with open_jobs() as jobs:
        known = ended(jobs, jobs.submit(asked("ok"))).id
        for each in ("unknown", "old", known):
            jobs.folders.of(each).mkdir(exist_ok=True)
        for each in ("old", known):
            os.utime(jobs.folders.of(each), (0, 0))
        Sweeper(jobs.store, jobs.folders, 100.0, 1000.0).sweep_unknown()
        assert {each.name for each in jobs.folders.root.iterdir()} == {"unknown", known}


@pytest.mark.parametrize("result_ttl", [10.0, 1000.0])
def test_jobs_are_forgotten_when_their_time_is_over(open_jobs, result_ttl):
    """With their files, callbacks and keys; those that have not ended are not."""
    now = [1000.0]
    with open_jobs(clock=lambda: now[0]) as jobs:
        key = SubmissionKey("nightly", "digest", 1e6)
        told = replace(asked("ok"), callback=Callback("http://127.0.0.1:1/"))
        job = ended(jobs, jobs.submit(told, key=key))
        running = jobs.submit(asked("wait"))
        sweeper = Sweeper(jobs.store, jobs.folders, result_ttl, 100.0, lambda: now[0])
        now[0] += 99
        sweeper.sweep()
        assert jobs.find(job.id).state.is_end
        now[0] += 2
        sweeper.sweep()
        with pytest.raises(UnknownJob):
            jobs.find(job.id)
        assert not jobs.folders.of(job.id).exists()
        assert jobs.find(running.id)
        assert jobs.submit(told, key=key).id != job.id
        jobs.cancel(running.id)


def test_many_jobs_of_many_owners_all_end(open_jobs):
    """Submitted from several threads, some cancelled at once."""
    with open_jobs(concurrency=4, per_owner=2, queue=1000) as jobs:
        made = []

        def submit(owner):
            for number in range(20):
                job = jobs.submit(asked("ok", owner=owner, priority=number % 3))
                made.append(job)
                if number % 4 == 0:
                    try:
                        jobs.cancel(job.id)
                    except JobConflict:
                        assert state_of(jobs, job).is_end

        threads = [threading.Thread(target=submit, args=(owner,)) for owner in ("ann", "bob", "eve")]
        for each in threads:
            each.start()
        for each in threads:
            each.join(SECONDS)
        states = {ended(jobs, job).state for job in made}
        assert len(made) == 60
        assert states <= {JobState.SUCCEEDED, JobState.CANCELLED}
