"""Spark's errors as ours: the class, the sentence, the hint, and the place in the query."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pyspark.sql.functions import udf

from mlsql.errors import DataError, MissingPath, RunError, ScriptError, SqlError, UnknownName
from mlsql.names import nearest
from mlsql.spans import Script, Span
from mlsql.spark.errors import _first_sentence, _of_traceback, spark_errors, sql_error


@dataclass
class Query:
    """A query without variables, which stands in a script behind ``select `` of two lines."""

    text: str

    def source_span(self, start: int, end: int) -> Span:
        """The same characters, two lines further down."""
        return Script("a.mlsql", "\n\n" + self.text).span(start + 2, end + 2)


@pytest.fixture
def raised(spark):
    """Gives the error of ours for what a query, or reading it, raises."""
    spark.sql("select id, cast(id as string) as name from range(3)").createOrReplaceTempView("wine")

    def run(text):
        with pytest.raises(spark_errors()) as caught:
            spark.sql(text).collect()
        return sql_error(caught.value, {text: Query(text)}, spark)

    return run


@pytest.mark.spark
@pytest.mark.parametrize(
    ("query", "kind", "message", "blamed"),
    [
        (
            "select '😀', nme from wine",
            SqlError,
            "A column, variable, or function parameter with name `nme` cannot be resolved",
            "nme",
        ),
        ("select *\nfrom wien", UnknownName, "no table is called 'wien'", "wien"),
        ("select uper(name) from wine", UnknownName, "no function is called 'uper'", "uper(name)"),
        ("select id,\n '😀' a b from wine", SqlError, "Syntax error at or near 'b'", "b"),
        ("select (id from wine", SqlError, "Syntax error at or near 'from'", "from"),
        (
            "select date'2020-13-45'",
            SqlError,
            "The value of the typed literal \"DATE\" is invalid: '2020-13-45'",
            "date'2020-13-45'",
        ),
        ("select '😀', 1/(id - 1) as x from wine", DataError, "Division by zero", "1/(id - 1)"),
        (
            "select cast('4. x' || left(name, 0) as int) from wine",
            DataError,
            'The value \'4. x\' of the type "STRING" cannot be cast to "INT" because it is malformed',
            "cast('4. x' || left(name, 0) as int)",
        ),
        (
            "select upper(1, 2)",
            SqlError,
            "The `upper` requires 1 parameters but the actual number is 2",
            "upper(1, 2)",
        ),
        (
            "select id, count(*) from wine",
            SqlError,
            "The query does not include a GROUP BY clause",
            "select id, count(*) from wine",
        ),
    ],
)
def test_what_spark_refuses_is_placed_and_told_in_one_sentence(raised, query, kind, message, blamed):
    """Analysis, syntax and data alike; positions count code points."""
    error = raised(query)
    assert (type(error), error.message, error.span.text) == (kind, message, blamed)
    assert "SQLSTATE" not in str(error)
    assert "== SQL" not in str(error)


@pytest.mark.spark
def test_an_error_of_an_earlier_query_is_placed_there(spark, tmp_path):
    """The query, or the writing, that runs into it is not to blame."""
    defining, using = "select cast('x' || id as int) as n from range(3)", "select n + 1 as m from numbers"
    spark.sql(defining).createOrReplaceTempView("numbers")
    with pytest.raises(spark_errors()) as caught:
        spark.sql(using).write.parquet(str(tmp_path / "out"))
    error = sql_error(caught.value, {using: Query(using), defining: Query(defining)})
    assert (type(error), error.span.text) == (DataError, "cast('x' || id as int)")


@pytest.mark.spark
def test_what_spark_advises_is_the_hint(raised):
    """The sentences behind the first."""
    assert raised("select nme from wine").hint == "Did you mean one of the following? [`name`, `id`]."
    assert "`try_divide`" in raised("select 1/0").hint


@pytest.mark.spark
def test_an_unknown_name_comes_with_the_nearest(raised):
    """Tables and functions, also of this session alone."""
    assert raised("select * from wien").hint == "did you mean 'wine'?"
    assert raised("select uppr(name) from wine").hint == "did you mean 'upper'?"
    assert raised("select qqqqqqqq(name) from wine").hint.startswith("`show functions`")


@pytest.mark.spark
def test_something_missing_is_told_behind_the_last_token(raised):
    """Not at a place where nothing stands."""
    assert raised("select (id  \n ").span.start == len("\n\nselect (id")


@pytest.mark.spark
def test_a_missing_path_and_one_that_exists_are_errors_of_the_data(spark, tmp_path):
    """With the path as it was given."""
    with pytest.raises(spark_errors()) as caught:
        spark.read.csv(str(tmp_path / "no.csv"))
    assert str(sql_error(caught.value, {})) == f"nothing lies at '{tmp_path}/no.csv'"
    assert isinstance(sql_error(caught.value, {}), MissingPath)
    with pytest.raises(spark_errors()) as caught:
        spark.range(1).write.parquet(str(tmp_path))
    assert sql_error(caught.value, {}).message == f"something lies at '{tmp_path}' already"


@pytest.mark.spark
def test_what_a_file_holds_is_told_through_the_layers(spark, tmp_path):
    """The innermost condition counts, not the wrapping of tasks and jobs."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    frame = spark.read.schema("a int").option("mode", "failfast").csv(str(tmp_path / "a.csv"))
    with pytest.raises(spark_errors()) as caught:
        frame.collect()
    error = sql_error(caught.value, {})
    assert isinstance(error, DataError)
    assert "\n\tat " not in str(error)


@pytest.mark.spark
def test_a_setting_that_cannot_be_is_the_authors(spark):
    """Spark gives no condition for it, only a text."""
    with pytest.raises(spark_errors()) as caught:
        spark.conf.set("spark.sql.ansi.enabled", "maybe")
    error = sql_error(caught.value, {})
    assert type(error) is ScriptError
    assert error.message == "spark.sql.ansi.enabled should be boolean, but was maybe"


@pytest.mark.spark
def test_python_code_that_fails_on_an_executor_is_told_by_its_last_line(spark):
    """The traceback stays in the log."""
    with pytest.raises(spark_errors()) as caught:
        spark.range(1).select(udf(lambda x: 1 // x, "int")("id")).collect()
    error = sql_error(caught.value, {})
    assert isinstance(error, RunError)
    assert error.message.endswith("failed with ZeroDivisionError: integer division or modulo by zero")


def test_our_own_error_from_an_executor_is_about_the_data():
    """Its sentence comes through as it is."""
    raising = (
        'Traceback (most recent call last):\n  File "a", line 1\nmlsql.errors.DataError: column a: nulls'
    )
    text = f"org.x.PythonException: {raising}\n\n\tat org.x.run"
    error = _of_traceback(text)
    assert (type(error), error.message) == (DataError, "column a: nulls")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("One. Two. Three.", "One", "Two. Three."),
        ("One:\nTwo", "One", "Two"),
        ("pi is 3.14", "pi is 3.14", None),
        ("", "", None),
    ],
)
def test_the_first_sentence_ends_at_its_stop_or_its_line(text, message, hint):
    """What follows is the hint, on one line."""
    assert _first_sentence(text) == (message, hint)


def test_nearest_is_what_the_hints_use():
    """A name far from all has none."""
    assert nearest("zzzz", ["wine"]) is None


@pytest.mark.spark
@pytest.mark.parametrize(
    ("query", "way_out"),
    [
        (
            "select id from (select a.*, b.* from wine a join wine b on a.id = b.id)",
            "needs `as` in that select",
        ),
        ("create temporary view twice as select 1 as a, 2 as a", "give one of them another name (`as`)"),
    ],
)
def test_a_refusal_of_every_day_says_what_to_do(raised, query, way_out):
    """Where Spark itself says nothing, or nothing of use."""
    assert way_out in raised(query).hint


@pytest.mark.spark
def test_a_column_that_a_format_cannot_hold_says_how_it_is_converted(spark, tmp_path):
    """A null has no type; a format of plain columns holds no fields."""
    with pytest.raises(spark_errors()) as caught:
        spark.sql("select null as nothing").write.csv(str(tmp_path / "rows"))
    told = sql_error(caught.value, {}, spark)
    assert "`nothing`" in told.message
    assert "cast(null as string)" in told.hint
