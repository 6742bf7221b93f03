"""Scripts on a real Spark, through the whole engine."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mlsql
from mlsql.engine import default_owner
from mlsql.errors import Cancelled, ScriptError, ScriptErrors, TimedOut, UnknownName, UnknownOption
from mlsql.events import Log
from mlsql.roles import OWNER
from mlsql.spark.sessions import SUBSTITUTE
from mlsql.stop import Stop


@pytest.fixture
def engine(spark, launcher):
    """An engine on the suite's Spark."""
    with mlsql.Engine(spark, launcher=launcher) as engine:
        yield engine


def test_a_script_gives_its_last_table(engine):
    """By name and as a frame."""
    result = engine.run("select 1 as one as t; select one + 1 as two from t as u;")
    assert result.table == "u"
    assert [row.asDict() for row in result.frame.collect()] == [{"two": 2}]


def test_the_views_of_a_given_spark_session_are_visible(engine, spark):
    """``Engine(spark)`` uses the session itself for its default owner."""
    spark.range(3).createOrReplaceTempView("mine")
    assert engine.run("select count(*) as n from mine as t").frame.first().n == 3


def test_tables_with_odd_names_can_be_made_and_used(engine):
    """A name may hold a space, a dot or Chinese."""
    text = """
        select 1 as a as `my tab.le`;
        select * from `my tab.le` as 表;
        run 表 as RateSampler.`` where sampleRate='1' as t;
    """
    assert engine.run(text).frame.count() == 1


def test_owners_do_not_see_each_others_tables(engine):
    """Each has a session of his own, which lasts from one script to the next."""
    engine.run("select 1 as a as secret;", owner="ann")
    assert engine.run("select * from secret as t;", owner="ann").frame.count() == 1
    with pytest.raises(ScriptError, match="secret"):
        engine.run("select * from secret as t;", owner="bob")
    with pytest.raises(UnknownName):
        engine.run("save overwrite secret as json.`x`;", owner="bob")


def test_an_owner_must_be_a_plain_name(engine):
    """His name stands in paths and in names of databases."""
    with pytest.raises(ScriptError, match=r"'\.\./x' cannot be an owner"):
        engine.run("select 1 as a", owner="../x")


def test_the_default_owner_is_one():
    """The login name may hold anything; the owner may not."""
    assert OWNER.fullmatch(default_owner())


def test_parameters_are_variables_from_outside(engine):
    """As ``--set`` gives them."""
    frame = engine.run("select '${day}' as day as t", parameters={"day": "2026-01-01"}).frame
    assert frame.first().day == "2026-01-01"


def test_nothing_runs_when_the_script_does_not_parse(engine, spark):
    """All errors are told at once, and the good statement before them made no table."""
    with pytest.raises(ScriptErrors) as caught:
        engine.run("select 1 as a as unmade; load csv.`x` y; save t csv.`y`;")
    assert len(caught.value.errors) == 2
    assert not spark.catalog.tableExists("unmade")


def test_an_error_that_shows_when_rows_are_read_is_placed(engine):
    """The frame is lazy: reading it is still a part of the run."""
    result = engine.run("select id, 1 / (id - 2) as x from range(4) as t;", name="a.mlsql")
    with pytest.raises(mlsql.ScriptError, match="Division by zero") as caught, result.reading() as frame:
        frame.collect()
    assert caught.value.span.text == "1 / (id - 2)"


def test_a_result_that_is_read_at_once_stays_in_the_group_of_its_run(engine, spark):
    """Until it has been read; any other result gets the group anew."""

    def group():
        return spark.sparkContext.getLocalProperty("spark.jobGroup.id")

    for is_read, between in ((True, "here"), (False, None)):
        result = engine.run("select 1 as a as t;", job="here", is_read=is_read)
        assert group() == between
        with result.reading() as frame:
            assert (group(), frame.count()) == ("here", 1)
        assert group() is None


def test_a_cancel_ends_a_running_spark_job_at_once(engine, spark, tmp_path):
    """Seconds before it would have ended, and no Spark job of it is left."""
    stop = Stop()
    threading.Timer(1.0, stop.cancel).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        engine.run(_endless(tmp_path), stop=stop)
    assert time.monotonic() - start < 15
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()


def test_a_timeout_ends_a_running_spark_job_at_once(engine, spark, tmp_path):
    """As a cancel does, under its own name."""
    start = time.monotonic()
    with pytest.raises(TimedOut):
        engine.run(_endless(tmp_path), stop=Stop(1.0))
    assert time.monotonic() - start < 15
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()


def _endless(folder):
    """A script whose save would take far longer than any test."""
    return (
        "select count(*) as n from range(0, 100000000000, 1, 4) where xxhash64(id) = 1 as endless;"
        f"save overwrite endless as json.`{folder}/out`;"
    )


def test_what_an_owner_creates_in_spark_is_his(engine):
    """Tables of the catalog have a database of their own for each owner."""
    engine.run("create table kept as select 1 as a;", owner="ann")
    assert engine.run("select a from kept as t;", owner="ann").frame.first().a == 1
    engine.run("create table kept as select 2 as a;", owner="a.nn")
    assert engine.run("select a from kept as t;", owner="ann").frame.first().a == 1
    with pytest.raises(ScriptError, match="kept"):
        engine.run("select a from kept as t;", owner="bob")


@pytest.mark.parametrize("fresh", [False, True])
def test_the_databases_of_owners_end_with_the_engine(spark, fresh):
    """With their files, when Spark's own catalog would forget them; also those of fresh runs alone."""
    before = spark.catalog.currentDatabase()
    with mlsql.Engine(spark) as engine:
        engine.run("create table kept as select 1 as a;", owner="ann", fresh=fresh)
        place = engine.run("describe database mlsql_ann;", owner="ann", fresh=fresh).frame
        (folder,) = [row.info_value for row in place.collect() if row.info_name == "Location"]
        assert Path(folder.removeprefix("file:"), "kept").is_dir()
    assert not Path(folder.removeprefix("file:")).exists()
    assert "mlsql_ann" not in [each.name for each in spark.catalog.listDatabases()]
    assert spark.catalog.currentDatabase() == before


def test_settings_functions_and_variables_are_an_owners_own(engine):
    """Neither seen nor changed by others."""
    engine.run(
        """
        set spark.sql.shuffle.partitions="17" where type="conf";
        set kept="x" where scope="session";
        create temporary function mine() returns int return 5;
        """,
        owner="ann",
    )
    assert engine.run("select mine() as five, '${kept}' as kept as t;", owner="ann").frame.first() == (5, "x")
    assert engine.session("bob").spark.conf.get("spark.sql.shuffle.partitions") != "17"
    for text in ("select '${kept}' as t;", "select mine() as t;"):
        with pytest.raises(ScriptError, match=r"kept|mine"):
            engine.run(text, owner="bob")


def test_two_owners_run_at_the_same_time(engine):
    """The same names, each with its own rows."""
    script = """
        select '${OWNER}' as who, id from range(1000) as t;
        select who, count(*) as n from t group by who as u;
    """
    with ThreadPoolExecutor(4) as threads:
        owners = ["ann", "bob"] * 4
        frames = threads.map(lambda owner: engine.run(script, owner=owner).frame.collect(), owners)
        assert [row for (row,) in frames] == [(owner, 1000) for owner in owners]


def test_a_variable_of_the_session_lasts(engine):
    """Until it is set again; one of the script does not."""
    engine.run(
        "set a='1' where scope='session'; set b='2'; set c='${a}${b}' where scope='session';", owner="ann"
    )
    assert engine.run("select '${a}${c}' as t;", owner="ann").frame.first()[0] == "112"
    with pytest.raises(ScriptError, match="'b' is not defined"):
        engine.run("select '${b}' as t;", owner="ann")


def test_a_fresh_run_shares_nothing(engine):
    """Neither tables nor variables, in either direction."""
    engine.run("select 1 as a as mine; set v='1' where scope='session';", owner="ann")
    for text in ("select * from mine as t;", "select ${v} as t;"):
        with pytest.raises(ScriptError):
            engine.run(text, owner="ann", fresh=True)
    result = engine.run("select 2 as a as mine;", owner="ann", fresh=True)
    assert result.frame.first().a == 2
    assert engine.run("select a from mine as t;", owner="ann").frame.first().a == 1


def test_a_dialect_is_chosen_for_a_run(engine):
    """By its name, or by the setting."""
    text = "set a='1'; select '$a ${b}' as x as t;"
    assert engine.run(text, dialect="byzer").frame.first().x == "1 ${b}"
    with pytest.raises(ScriptError, match="'b' is not defined"):
        engine.run(text)
    with pytest.raises(UnknownName, match="no dialect is called 'byser'") as caught:
        engine.run(text, dialect="byser")
    assert caught.value.hint == "did you mean 'byzer'?"


def test_old_scripts_may_say_what_nobody_knows(engine, tmp_path):
    """In their dialect: a warning, and no effect."""
    events = []
    text = "select 1 as a as t; save overwrite t as json.`${out}` where fileNum='1' and sparkling='x';"
    parameters = {"out": str(tmp_path / "out")}
    engine.run(text, dialect="byzer", parameters=parameters, sink=events.append)
    warnings = [each.message for each in events if isinstance(each, Log) and each.level == "warning"]
    assert warnings == ["json has no option 'sparkling'; it has no effect"]
    with pytest.raises(UnknownOption):
        engine.run(text, parameters=parameters)


def test_sparks_own_substitution_is_off_while_the_engine_lives(spark):
    """Also in a session that was given, which gets its setting back."""
    spark.conf.set(SUBSTITUTE, "true")
    try:
        with mlsql.Engine(spark) as engine:
            frame = engine.run(r"select '\${env:HOME}' as x as t;").frame
            assert frame.first().x == "${env:HOME}"
        assert spark.conf.get(SUBSTITUTE) == "true"
    finally:
        spark.conf.set(SUBSTITUTE, "false")


def test_a_time_zone_may_be_a_distance_from_utc(engine):
    """The next script of its owner knows what time it is there."""
    engine.run("set spark.sql.session.timeZone = '+01:00' where type='conf';", owner="zoe")
    script = """select current_timezone() as zone, '${date.toString("yyyy")}' as year as t;"""
    with engine.run(script, owner="zoe").reading() as frame:
        row = frame.first()
    assert row.zone == "+01:00"
    assert row.year.startswith("2")
