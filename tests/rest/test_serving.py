"""A registered model answers the same over HTTP, a socket, in SQL on both lanes, embedded and its library."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mlsql
from mlsql.engine import default_owner
from mlsql.rest.service import sockets_folder
from mlsql.udf.serving.client import SocketClient

pytestmark = pytest.mark.spark
SECONDS = 240
SCRIPT = """
select double(id % 7) as a, if(id % 11 = 0, null, id * 0.5D) as b, vec_dense(array(id % 7, id)) as features,
    double(3 * (id % 7) - id) as y, if(id % 7 > 2, 'high', 'low') as label
from range(60) as rows;
train rows as SKLearn.`{root}/line` where labelCol="y" and `fitParam.0.alg`="LinearRegression" as t;
register SKLearn.`{root}/line` as line;
train rows as SKLearn.`{root}/forest` where labelCol="label" and `fitParam.0.alg`="RandomForestClassifier"
    and `fitParam.0.n_estimators`="5" as t;
register SKLearn.`{root}/forest` as forest;
train rows as SKLearn.`{root}/trees` where inputCols="a,b" and labelCol="label" and handleInvalid="keep"
    and `fitParam.0.alg`="HistGradientBoostingClassifier" and `fitParam.0.max_iter`="5" as t;
register SKLearn.`{root}/trees` as trees;
"""
FEATURES = [[0.0, 1.0], [6.0, 59.0], [2.5, -1e9], [3.0, 1e30]]
COLUMNS = [[0.0, 1.0], [5.0, None], [None, None], [2.5, 1e9], [3.0, 29.5]]


@dataclass
class Registered:
    """A server whose owner has the functions."""

    client: mlsql.Client
    http: Any
    sockets: Path
    root: Path

    def asked(self, fields):
        """The lane that answered, and the rows."""
        reply = self.http.post("/model/predict", json=fields, timeout=SECONDS)
        assert reply.status_code == 200, reply.text
        return reply.headers["X-Mlsql-Lane"], reply.json()


@pytest.fixture(scope="module")
def registered(client_of, engine, tmp_path_factory):
    """The models, once."""
    root = tmp_path_factory.mktemp("serving")
    http = client_of(engine)
    script = SCRIPT.format(root=root)
    reply = http.post("/run/script", json={"sql": script, "silence": True}, timeout=SECONDS)
    assert reply.status_code == 200, reply.text
    with mlsql.Client(str(http.base_url)) as client:
        yield Registered(client, http, sockets_folder(engine.settings), root)


def same(ours, theirs):
    """Labels equal, doubles to 1e-9."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(one, list):
            same(one, other)
        elif isinstance(one, float):
            assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
        else:
            assert one == other


@pytest.mark.parametrize("function", ["line", "forest"])
def test_a_function_of_features_answers_the_same_everywhere(registered, function):
    """Also for extreme values."""
    over_http = registered.client.predict(function, [[each] for each in FEATURES])
    with SocketClient(registered.sockets, owner=default_owner()) as socket:
        same(socket.predict(function, [[each] for each in FEATURES]), over_http)
    lane, rows = registered.asked({"data": FEATURES, "sql": f"select {function}(vec_dense(feature)) as p"})
    assert lane == "scorer"
    same([row["p"] for row in rows], over_http)
    lane, rows = registered.asked(
        {"data": FEATURES, "sql": f"select {function}(feature) as p, transform(array(1), x -> x) as spark"}
    )
    assert lane == "spark"
    same([row["p"] for row in rows], over_http)
    predictor = mlsql.load_predictor(str(registered.root / function))
    same([predictor.predict([each]) for each in FEATURES], over_http)
    same(_library(registered.root / function).predict(FEATURES).tolist(), over_http)


def test_a_function_of_columns_answers_the_same_everywhere(registered):
    """Nulls are values to it; the probabilities are those of the library."""
    by_name = [{"b": b, "a": a} for a, b in COLUMNS]
    over_http = registered.client.predict("trees", by_name)
    asked = {"dataType": "row", "data": by_name}
    for extra, wanted in (("", "scorer"), (", transform(array(1), x -> x) as spark", "spark")):
        lane, rows = registered.asked(
            {**asked, "sql": f"select trees(a, b) as p, trees_proba(a, b) as q{extra}"}
        )
        assert lane == wanted
        same([row["p"] for row in rows], over_http)
        same([row["q"] for row in rows], registered.client.predict("trees", by_name, companion="proba"))
    matrix = [[math.nan if each is None else each for each in row] for row in COLUMNS]
    frame = pd.DataFrame(matrix, columns=["a", "b"])
    same(_library(registered.root / "trees").predict(frame).tolist(), over_http)


def test_tables_are_answered_as_rows_are(registered):
    """Many at once, as Arrow."""
    rows = [{"a": float(number % 7), "b": None if number % 5 else 1.0} for number in range(1000)]
    assert registered.client.predict("trees", rows)[:20] == registered.client.predict("trees", rows[:20])


def test_clients_of_mlflow_are_answered(registered):
    """By the same model."""
    body = {"dataframe_split": {"columns": ["a", "b"], "data": COLUMNS}}
    reply = registered.http.post("/api/v1/models/trees/invocations", json=body)
    assert reply.json()["predictions"] == registered.client.predict("trees", COLUMNS)


def test_wrong_rows_disturb_nobody(registered):
    """Each is told; the next question is answered."""
    for rows, said in (([{"a": 1, "c": 2}], "'c'"), ([[1]], "takes 2"), ([["x", 1]], "'a'")):
        reply = registered.http.post("/api/v1/models/trees/predict", json={"rows": rows})
        assert (reply.status_code, said in reply.text) == (400, True)
    reply = registered.http.post("/api/v1/models/line/predict", json={"rows": [[[1.0]]]})
    assert reply.status_code in (400, 422)
    assert registered.client.predict("line", [[[0.0, 0.0]]])


def test_a_function_is_listed_with_its_model(registered):
    """Version and metrics come from the manifest."""
    listed = {each.name: each for each in registered.client.models()}
    assert {"line", "forest", "trees"} <= listed.keys()
    assert listed["trees"].inputs == {"a": "double", "b": "double"}
    told = registered.http.get("/api/v1/models/forest").json()
    assert (told["trouble"], told["form"] is not None) == (None, True)
    assert registered.client.predict(f"line@{listed['line'].version}", [[[0.0, 0.0]]])


def _library(path):
    """The fitted estimator as its library loads it."""
    import mlflow.sklearn

    manifest = next(path.glob("_model_*/manifest.json"))
    (index,) = {each["index"] for each in json.loads(manifest.read_text())["candidates"]}
    return mlflow.sklearn.load_model(str(manifest.parent / "model" / str(index)))
