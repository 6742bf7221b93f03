"""``POST /model/predict``: the rows of a request, and a query over them in the caller's session."""

from __future__ import annotations

import json

import pytest

from mlsql.errors import ScriptError
from mlsql.predictions import objects, pipeline_query, texts, vectors


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (vectors, [[1, "2"]]),
        (vectors, [[1, True]]),
        (vectors, [[1, None]]),
        (vectors, [1]),
        (vectors, [[1], {}]),
        (vectors, [[10**400]]),
        (texts, [1]),
        (objects, [[1]]),
        (objects, [{}]),
        (objects, [{"a": 1}, {"a": "x"}]),
        (objects, [{"a": 10**40}]),
    ],
)
def test_rows_of_another_form_are_told(read, data):
    """By the number of the row, or the column."""
    with pytest.raises(ScriptError, match=r"row \d of|the column '(a|feature)' holds"):
        read(data)


def test_objects_may_leave_columns_out():
    """They are null there; integers and doubles of one column are doubles."""
    table = objects([{"a": 1, "b": "x"}, {"a": 2.5}, {"c": True}]).table
    assert table.to_pylist() == [
        {"a": 1.0, "b": "x", "c": None},
        {"a": 2.5, "b": None, "c": None},
        {"a": None, "b": None, "c": True},
    ]


def test_a_pipeline_hands_the_feature_on():
    """The first function sees it first."""
    assert pipeline_query("t, f") == "select f(t(feature)) as feature"
    for wrong in ("", "t,", "t(feature), f", "t;drop table x"):
        with pytest.raises(ScriptError, match="no name of a function"):
            pipeline_query(wrong)


@pytest.fixture(scope="module")
def server(client_of, engine):
    """A client of a real engine."""
    return client_of(engine)


def ask(server, **fields):
    """The reply to a request as JSON."""
    return server.post("/model/predict", json=fields)


@pytest.mark.spark
def test_vectors_are_given_to_functions(server):
    """As a vector, which also those take that want an array."""
    reply = ask(server, data=[[1, 2], [3, 4.5]], sql="select vec_array(vec_dense(feature))[1] as p;")
    assert (reply.status_code, reply.json()) == (200, [{"p": 2.0}, {"p": 4.5}])
    assert ask(server, data=[[1, 2]], pipeline="vec_array,size").json() == [{"feature": 2}]
    assert ask(server, data=[], pipeline="vec_array").json() == []


@pytest.mark.spark
def test_texts_and_objects_are_given_too(server):
    """In JSON and as the form of an old client."""
    reply = ask(server, dataType="string", data=["a b", "ü"], sql="SELECT upper(feature) as p")
    assert reply.json() == [{"p": "A B"}, {"p": "Ü"}]
    form = {
        "dataType": "row",
        "data": json.dumps([{"a": 1, "b": "x"}, {"a": 2}]),
        "sql": "select a + 1 as p, b",
        "sessionPerUser": "true",
        "perRequestCoreNum": "1",
        "context.__default__include_fetch_url__": "x",
    }
    assert server.post("/model/predict", data=form).json() == [{"p": 2, "b": "x"}, {"p": 3, "b": None}]


@pytest.mark.spark
def test_a_model_of_the_session_predicts(server, tmp_path):
    """A function that a script registered, by SQL and in a pipeline."""
    script = (
        "select vec_dense(array(id, 1)) as features, 2 * id + 1 as label from range(20) as data;"
        f'train data as SKLearn.`{tmp_path}/line` where `fitParam.0.alg`="LinearRegression" as trained;'
        f"register SKLearn.`{tmp_path}/line` as line;"
    )
    made = server.post("/run/script", json={"sql": script, "silence": True}, timeout=240)
    assert made.status_code == 200, made.text
    (row,) = ask(server, data=[[10, 1]], sql="select line(vec_dense(feature)) as p").json()
    assert row["p"] == pytest.approx(21)
    (row,) = ask(server, data=[[10, 1]], pipeline="line").json()
    assert row["feature"] == pytest.approx(21)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dataType": "row", "data": [{"alcohol": 1}], "sql": "select alcohl as p"}, "alcohl"),
        ({"data": [[1]], "sql": "select upper(nothing(feature)) as p"}, "nothing"),
        ({"data": [[1]], "sql": "select feature + 1 as p"}, "feature"),
        ({"data": [[1]], "sql": "select 1 as a from t"}, "from"),
        ({"data": [[1]], "sql": "select 1 as a as t; select 2 as b"}, "one select"),
        ({"data": [[1]], "sql": "drop table x"}, "one select"),
        ({"data": [[1]], "sql": ""}, "one select"),
        ({"data": [[1]]}, "either 'sql' or 'pipeline'"),
        ({"data": [[1]], "sql": "select 1 as a", "pipeline": "f"}, "either 'sql' or 'pipeline'"),
        ({"sql": "select 1 as a"}, "'data' is missing"),
        ({"data": "[1", "sql": "select 1 as a"}, "'data' cannot be read"),
        ({"data": [[1]], "dataType": "image", "sql": "select 1 as a"}, "dataType"),
        ({"data": [[1]], "datatype": "row", "sql": "select 1 as a"}, "did you mean 'dataType'"),
    ],
)
def test_what_cannot_be_asked_is_told(server, fields, said):
    """With status 400, naming it."""
    reply = ask(server, **fields)
    assert (reply.status_code, said in reply.text) == (400, True), reply.text


@pytest.mark.spark
def test_no_table_is_left_behind(server, engine):
    """Also when the query failed."""
    ask(server, data=[[1]], sql="select nothing as p")
    ask(server, data=[[1]], sql="select feature as p")
    assert [each.name for each in engine.spark.catalog.listTables() if each.name.startswith("given_")] == []
