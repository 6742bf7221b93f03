"""``predict table as Algorithm.path``: the answers of a stored model beside the rows."""

from __future__ import annotations

import pytest

from mlsql.errors import InvalidOption, MissingColumn, MissingModel, MlsqlError, ScriptError, SqlError

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def model(engine, tmp_path_factory):
    """Where a model of two columns lies; the test's own ones would each cost a worker."""
    path = tmp_path_factory.mktemp("predict") / "m"
    engine.run(
        """
        select id * 1.0D as x, -id * 1.0D as `two words`, if(id > 5, "b", "a") as y from range(12) as points;
        train points as SKLearn.`${path}` where inputCols="x,two words" and labelCol="y"
          and evaluateTable="points" and fitParam.0.alg="GaussianNB" and fitParam.1.alg="DummyClassifier";
        """,
        parameters={"path": str(path)},
        fresh=True,
    )
    return path


@pytest.fixture
def scripts(scripts, model):
    """With that model as `m`, the table that it was made of, and one with a null."""
    rows = [(float(i), float(-i), "ab"[i > 5]) for i in range(12)]
    scripts.table("points", rows, "x double, `two words` double, y string")
    scripts.table("fresh", [(1, 0.0, -1), (2, 11.0, -11), (3, None, 0)], "id int, X double, `two words` int")
    (scripts.path / "m").symlink_to(model)
    return scripts


def test_each_row_gets_the_answer_of_the_best_model(scripts):
    """Beside its own columns, found by name; a null among the inputs makes it null."""
    assert scripts.rows("predict fresh as SKLearn.`m` as t;") == [
        {"id": 1, "X": 0.0, "two words": -1, "prediction": "a"},
        {"id": 2, "X": 11.0, "two words": -11, "prediction": "b"},
        {"id": 3, "X": None, "two words": 0, "prediction": None},
    ]


def test_it_answers_as_the_registered_function_does(scripts):
    """The same model, the same types."""
    script = """
        register SKLearn.`m` as f where algIndex=1;
        predict points as SKLearn.`m` where algIndex=1 and predictionCol="guess" as t;
        select count_if(guess = f(x, `two words`)) as same, count(*) as n from t as counted;
    """
    assert scripts.rows(script) == [{"same": 12, "n": 12}]


def test_functions_come_and_go_together(scripts):
    """With ``f`` its probabilities and every group's answer; ``!show functions`` tells them all."""
    own = "!show functions named fs; select function, signature from fs where kind = 'registered' as own;"
    (row,) = scripts.rows("register SKLearn.`m` as f;")
    assert list(row) == ["function", "signature", "path", "version", "group", "metrics", "serving"]
    assert {each["function"]: each["signature"].partition(" -> ")[2] for each in scripts.rows(own)} == {
        "f": "string",
        "f_all": "array<struct<algIndex: int, answer: string>>",
        "f_proba": "array<double>",
    }
    answers = "select f(x, `two words`) as g, f_all(x, `two words`).answer[0] as h, "
    check = scripts.rows(
        answers + "f_proba(x, `two words`)[1] > 0.5 as b from points where x in (0, 11) as t;"
    )
    assert [tuple(each.values()) for each in check] == [("a", "a", False), ("b", "b", True)]
    scripts("unregister f;")
    assert scripts.rows(own) == []


def test_a_prediction_is_lazy_and_leaves_no_function(scripts):
    """Nothing is read until the rows are; `show functions` is as before."""
    before = scripts("show user functions").count()
    frame = scripts("select 1 / 0 as x, 1 as `two words` as bad; predict bad as SKLearn.`m` as t;")
    assert frame.columns == ["x", "two words", "prediction"]
    assert scripts("show user functions").count() == before


@pytest.mark.parametrize(
    ("script", "error", "message", "span"),
    [
        ("predict points as SKLearn.`nowhere` as t;", MissingModel, "holds no model", "`nowhere`"),
        (
            "predict points as SKLearn.`m` where modelVersion=7 as t;",
            MissingModel,
            "no version 7",
            "modelVersion=7",
        ),
        ("predict points as SKLearn.`m` where algIndex=9 as t;", ScriptError, "no candidate 9", "algIndex=9"),
        ("predict points as SKLearn.`m` where algIndex=x as t;", InvalidOption, "a whole number", "x"),
        ("select 1 as x as t; predict t as SKLearn.`m`;", MissingColumn, "no column 'two words'", "SKLearn"),
        (
            "select 1 as x, 2 as `two words`, 3 as Prediction as t; predict t as SKLearn.`m`;",
            ScriptError,
            "a column 'prediction' already",
            "SKLearn",
        ),
        (
            "predict points as RateSampler.`m` as t;",
            ScriptError,
            "'RateSampler' does not predict",
            "RateSampler",
        ),
    ],
)
def test_what_cannot_be_predicted_is_told_in_its_place(scripts, script, error, message, span):
    """With the way out."""
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span.text == span


def test_a_column_of_another_type_is_told(scripts):
    """Before any Spark job."""
    with pytest.raises(MlsqlError) as caught:
        scripts("select array(1) as x, 2 as `two words` as t; predict t as SKLearn.`m`;")
    assert isinstance(caught.value, SqlError)
