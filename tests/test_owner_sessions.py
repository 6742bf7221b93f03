"""The sessions of owners: when they are made and closed, and what of them is left in Spark."""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import mlsql
from mlsql.config.settings import PathSettings, SecuritySettings, SessionSettings, Settings
from mlsql.errors import ScriptError
from mlsql.jobs.errors import JobConflict
from mlsql.owner_sessions import OwnerSessions
from mlsql.session import Session

HOUR = 3600.0


@pytest.fixture
def now():
    """The time, which a test may change."""
    return [0.0]


@pytest.fixture
def let_go():
    """The sessions that were closed, by owner."""
    return []


@pytest.fixture
def sessions(now, let_go):
    """Sessions without Spark."""

    def make(owner):
        return Session(owner, SimpleNamespace(owner=owner))

    return OwnerSessions(make, make, lambda spark: let_go.append(spark.owner), lambda: now[0])


def test_an_owner_has_one_session(sessions):
    """From one script to the next; others have theirs."""
    with sessions.using("ann") as first, sessions.using("ann") as second, sessions.using("bob") as other:
        assert first is second is sessions.of("ann")
        assert other is not first


def test_a_fresh_session_ends_with_its_block(sessions, let_go):
    """Also when that fails; the owner's own is another."""
    with sessions.using("ann", fresh=True) as fresh:
        assert fresh is not sessions.of("ann")
    with suppress(ZeroDivisionError), sessions.using("bob", fresh=True):
        raise ZeroDivisionError
    assert let_go == ["ann", "bob"]


def test_what_nobody_has_used_for_long_is_closed(sessions, now, let_go):
    """Counted from the end of its last use; what is used is not, however long that takes."""
    first = sessions.of("ann")
    with sessions.using("bob"):
        now[0] = 2 * HOUR
        sessions.close_idle(HOUR)
    assert let_go == ["ann"]
    assert sessions.of("ann") is not first
    now[0] += HOUR
    sessions.close_idle(HOUR)
    assert sorted(let_go) == ["ann", "ann", "bob"]


def test_who_logs_out_begins_anew(sessions, let_go):
    """Without a session nothing has to be closed."""
    first = sessions.of("ann")
    sessions.log_out("ann")
    sessions.log_out("bob")
    assert let_go == ["ann"]
    assert sessions.of("ann") is not first


def test_a_session_is_not_closed_under_a_script(sessions, let_go):
    """The conflict says when it can be."""
    with sessions.using("ann"), pytest.raises(JobConflict, match="scripts of 'ann' run"):
        sessions.log_out("ann")
    assert let_go == []
    sessions.log_out("ann")


@pytest.fixture(scope="module")
def engine(spark, launcher, tmp_path_factory):
    """An engine as the service has it."""
    settings = Settings(
        security=SecuritySettings(profile="service"),
        paths=PathSettings(root=tmp_path_factory.mktemp("root")),
        sessions=SessionSettings(idle=0.0),
    )
    with mlsql.Engine(spark, settings, launcher=launcher) as engine:
        yield engine


def ran(engine, text, **request):
    """The rows of a script, read as a job reads them."""
    with engine.run(text, **request).reading() as frame:
        return frame.collect()


@pytest.mark.spark
@pytest.mark.parametrize("close", [lambda engine: engine.log_out("ann"), lambda engine: engine.close_idle()])
def test_a_closed_session_is_forgotten_with_what_it_held(engine, close):
    """Tables, those in memory too, and variables; what ``create table`` made stays."""
    others = kept_in_memory(engine.spark)
    ran(
        engine,
        "set v='1' where scope='session'; select 1 as a as mine; !cache mine; select a from mine as t;",
        owner="ann",
    )
    ran(engine, "create table if not exists kept as select 2 as b; select 1 as a as t;", owner="ann")
    before = engine.session("ann")
    assert kept_in_memory(engine.spark) == others + 1
    close(engine)
    assert before.spark.catalog.listTables()[0].name == "kept"
    assert kept_in_memory(engine.spark) == others
    for text in ("select * from mine as t;", "select ${v} as t;"):
        with pytest.raises(ScriptError):
            engine.run(text, owner="ann")
    assert ran(engine, "select b from kept as t;", owner="ann") == [(2,)]


@pytest.mark.spark
def test_each_owner_has_a_folder_that_only_the_server_can_look_into(engine):
    """It is there when his first script begins, and another's is out of reach."""
    ran(engine, "select 1 as a as t; save overwrite t as json.`out`;", owner="ann")
    folder = engine.settings.paths.root / "ann"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "out").is_dir()
    for path in ("out", "../ann/out", "/ann/out", str(folder / "out")):
        with pytest.raises(ScriptError):
            ran(engine, f"load json.`{path}` as t;", owner="bob")


@pytest.mark.spark
def test_a_table_of_another_is_out_of_reach(engine):
    """By its name alone, and by that of its database."""
    ran(engine, "create table if not exists kept as select 2 as b; select 1 as a as t;", owner="ann")
    for table in ("kept", "mlsql_ann.kept", "spark_catalog.mlsql_ann.kept"):
        with pytest.raises(ScriptError):
            ran(engine, f"select * from {table} as t;", owner="bob")


@pytest.mark.spark
def test_who_started_the_server_is_an_owner_as_others(engine):
    """In the service his session is not the one that all begin from."""
    owner = mlsql.engine.default_owner()
    assert engine.session(owner).spark is not engine.spark
    with mlsql.Engine(engine.spark, replace(engine.settings, security=SecuritySettings())) as local:
        assert local.session(owner).spark is engine.spark


def kept_in_memory(spark):
    """How many tables are."""
    return spark.sparkContext._jsc.getPersistentRDDs().size()


def left(spark):
    """How many sessions, cached tables and databases Spark still holds."""
    gc.collect()
    spark._jvm.System.gc()
    return (
        kept_in_memory(spark),
        len(spark.catalog.listDatabases()),
    )


@pytest.mark.spark
def test_fresh_sessions_leave_nothing(engine, spark):
    """Neither views nor functions nor databases, however many there were."""
    script = "select 1 as a as mine; !cache mine; create temporary function f() returns int return 5; "
    ran(engine, "select 1 as a as t;", owner="ann", fresh=True)
    before = left(spark)
    for _ in range(5):
        assert ran(engine, script + "select f() as five from mine as t;", owner="ann", fresh=True) == [(5,)]
    assert left(spark) == before
    assert "mine" not in [each.name for each in engine.session("ann").spark.catalog.listTables()]


@pytest.mark.spark
@pytest.mark.slow
def test_memory_is_flat_over_fresh_sessions(engine, spark):
    """After two hundred of them neither the heap of Java nor this process is a tenth larger."""
    script = "select id, id * 2 as b from range(100) as t; select sum(b) as s from t as u;"

    def run(times):
        for _ in range(times):
            ran(engine, script, owner="ann", fresh=True)
        left(spark)
        runtime = spark._jvm.Runtime.getRuntime()
        return runtime.totalMemory() - runtime.freeMemory(), _resident()

    run(50)
    heap, resident = run(50)
    later_heap, later_resident = run(200)
    assert later_heap < heap * 1.1
    assert later_resident < resident * 1.1


def _resident():
    """The bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
