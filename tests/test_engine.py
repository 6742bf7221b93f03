"""Scripts on a real Spark, through the whole engine."""

from __future__ import annotations

import threading
import time

import pytest

import mlsql
from mlsql.engine import default_owner
from mlsql.errors import Cancelled, ScriptError, ScriptErrors, TimedOut, UnknownName
from mlsql.stop import Stop


@pytest.fixture
def engine(spark):
    """An engine on the suite's Spark."""
    with mlsql.Engine(spark) as engine:
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
    assert mlsql.engine.OWNER.fullmatch(default_owner())


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
