"""Jobs in a real database: what is written is read again, moves are compare-and-set, keys are remembered."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from mlsql.database import open_database, private_folder
from mlsql.errors import ConfigError
from mlsql.jobs.errors import JobConflict, UnknownJob
from mlsql.jobs.outbox import DatabaseOutbox
from mlsql.jobs.states import Callback, DeliveryState, Job, JobState, JobSummary, Kept, Submission
from mlsql.jobs.store import JobStore, SubmissionKey
from mlsql.jobs.tables import METADATA

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
SUBMISSIONS = st.builds(
    Submission,
    owner=st.sampled_from(["ann", "bob"]),
    script=TEXT,
    name=TEXT,
    parameters=st.dictionaries(TEXT, TEXT, max_size=3),
    timeout=st.none() | st.floats(0, 1e6),
    priority=st.integers(-1000, 1000),
    retry_on_restart=st.booleans(),
    dialect=st.none() | st.just("byzer"),
    fresh=st.booleans(),
    silent=st.booleans(),
    rows=st.none() | st.integers(0, 10),
    callback=st.none() | st.builds(Callback, TEXT, st.dictionaries(TEXT, TEXT, max_size=2), st.none()),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    """An empty database of this module, of each kind."""
    folder = private_folder(tmp_path_factory.mktemp("state"))
    with ExitStack() as ended:
        url = ended.enter_context(postgresql(folder)) if request.param == "postgresql" else None
        engine = open_database(url, folder)
        ended.callback(engine.dispose)
        yield engine


@contextmanager
def postgresql(folder):
    """The URL of an empty database: ``MLSQL_TEST_DATABASE``, else one of a server that is started for it."""
    pytest.importorskip("psycopg")
    if url := os.environ.get("MLSQL_TEST_DATABASE"):
        yield url
        return
    programs = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr/local/opt").glob("postgresql*/bin")]
    initdb = shutil.which("initdb", path=os.pathsep.join([*map(str, programs), os.environ["PATH"]]))
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb")
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []  # it does not run as root
    if as_user and "postgres" not in [each.pw_name for each in pwd.getpwall()]:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    with tempfile.TemporaryDirectory() as data:
        if as_user:
            shutil.chown(data, "postgres")
        run = partial(subprocess.run, check=True, capture_output=True, timeout=120, cwd="/")
        run([*as_user, initdb, "-D", data, "-U", "mlsql", "-A", "trust", "--no-sync"])
        server = [*as_user, str(Path(initdb).with_name("pg_ctl")), "-D", data, "-w"]
        # Only a socket in its folder, which no other server can have.
        options = f"-c listen_addresses='' -c unix_socket_directories='{data}' -c fsync=off"
        run([*server, "-o", options, "-l", f"{data}/log", "start"])
        try:
            yield f"postgresql+psycopg://mlsql@/postgres?host={data}"
        finally:
            run([*server, "-m", "immediate", "stop"])


@pytest.fixture(scope="module")
def store(database):
    """The jobs in it."""
    return JobStore(database)


@pytest.fixture
def job(store, request):
    """A job that waits."""
    return store.add(new_job(request.node.name))


_NUMBERS = iter(range(10**9))


def new_job(name="", **submission):
    """A job that is not stored yet."""
    asked = Submission(owner="ann", script="select 1 as a", name=name, **submission)
    return Job(id=f"job-{next(_NUMBERS)}", submission=asked, submitted=100.0)


def test_the_migrations_make_the_tables_that_the_code_expects(database):
    """Column by column, index by index."""
    with database.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_only_its_owner_can_read_the_database(tmp_path):
    """Scripts may hold passwords."""
    state = private_folder(tmp_path / "state")
    engine = open_database(None, state)
    JobStore(engine).add(new_job())
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in state.iterdir()}
    engine.dispose()
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert modes.keys() >= {"jobs.sqlite", "jobs.sqlite-wal"}
    assert set(modes.values()) == {0o600}


def test_a_commit_waits_for_the_disk(tmp_path):
    """Write-ahead log, and full synchronisation."""
    database = open_database(None, tmp_path)
    with database.connect() as connection:
        found = [
            connection.exec_driver_sql(f"pragma {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    database.dispose()
    assert found == ["wal", 2]


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////no/such/folder/x.sqlite", "oracle+nothing://ann:pass@host/db"]
)
def test_a_database_that_cannot_be_opened_is_told_without_its_password(tmp_path, url):
    """As a matter of the operator."""
    with pytest.raises(ConfigError, match="cannot be opened") as told:
        open_database(url, tmp_path)
    assert "pass" not in told.value.message


def test_a_database_of_a_newer_version_is_not_touched(tmp_path):
    """It is told, and the way out is the operator's."""
    engine = open_database(None, tmp_path)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num='9999'")
    engine.dispose()
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_database(None, tmp_path)


@given(SUBMISSIONS)
def test_what_is_written_is_read_again(store, submission):
    """Each field of a submission."""
    job = Job(id=f"job-{next(_NUMBERS)}", submission=submission, submitted=12.5)
    store.add(job)
    assert store.find(job.id) == job


def test_an_unknown_job_is_told(store):
    """By its id."""
    with pytest.raises(UnknownJob, match="no job is called 'x'"):
        store.find("x")


def test_a_job_goes_its_way_with_all_that_is_known_of_it(store, job):
    """Start, end, error, result, progress."""
    assert store.move(job, JobState.RUNNING, started=101.0)
    running = store.find(job.id)
    assert (running.state, running.started) == (JobState.RUNNING, 101.0)
    progress = {"statement": {"number": 1}}
    kept = Kept(3, 100, complete=False)
    assert store.move(running, JobState.SUCCEEDED, ended=102.0, result=kept, progress=progress, error=None)
    ended = store.find(job.id)
    assert (ended.ended, ended.result, ended.progress, ended.error) == (102.0, kept, progress, None)


def test_of_two_who_move_a_job_one_does(store, job):
    """Compare and set; the other is told."""
    with ThreadPoolExecutor(8) as pool:
        moves = [pool.submit(store.move, job, JobState.RUNNING, started=1.0) for _ in range(8)]
    assert sorted(each.result() for each in moves) == [*7 * [False], True]
    assert not store.move(job, JobState.CANCELLED, ended=2.0)
    assert store.find(job.id).state is JobState.RUNNING


def test_a_move_that_is_not_allowed_is_a_mistake_of_ours(store, job):
    """It never reaches the database."""
    with pytest.raises(ValueError, match="does not go from"):
        store.move(job, JobState.SUCCEEDED, ended=1.0)


def test_an_attempt_that_is_over_moves_nothing(store, job):
    """What the first attempt still says is not heard."""
    store.move(job, JobState.RUNNING, started=1.0)
    first = store.find(job.id)
    assert store.again(first)
    second = store.find(job.id)
    assert (second.attempt, second.state, second.started) == (2, JobState.QUEUED, None)
    store.move(second, JobState.RUNNING, started=2.0)
    assert not store.move(first, JobState.FAILED, ended=3.0)


def test_a_cancel_can_be_asked_for_until_the_end(store, job):
    """Not after it."""
    assert store.request_cancel(job.id)
    assert store.find(job.id).cancel_requested
    store.move(job, JobState.CANCELLED, ended=1.0)
    assert not store.request_cancel(job.id)


def test_pages_give_every_job_once_the_newest_first(database):
    """Whatever comes in between."""
    store = JobStore(database)
    ids = [store.add(new_job("pages", priority=number)).id for number in range(7)]
    seen, cursor = [], None
    while True:
        page = store.page(name="pages", limit=3, before=cursor)
        seen.extend(each.id for each in page.jobs)
        store.add(new_job("pages"))
        if (cursor := page.next) is None:
            break
    assert seen == ids[::-1]


def test_a_page_tells_of_a_job_what_its_record_says(database):
    """All that a list shows, also of a job that has ended, or has no limit of time."""
    store, kept = JobStore(database), Kept(1, 8, complete=False)
    ended, waiting = new_job("told", timeout=2.5, priority=3), new_job("told")
    for each in (ended, waiting):
        store.add(each)
    running = replace(ended, state=JobState.RUNNING)
    store.move(ended, JobState.RUNNING, started=1.0)
    store.move(running, JobState.FAILED, ended=2.0, error={"kind": "x"}, result=kept, progress={"a": [1]})
    listed = {each.id: each for each in store.page(name="told").jobs}
    for record in map(store.find, (ended.id, waiting.id)):
        shown = {each.name: getattr(record, each.name) for each in fields(JobSummary)}
        assert listed[record.id] == JobSummary(**shown)
    assert [each.id for each in store.latest_active("ann", 1)] == [waiting.id]


def test_a_page_holds_what_was_asked_for(store):
    """By owner, state and name."""
    mine, other = new_job("filter"), new_job("filter")
    other = replace(other, submission=replace(other.submission, owner="bob"))
    for each in (mine, other):
        store.add(each)
    store.move(mine, JobState.RUNNING, started=1.0)
    found = store.page(owner="ann", states=[JobState.RUNNING], name="filter").jobs
    assert [each.id for each in found] == [mine.id]
    assert store.page(owner="ann", states=[JobState.QUEUED], name="filter").jobs == ()


def test_a_key_gives_the_job_that_it_made(store):
    """The same body; another one is a conflict; another owner's key is another key."""
    key = SubmissionKey("k", "digest", 3600.0)
    first = store.add(new_job(), key)
    assert store.add(new_job(), key) == first
    assert store.made_with("ann", key, 100.0) == first
    assert store.made_with("bob", key, 100.0) is None
    with pytest.raises(JobConflict, match="another body"):
        store.add(new_job(), replace(key, body="other"))


def test_a_key_is_forgotten(store):
    """After its time it makes a new job; the sweep drops it."""
    key = SubmissionKey("old", "digest", 3600.0)
    first = store.add(new_job(), key)
    late = replace(new_job(), submitted=first.submitted + 3601)
    assert store.add(late, replace(key, body="other")) == late
    store.forget_keys(made_before=late.submitted + 1)
    assert store.made_with("ann", key, late.submitted) is None


def test_of_many_with_one_key_one_makes_the_job(store):
    """They come at the same time."""
    key = SubmissionKey("together", "digest", 3600.0)
    with ThreadPoolExecutor(8) as pool:
        made = [pool.submit(store.add, new_job("together"), key) for _ in range(8)]
    assert len({each.result().id for each in made}) == 1
    assert len(store.page(name="together").jobs) == 1


def test_the_end_of_a_job_with_a_callback_writes_its_delivery(store, database):
    """In the same transaction; a job without one has none."""
    outbox = DatabaseOutbox(database)
    job = store.add(new_job(callback=Callback("https://example.org/")))
    assert outbox.listed(job.id) == []
    store.move(job, JobState.CANCELLED, ended=50.0)
    (delivery,) = outbox.listed(job.id)
    assert (delivery.number, delivery.tries, delivery.next_try) == (1, 0, 50.0)
    assert delivery in outbox.due(50.0)
    assert delivery not in outbox.due(49.0)


def test_deliveries_to_some_receivers_can_be_left_out(store, database):
    """By the beginning of their URLs, and by no more than that."""
    outbox = DatabaseOutbox(database)
    urls = ["http://a_b:8/x", "http://a_b:80/x", "http://acb:8/x", "http://other/http://a_b:8/"]
    jobs = {store.add(new_job(callback=Callback(each, {"X": "y"}, 3))).id: each for each in urls}
    for job in jobs:
        store.move(store.find(job), JobState.CANCELLED, ended=10.0)
    due = outbox.due(10.0, 1000, but_not_to=["http://a_b:8", "http://x"])
    found = [each.callback for each in due if each.job in jobs]
    assert found == [Callback(each, {"X": "y"}, 3) for each in urls[1:]]


def test_the_next_try_is_the_first_that_is_not_due(store, database):
    """None when there is nothing to come."""
    outbox = DatabaseOutbox(database)
    for ended in (1e9, 1e9 + 20.0, 1e9 + 10.0):
        store.move(store.add(new_job(callback=Callback("http://x/"))), JobState.CANCELLED, ended=ended)
    assert outbox.next_try(1e9) == 1e9 + 10.0
    assert outbox.next_try(1e9 + 20.0) is None


def test_a_delivery_is_tried_until_it_is_done_and_can_be_replayed(store, database):
    """Each try counts once, even when two report it; a replay keeps the id."""
    outbox = DatabaseOutbox(database)
    job = store.add(new_job(callback=Callback("https://example.org/")))
    store.move(job, JobState.CANCELLED, ended=60.0)
    (first,) = outbox.listed(job.id)
    assert outbox.retried(first, 70.0, "refused")
    assert not outbox.dead(first, "said twice")
    (second,) = outbox.listed(job.id)
    assert (second.tries, second.next_try, second.last_error) == (1, 70.0, "refused")
    with pytest.raises(JobConflict):
        outbox.replay(job.id, 1, 80.0)
    assert outbox.dead(second, "gone")
    again = outbox.replay(job.id, 1, 80.0)
    assert (again.id, again.state, again.tries, again.next_try) == (first.id, DeliveryState.PENDING, 0, 80.0)
    assert outbox.delivered(again)
    assert outbox.listed(job.id)[0].state is DeliveryState.DELIVERED
