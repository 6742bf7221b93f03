"""What there is, as small tables, on a real Spark."""

from __future__ import annotations

import re

import pyspark
import pytest

import mlsql
from mlsql.errors import UnknownName
from tests.stages.jobs import jobs_of

SHOWN = [
    "tables",
    "functions",
    "function/sum",
    "et",
    "et/params/RateSampler",
    "datasources",
    "datasources/params/csv",
    "commands",
    "version",
    "conf/list",
    "variables",
    "macros",
]


@pytest.mark.parametrize("what", SHOWN)
def test_everything_is_shown_without_a_job(scripts, what):
    """Slashes are as good as blanks."""
    found = []
    assert jobs_of(scripts.run.spark, lambda: found.extend(scripts.rows(f"!show {what};"))) == 0
    assert scripts("!show " + what.replace("/", " ") + ";").count() == len(found)


def test_tables_are_shown(scripts):
    """With names of two words and in Chinese."""
    scripts("select 1 as a as `my t`; select 2 as b as 表;")
    assert [(row["tableName"], row["isTemporary"]) for row in scripts.rows("!show tables;")] == [
        ("my t", True),
        ("表", True),
    ]


def test_functions_are_shown(scripts):
    """Spark's and mlsql's."""
    shown = {row["function"]: row for row in scripts.rows("!show functions;")}
    assert shown["sum"]["kind"] == "spark"
    assert shown["vec_norm"] == {
        "function": "vec_norm",
        "kind": "mlsql",
        "signature": "vec_norm(v array<double>, p double) -> double",
        "doc": "The p-norm; `double('infinity')` gives the greatest absolute number; "
        "null when a number is null.",
        "example": "vec_norm(array(3, 4), 2)",
    }


def test_a_function_is_described(scripts):
    """A line a row; an unknown one is told with the nearest."""
    assert {"description": "Function: sum"} in scripts.rows("!show function sum;")
    with pytest.raises(UnknownName) as caught:
        scripts("!show function summe;")
    assert caught.value.hint == "did you mean 'sum'?"


def test_algorithms_and_their_options_are_shown(scripts):
    """By the same declarations that read them."""
    shown = {row["name"]: row for row in scripts.rows("!show et;")}
    assert shown["RateSampler"]["transforms"]
    assert not shown["RateSampler"]["trains"]
    assert {"sampleRate", "labelCol"} <= {
        row["param"] for row in scripts.rows("!show et/params/ratesampler;")
    }
    shown = {row["param"] for row in scripts.rows("set a = RateSampler; !show et/params/${a};")}
    assert "sampleRate" in shown
    with pytest.raises(UnknownName) as caught:
        scripts("!show et/params/RateSamplr;")
    assert (caught.value.span.text, caught.value.hint) == ("RateSamplr", "did you mean 'RateSampler'?")


def test_formats_and_their_options_are_shown(scripts):
    """Which statement takes an option is told."""
    shown = {row["name"]: row for row in scripts.rows("!show datasources;")}
    assert (shown["csv"]["load"], shown["csv"]["save"]) == (True, True)
    options = {row["param"]: row["statements"] for row in scripts.rows("!show datasources/params/csv;")}
    assert options["inferSchema"] == "load"
    assert options["header"] == "load, save"


def test_every_command_is_shown_as_it_is_called(scripts):
    """A row a form, none for those that are refused."""
    calls = {row["call"]: row["doc"] for row in scripts.rows("!show commands;")}
    assert "!split TABLE [by COLUMN] with SHARES" in calls
    assert "!fs -mv SOURCE TARGET" in calls
    assert "!show et/params/NAME" in calls
    assert "!kill ID" in calls
    assert not any(re.match(r"!python\b", call) for call in calls)
    assert all(re.fullmatch(r"[A-Z].*\.", doc) for doc in calls.values())


def test_versions_are_shown(scripts):
    """Of what runs here."""
    shown = {row["name"]: row["version"] for row in scripts.rows("!show version;")}
    assert shown["mlsql"] == mlsql.__version__
    assert shown["spark"] == pyspark.__version__


def test_variables_and_macros_are_shown(scripts):
    """As they were set; what looks secret is not."""
    scripts("set n = '${today}'; set db_password = 'x1'; set 顶 = '''select * from {0} as t;''';")
    shown = {row["name"]: row["value"] for row in scripts.rows("!show variables;")}
    assert (shown["n"], shown["db_password"]) == ("${today}", "***")
    assert scripts.rows("!show macros;") == [{"name": "顶", "text": "select * from {0} as t;"}]


def test_settings_are_shown_without_their_secrets(scripts):
    """Those of the session."""
    scripts("set `spark.x.password` = 'x1' where type='conf'; set `spark.x.y` = 'z' where type='conf';")
    shown = {row["name"]: row["value"] for row in scripts.rows("!show conf/list;")}
    assert shown["spark.x.y"] == "z"
    assert "x1" not in shown.values()
