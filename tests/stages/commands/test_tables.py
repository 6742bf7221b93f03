"""Columns, plans, keeping in memory, splitting and repartitioning, on a real Spark."""

from __future__ import annotations

import pytest

from mlsql.engine import default_owner
from mlsql.errors import MissingColumn, MlsqlError, UnknownName
from tests.stages.jobs import jobs_of


def names(scripts):
    """The tables of the session."""
    return {each.name for each in scripts.run.spark.catalog.listTables()}


@pytest.fixture
def pays(scripts):
    """A table with a name of two words, a Chinese one, and nulls."""
    scripts.table("pays", [("ann", 10, 1.5), ("bob", None, 2.5)], "name string, `the pay` int, `数` double")


@pytest.mark.parametrize("command", ["desc", "columns", "DESC"])
def test_the_columns_of_a_table_are_told_without_a_job(scripts, pays, command):
    """Names in two words and in Chinese too; reading the answer starts no job either."""
    found = []
    assert jobs_of(scripts.run.spark, lambda: found.extend(scripts.rows(f"!{command} pays;"))) == 0
    assert found == [
        {"col_name": "name", "data_type": "string", "comment": None},
        {"col_name": "the pay", "data_type": "int", "comment": None},
        {"col_name": "数", "data_type": "double", "comment": None},
    ]


def test_a_comment_of_a_column_is_told(scripts):
    """As whoever made the table wrote it."""
    scripts.run.spark.range(1).withMetadata("id", {"comment": "编号"}).createOrReplaceTempView("ids")
    assert scripts.rows("!desc ids;")[0]["comment"] == "编号"


def test_a_command_gives_its_table_a_name_only_when_asked(scripts, pays):
    """Otherwise it is the result, and nothing stays in the session."""
    before = names(scripts)
    scripts("!desc pays; !explain pays; !profile pays; !show tables; !emptyTable;")
    scripts(
        "!cache pays script; !uncache pays; !split pays with '0.5,0.5'; !tableRepartition _ -i pays -num 2;"
    )
    assert names(scripts) == before
    assert scripts.rows("!desc pays named `the columns`; select count(*) as n from `the columns`;") == [
        {"n": 3}
    ]
    assert names(scripts) == before | {"the columns"}


def test_an_unknown_table_is_told_with_the_nearest(scripts, pays):
    """At its name."""
    with pytest.raises(UnknownName) as caught:
        scripts("!desc pay;")
    assert (caught.value.span.text, caught.value.hint) == ("pay", "did you mean 'pays'?")


def test_variables_are_filled_into_arguments(scripts, pays):
    """As everywhere."""
    assert len(scripts.rows("set t = pays; !desc ${t};")) == 3


def test_a_plan_is_shown_line_by_line(scripts, pays):
    """Spark's own text, without a job."""
    assert jobs_of(scripts.run.spark, lambda: scripts.rows("!explain pays;")) == 0
    assert scripts.rows("!explain pays;")[0] == {"plan": "== Physical Plan =="}
    assert {"plan": "== Analyzed Logical Plan =="} in scripts.rows("!explain pays extended;")


def is_cached(scripts, name):
    """Whether Spark keeps the table."""
    return scripts.run.spark.catalog.isCached(name)


@pytest.mark.parametrize("scope", ["", "session", "application"])
def test_a_table_is_kept_as_long_as_the_session_lives(scripts, pays, scope):
    """Nothing is read when it is asked for, and it outlives the run."""
    assert jobs_of(scripts.run.spark, lambda: scripts(f"!cache pays {scope};")) == 0
    assert scripts.rows(f"!cache pays {scope};") == [{"table": "pays", "scope": "session"}]
    scripts.run.endings.close()
    assert is_cached(scripts, "pays")
    assert scripts.rows("!unCache pays;") == [{"table": "pays", "was_cached": True}]
    assert not is_cached(scripts, "pays")
    assert scripts.rows("!uncache pays;") == [{"table": "pays", "was_cached": False}]


def test_a_table_that_is_kept_for_the_script_is_let_go_of_at_its_end(scripts, pays):
    """Whatever has become of its name."""
    assert scripts.rows("!cache pays script;") == [{"table": "pays", "scope": "script"}]
    assert is_cached(scripts, "pays")
    scripts("select 1 as a as pays;")
    scripts.run.endings.close()
    assert not is_cached(scripts, "pays")


def test_a_table_that_the_session_keeps_outlives_a_script_that_asks_for_it(scripts, pays):
    """A script lets go only of what it has asked for itself."""
    scripts("!cache pays; !cache pays script;")
    scripts.run.endings.close()
    assert is_cached(scripts, "pays")
    scripts("!uncache pays;")


@pytest.mark.parametrize("ending", ["", "select raise_error('x') as a as b; !profile b;"])
def test_an_engine_ends_what_was_kept_for_a_script(engine, ending):
    """Also when the script fails."""
    text = f"select uuid() as id as kept; !cache kept script; {ending}"
    if ending:
        with pytest.raises(MlsqlError):
            engine.run(text)
    else:
        engine.run(text)
    assert not engine.session(default_owner()).spark.catalog.isCached("kept")


def test_a_split_keeps_the_shares_within_each_value_of_a_column(scripts):
    """Exactly; every row is in one part, marked in one more column."""
    scripts("select id as n, if(id % 4 = 0, 'a', '乙') as `the label` from range(100) as numbers;")
    counts = scripts.rows("""
        !split numbers by `the label` with "0.8,0.2" named parts;
        select `the label` as label, __split__ as part, count(*) as n from parts group by all order by all
        as counts;
    """)
    assert [tuple(each.values()) for each in counts] == [
        ("a", 0, 20),
        ("a", 1, 5),
        ("乙", 0, 60),
        ("乙", 1, 15),
    ]


def test_a_split_without_a_column_marks_every_row(scripts):
    """By the shares that are expected, without a job."""
    scripts("select id from range(1000) as numbers;")
    assert jobs_of(scripts.run.spark, lambda: scripts("!split numbers with '0.5,0.3,0.2' named parts;")) == 0
    (row,) = scripts.rows("select count(*) as n, count(distinct __split__) as parts from parts as c;")
    assert row == {"n": 1000, "parts": 3}


def test_a_split_by_an_unknown_column_is_told_at_the_column(scripts, pays):
    """In words of the command, not of the algorithm behind it."""
    with pytest.raises(MissingColumn) as caught:
        scripts("!split pays by nam with '0.5,0.5';")
    assert (caught.value.span.text, caught.value.message) == ("nam", "the table has no column 'nam'")


def test_a_table_is_cut_into_as_many_partitions_as_asked_for(scripts):
    """Under a name of its own, or as the result."""
    frame = scripts(
        "select id from range(100) as numbers; !tableRepartition _ -i numbers -num 7 -o sevenths;"
    )
    assert frame.rdd.getNumPartitions() == 7
    assert scripts.run.last.name == "sevenths"
    assert scripts("!tableRepartition _ -i sevenths -num 3;").rdd.getNumPartitions() == 3
    assert scripts.run.last.name is None


def test_an_empty_table_has_neither_rows_nor_columns(scripts):
    """So that a script ends without rows."""
    frame = scripts("select 1 as a as t; !emptyTable;")
    assert (frame.columns, frame.collect()) == ([], [])
