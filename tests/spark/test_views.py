"""Frames under a name: Spark's own way and ours leave the same behind."""

from __future__ import annotations

import pytest

from mlsql.spark.sessions import own_session
from mlsql.spark.views import Views

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def session(spark):
    """A session in which nothing has a name."""
    return own_session(spark)


@pytest.fixture(scope="module", params=[1000, 0], ids=["by Spark", "at once"])
def views(request):
    """One that asks Spark, and one that does not."""
    return Views(by_spark=request.param)


@pytest.mark.parametrize("name", ["plain", "Ünüsual `name`", "a.b", "select"])
def test_a_name_stands_for_the_rows(session, views, name):
    """In any case of letters, also where it has to be quoted, and for the last frame that got it."""
    quoted = "`" + name.lower().replace("`", "``") + "`"
    views.name(session.range(1), name)
    views.name(session.range(3), name)
    assert session.table(quoted).count() == 3
    assert name.lower() in {each.name for each in session.catalog.listTables() if each.isTemporary}
    session.catalog.dropTempView(name)
    assert not session.catalog.tableExists(quoted)


def test_a_name_that_is_given_anew_can_hold_the_rows_it_stood_for(session, views):
    """The new frame keeps the old plan; a table of it that is in memory is let go of."""
    views.name(session.range(2), "counted")
    session.table("counted").cache().count()
    views.name(session.sql("select id + 1 as id from counted"), "counted")
    assert [each.id for each in session.table("counted").collect()] == [1, 2]
    assert not session.catalog.isCached("counted")
    views.name(session.table("counted"), "counted")
    assert session.table("counted").count() == 2


def test_what_a_statement_shows_is_shown_once(session, views):
    """The rows of `show tables` are those of when it ran."""
    views.name(session.range(1), "before")
    views.name(session.sql("show tables"), "shown")
    views.name(session.range(1), "after")
    assert [each.tableName for each in session.table("shown").collect()].count("after") == 0
    for name in ("before", "shown", "after"):
        session.catalog.dropTempView(name)


def test_a_name_belongs_to_one_session(spark, session, views):
    """Others do not see it."""
    views.name(session.range(1), "mine")
    assert not spark.catalog.tableExists("mine")
    assert not own_session(spark).catalog.tableExists("mine")


def test_whether_the_case_of_letters_counts_is_said_by_the_session(session, views):
    """The one that the frame is of, whoever else uses Spark."""
    strict = own_session(session)
    strict.conf.set("spark.sql.caseSensitive", "true")
    views.name(strict.range(1), "Rows")
    views.name(strict.range(2), "rows")
    assert (strict.table("Rows").count(), strict.table("rows").count()) == (1, 2)
