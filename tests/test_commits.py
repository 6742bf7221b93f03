"""Writes that come together share a commit; each is durable when its caller is told, or not there at all."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from mlsql.commits import Commits
from mlsql.database import open_database
from mlsql.jobs.states import Job, JobState, Submission
from mlsql.jobs.store import JobStore

SECONDS = 60


@pytest.fixture
def database(tmp_path):
    """A database with a table of numbers."""
    engine = open_database(None, tmp_path)
    with engine.begin() as connection:
        connection.execute(text("create table numbers (number integer primary key)"))
    yield engine
    engine.dispose()


@pytest.fixture
def counted(database):
    """The statements and commits of the database, as they come."""
    seen = []
    event.listen(
        database,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: seen.append(statement.split()[0].lower()),
    )
    event.listen(database, "commit", lambda _connection: seen.append("commit"))
    return seen


def add(number):
    """A change that writes *number*, and gives it."""

    def change(connection):
        connection.execute(text("insert into numbers values (:number)"), {"number": number})
        return number

    return change


def numbers(database):
    """What was written."""
    with database.connect() as connection:
        return sorted(connection.execute(text("select number from numbers")).scalars())


@contextmanager
def behind_a_slow_one(commits, changes):
    """What comes of *changes* that all wait while another is being written."""
    began, go = threading.Event(), threading.Event()

    def slow(connection):
        began.set()
        go.wait(SECONDS)

    with ThreadPoolExecutor(len(changes) + 1) as pool:
        pool.submit(commits.write, slow)
        began.wait(SECONDS)
        outcomes = [pool.submit(commits.write, each) for each in changes]
        deadline = time.monotonic() + SECONDS
        while len(commits._waiting) < len(changes):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        go.set()
        yield outcomes


def test_what_comes_while_another_commits_goes_together(database, counted):
    """Twenty writers who wait for one cost a second commit, not twenty."""
    changes = [add(number) for number in range(20)]
    with behind_a_slow_one(Commits(database), changes) as outcomes:
        assert [each.result(SECONDS) for each in outcomes] == list(range(20))
    assert counted.count("commit") == 2
    assert numbers(database) == list(range(20))


def spoilt(connection):
    """A change that fails behind its insert."""
    add(1)(connection)
    raise ZeroDivisionError("no")


def test_one_that_fails_takes_no_other_with_it(database):
    """It is undone alone, and its caller is told why."""
    with behind_a_slow_one(Commits(database), [add(2), spoilt, add(3)]) as (one, two, three):
        assert (one.result(SECONDS), three.result(SECONDS)) == (2, 3)
        assert isinstance(two.exception(SECONDS), ZeroDivisionError)
    assert numbers(database) == [2, 3]


def test_a_lone_error_is_raised_and_undone(database):
    """The next write goes on."""
    commits = Commits(database)
    with pytest.raises(ZeroDivisionError):
        commits.write(spoilt)
    assert commits.write(add(2)) == 2
    assert numbers(database) == [2]


def test_a_submission_is_one_insert_and_one_commit(database, counted):
    """And each move of a job one update; nothing is read for them."""
    store = JobStore(database)
    job = Job(id="a", submission=Submission(owner="ann", script="select 1"), submitted=1.0)
    store.add(job)
    assert counted == ["begin", "insert", "commit"]
    counted.clear()
    store.move(job, JobState.RUNNING, started=2.0)
    assert counted == ["begin", "update", "commit"]


def test_a_list_of_jobs_is_one_statement_without_their_scripts(database, counted):
    """However many there are."""
    store = JobStore(database)
    for number in range(30):
        submission = Submission(owner="ann", script="select 1")
        store.add(Job(id=str(number), submission=submission, submitted=float(number)))
    counted.clear()
    page = store.page(limit=20)
    assert len(page.jobs) == 20
    assert counted.count("select") == 1
