from __future__ import annotations

import pytest

from mlsql.errors import ScriptError, UnknownName

pytestmark = pytest.mark.spark


def test_the_list_of_algorithms_says_what_each_can(scripts):
    """Trains, transforms, predicts, and a sentence."""
    rows = {row["name"]: row for row in scripts.rows("load modelList.`` as t;")}
    assert (rows["RateSampler"]["trains"], rows["RateSampler"]["transforms"]) == (False, True)
    assert rows["SKLearn"]["trains"]
    assert all(row["doc"].endswith(".") for row in rows.values())


def test_the_options_of_an_algorithm_are_those_that_it_declares(scripts):
    """Default, whether it must be given, and what it takes, in words."""
    rows = {row["param"]: row for row in scripts.rows("load modelParams.`RateSampler` as t;")}
    assert rows["sampleRate"]["default"] == "0.9,0.1"
    assert rows["isSplitWithSubLabel"]["type"] == "'true' or 'false'"
    assert not rows["labelCol"]["required"]


def test_the_parameters_of_an_estimator_are_listed_without_scikit_learn(scripts):
    """From the table that the check uses; names in any case."""
    rows = {
        row["param"]: row for row in scripts.rows("load modelParams.`sklearn.randomforestclassifier` as t;")
    }
    assert rows["n_estimators"]["default"] == "100"
    assert rows["n_estimators"]["type"] == "a whole number of at least 1"


@pytest.mark.parametrize("name", ["RateSampler", "JDBC", "SKLearn"])
def test_an_example_runs_as_it_stands(scripts, name, monkeypatch, tmp_path):
    """In a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (row,) = scripts.rows(f"load modelExample.`{name}` as t;")
    assert row["name"] == name
    assert scripts(row["example"]) is not None


@pytest.mark.parametrize(
    ("path", "column", "value"),
    [
        ("datasources", "name", "csv"),
        ("datasources/params/csv", "param", "header"),
        ("et", "name", "RateSampler"),
        ("et/params/RateSampler", "param", "seed"),
        ("tables", "tableName", "here"),
        ("functions", "function", "vec_dense"),
        ("variables", "name", "greeting"),
        ("conf", "name", "spark.sql.session.timeZone"),
        ("version", "name", "spark"),
    ],
)
def test_a_system_table_lists_what_there_is(scripts, path, column, value):
    """The same as the command ``!show``."""
    script = f"select 1 as a as here; set greeting='hello'; load _mlsql_.`{path}` as t; select * from t as u;"
    assert value in {row[column] for row in scripts.rows(script)}


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("load modelParams.`RateSampel` as t;", UnknownName, "no algorithm is called 'RateSampel'"),
        ("load modelParams.`SKLearn.KMean` as t;", UnknownName, "no model of SKLearn is called 'KMean'"),
        ("load modelParams.`RateSampler.x` as t;", ScriptError, "no models with parameters of their own"),
        ("load modelExample.`Nothing` as t;", UnknownName, "no algorithm is called 'Nothing'"),
        ("load _mlsql_.`tabels` as t;", UnknownName, "no system table is called 'tabels'"),
        ("load _mlsql_.`datasources/params/cvs` as t;", UnknownName, "no source is called 'cvs'"),
    ],
)
def test_what_is_not_there_is_named_at_the_path(scripts, script, error, message):
    """With the nearest that is."""
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span.text.startswith("`")


def test_variables_and_settings_that_are_secret_are_starred_out(scripts):
    """By their names, and a text that is the password of a connection."""
    rows = scripts.rows(
        """
        set db_password="hidden"; set other="also hidden"; set plain="seen";
        connect jdbc where url="jdbc:derby:memory:x" and password="${other}" as x;
        load _mlsql_.`variables` as t;
        """
    )
    values = {row["name"]: row["value"] for row in rows}
    assert (values["db_password"], values["other"], values["plain"]) == ("***", "***", "seen")
