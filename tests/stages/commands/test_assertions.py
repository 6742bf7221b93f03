"""What must hold of the rows of a table, on a real Spark."""

from __future__ import annotations

import pytest

from mlsql.errors import DataError, MissingColumn, ScriptError, SqlError
from tests.stages.jobs import jobs_of


@pytest.fixture
def pays(scripts):
    """A table with a name of two words, a Chinese one, nulls, and a name twice."""
    rows = [("ann", 10, "x"), ("bob", None, "x"), ("陈", 3, None), ("陈", 4, "y")]
    scripts.table("pays", rows, "name string, `the pay` int, `数` string")


PASSING = [
    "''':name is not null and (:`the pay` > 2 or :`the pay` is null)''' 'm'",
    '\':数 in ("x", "y") or :数 is null\'',
    ":name != 'carl' 'all but carl'",
    "!:name == 'carl' 'm'",
    "'''select length(:name) as :n; :n < 4'''",
]


@pytest.mark.parametrize("condition", PASSING)
def test_what_holds_of_every_row_passes_silently(scripts, pays, condition):
    """The result of the script stays what it was."""
    assert scripts.rows(f"select 1 as a as t; !assert pays {condition};") == [{"a": 1}]


def test_what_does_not_hold_is_told_with_some_rows(scripts, pays):
    """The message, how many, up to three of them; a null counts as not holding."""
    with pytest.raises(DataError) as caught:
        scripts("""!assert pays ''':`the pay` > 100''' "pays are too low";""")
    assert caught.value.message == "pays are too low: 4 rows fail"
    assert caught.value.span.text == ":`the pay` > 100"
    assert caught.value.hint == (
        'among them {"name":"ann","the pay":10,"数":"x"}, {"name":"bob","the pay":null,"数":"x"}, '
        '{"name":"陈","the pay":3,"数":null}'
    )


def test_one_row_is_told_as_one(scripts, pays):
    """And without a message of the script, the condition is."""
    with pytest.raises(DataError) as caught:
        scripts("!assert pays ''':name !=   'ann' ''';")
    assert caught.value.message == "not every row fulfils :name != 'ann': 1 row fails"
    assert caught.value.hint == 'the row is {"name":"ann","the pay":10,"数":"x"}'


def test_an_empty_table_passes(scripts):
    """There is no row to fail."""
    scripts.table("none", [], "a int")
    assert scripts("!assert none ''':a > 1 and false''' 'm'; !assertNotNullThrow none 'a';") is None


def test_variables_of_the_script_count_where_no_column_is_called_so(scripts, pays):
    """Columns come first; beside a column of numbers, a variable is one."""
    scripts(
        "set least = 3; set name = nobody; !assert pays ''':`the pay` is null or :`the pay` >= :least''' 'm';"
    )
    scripts("""set least = 2.5; set list = '["ann"]'; set `the 数` = 'x';
        !assert pays ''':`the pay` >= :least or :name in ('bob', :list[0]) or :数 == :`the 数` ''' 'm';""")
    with pytest.raises(ScriptError, match="the variable 'least' holds 'few', which is no number") as caught:
        scripts("set least = few; !assert pays ''':`the pay` >= :least''' 'm';")
    assert caught.value.span.text == ":least"
    with pytest.raises(DataError, match="3 rows fail"):
        scripts("set who = \"it's\"; !assert pays ''':name == :who or :name == 'ann' ''' 'm';")
    with pytest.raises(DataError, match="4 rows fail"):
        scripts("set who = carl; !assert pays :name == '${who}' 'm';")


def test_an_unknown_column_is_told_before_anything_runs(scripts, pays):
    """At its name, with the nearest."""

    def act():
        with pytest.raises(MissingColumn) as caught:
            scripts("!assert pays ''':nam == 'ann' ''' 'm';")
        assert (caught.value.span.text, caught.value.hint) == (":nam", "did you mean 'name'?")

    assert jobs_of(scripts.run.spark, act) == 0


def test_an_assertion_looks_at_the_table_once(scripts):
    """As many jobs as one count, whether it holds or not; the failing rows come with it."""
    scripts("select id from range(0, 1000, 1, 7) as t;")
    spark = scripts.run.spark

    def fail():
        with pytest.raises(DataError, match="999 rows fail"):
            scripts("!assert t ''':id == 5''' 'm';")

    once = jobs_of(spark, spark.table("t").count)
    assert jobs_of(spark, fail) == once
    assert jobs_of(spark, lambda: scripts("!assert t ''':id >= 0''' 'm';")) == once
    assert jobs_of(spark, lambda: scripts.rows("!assertNotNull t 'id';")) == once


def test_nulls_are_counted_by_column(scripts, pays):
    """A row a column."""
    assert scripts.rows("!assertNotNull pays 'name, the pay,数';") == [
        {"column": "name", "rows": 4, "failing": 0, "ok": True},
        {"column": "the pay", "rows": 4, "failing": 1, "ok": False},
        {"column": "数", "rows": 4, "failing": 1, "ok": False},
    ]


def test_repetitions_are_counted_by_column(scripts, pays):
    """Of a value that stands three times, two are too many; nulls repeat nothing."""
    scripts.table("t", [(1, "a"), (1, "a"), (1, None), (2, None)], "n int, s string")
    assert [(row["column"], row["failing"]) for row in scripts.rows("!assertUnique t 'n,s';")] == [
        ("n", 2),
        ("s", 1),
    ]


def test_a_condition_of_sql_is_counted(scripts, pays):
    """Functions, comments and all; null counts as not holding."""
    assert scripts.rows("!assertCondition pays '''`the pay` between 1 and 5 -- cheap''';") == [
        {"column": "`the pay` between 1 and 5 -- cheap", "rows": 4, "failing": 2, "ok": False}
    ]


THROWN = [
    (
        "!assertNotNullThrow pays 'name,the pay,数';",
        "1 of 4 rows have no 'the pay'; 1 of 4 rows have no '数'",
    ),
    ("!assertUniqueThrow pays 'name';", "1 of 4 rows repeat a 'name'"),
    ("!assertConditionThrow pays 'length(name) > 2';", "2 of 4 rows do not fulfil length(name) > 2"),
]


@pytest.mark.parametrize(("text", "message"), THROWN, ids=[each[0] for each in THROWN])
def test_a_check_may_end_the_script(scripts, pays, text, message):
    """It says all that fails."""
    with pytest.raises(DataError) as caught:
        scripts(text)
    assert caught.value.message == message
    assert caught.value.span.text.strip("'") in text


def test_a_check_that_holds_passes_silently(scripts, pays):
    """The result of the script stays what it was."""
    text = """
        select 1 as a as t;
        !assertNotNullThrow pays "name";
        !assertUniqueThrow t "a";
        !assertConditionThrow pays "name is not null";
    """
    assert scripts.rows(text) == [{"a": 1}]


def test_an_unknown_column_of_a_check_is_told(scripts, pays):
    """With the nearest."""
    with pytest.raises(MissingColumn) as caught:
        scripts("!assertUnique pays 'nam';")
    assert caught.value.hint == "did you mean 'name'?"


@pytest.mark.parametrize("condition", ["nam > 1", "name >", "name"])
def test_a_condition_that_spark_refuses_is_told_at_its_text(scripts, pays, condition):
    """An unknown column, half a condition, and what is neither true nor false."""
    with pytest.raises(SqlError) as caught:
        scripts(f"!assertCondition pays '{condition}';")
    assert caught.value.span.text == f"'{condition}'"
