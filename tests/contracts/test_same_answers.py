"""A registered model answers the same in a program, over a socket, over HTTP, in SQL here and on Spark."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.linalg import Vectors

import mlsql
from mlsql.engine import default_owner
from mlsql.errors import MlsqlError
from mlsql.rest.service import sockets_folder
from mlsql.udf.serving.client import SocketClient
from tests.contracts.answered_models import SCRIPTS, STATEMENTS, TABLES, Rows
from tests.rest.conftest import served

pytestmark = [pytest.mark.spark, pytest.mark.timeout(3000)]
SECONDS = 900
NEAR = 1e-9
SINGLE = 10
"""So many rows are asked for one by one too."""


@dataclass(frozen=True)
class Model:
    """A registered candidate, and what its own library says."""

    function: str
    path: str
    index: int
    rows: Rows
    keeps: bool
    library: Any = field(repr=False)
    predictor: Any = field(repr=False)

    @property
    def has_probabilities(self):
        """Whether it is a classifier whose library tells any."""
        return self.predictor.classes is not None and hasattr(self.library, "predict_proba")

    def said(self, table, method="predict"):
        """What the library says of the rows of *table*; None where a null leaves one without an answer.

        So does an answer that is NaN.
        """
        table, answers = table.select(self.rows.inputs), np.full(len(table), None)
        present = np.ones(len(table), dtype=bool)
        if not self.keeps:
            present = np.logical_and.reduce([each.is_valid().to_numpy() for each in table.columns])
        given = table.filter(pa.array(present))
        if not len(given):
            return answers.tolist()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # libraries warn of what is strange
            features = matrix_of(given) if "features" in table.column_names else frame_of(given)
            found = np.asarray(getattr(self.library, method)(features)).tolist()
        for place, answer in zip(np.flatnonzero(present), found, strict=True):
            answers[place] = None if isinstance(answer, float) and math.isnan(answer) else answer
        return answers.tolist()


@dataclass
class Answered:
    """The models of a set, the rows that each library takes, and the server that has the functions."""

    engine: Any
    http: Any
    client: mlsql.Client
    socket: SocketClient
    models: tuple[Model, ...]
    asked: dict[str, pa.Table]
    refused: dict[str, pa.Table]

    @cached_property
    def spark(self):
        """What the functions say on Spark, by their names; those that get the same rows in one query."""
        groups = defaultdict(list)
        for model in self.models:
            groups[id(model.rows), str(self.refused[model.function].to_pylist())].append(model)
        return {name: answers for models in groups.values() for name, answers in self._said(models).items()}

    def _said(self, models):
        table, inputs = self.asked[models[0].function], ", ".join(models[0].rows.inputs)
        names = [each.function for each in models]
        names += [f"{each.function}_proba" for each in models if each.has_probabilities]
        numbered = table.append_column("row", pa.array(range(len(table))))
        self.engine.spark.createDataFrame(numbered).createOrReplaceTempView("asked")
        calls = ", ".join(f"{name}({inputs}) as {name}" for name in names)
        with self.engine.run(f"select row, {calls} from asked as said;").reading() as frame:
            rows = sorted(frame.collect())
        return {name: [row[name] for row in rows] for name in names}


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.slow)])
def answered(request, engine, tmp_path_factory):
    """Each statement trains and registers its candidates once."""
    root, is_all = tmp_path_factory.mktemp("models"), request.param == "all"
    statements = [each for each in STATEMENTS if is_all or each.few]
    rows = {name: TABLES[name]() for name in dict.fromkeys(each.rows for each in statements)}
    for name, each in rows.items():
        engine.spark.createDataFrame(each.real).createOrReplaceTempView(name)
    with served(engine) as http, mlsql.Client(str(http.base_url), timeout=SECONDS) as client:
        scripts = [f"set {name}='''{text}''';" for name, text in SCRIPTS.items()]
        counts = [len(each.candidates) if is_all else each.few for each in statements]
        pairs = [*zip(statements, counts, strict=True)]
        for one, count in pairs:
            text = "\n".join([*scripts, one.script(f"{root}/{one.name}", count)])
            reply = http.post("/run/script", json={"sql": text, "silence": True}, timeout=SECONDS)
            assert reply.status_code == 200, reply.text
        models = tuple(
            model_of(f"{root}/{one.name}", one, number, rows[one.rows], engine.spark)
            for one, count in pairs
            for number in range(count)
        )
        asked, refused = {}, {}
        for each in models:
            taken = [
                takes(each, each.rows.strange.slice(place, 1)) for place in range(len(each.rows.strange))
            ]
            real = each.rows.real.select(each.rows.inputs)
            asked[each.function] = pa.concat_tables([real, each.rows.strange.filter(pa.array(taken))])
            refused[each.function] = each.rows.strange.filter(pa.array([not one for one in taken]))
        folder = sockets_folder(engine.settings)
        with SocketClient(folder, owner=default_owner(), timeout=SECONDS) as socket:
            yield Answered(engine, http, client, socket, models, asked, refused)


def model_of(path, statement, index, rows, spark):
    """The registered candidate *index*."""
    return Model(
        f"{statement.name}_{index}",
        path,
        index,
        rows,
        statement.keeps,
        library_of(Path(path) / "_model_0" / "model" / str(index), spark),
        mlsql.load_predictor(path, index=index),
    )


@dataclass(frozen=True)
class SparkLibrary:
    """A model of Spark ML, asked by Spark ML."""

    pipeline: Any
    spark: Any

    def predict(self, matrix):
        """A number a row."""
        rows = [(place, Vectors.dense(row)) for place, row in enumerate(matrix)]
        answered = self.pipeline.transform(self.spark.createDataFrame(rows, ["row", "features"]))
        return [row.prediction for row in sorted(answered.select("row", "prediction").collect())]


def library_of(folder, spark):
    """The fitted model, as MLflow or Spark loads it."""
    if (folder / "sparkml").exists():
        return SparkLibrary(PipelineModel.load(str(folder / "sparkml")), spark)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        import mlflow.pyfunc
        import mlflow.sklearn

        described = (folder / "MLmodel").read_text()
        return (mlflow.sklearn if "\n  sklearn:" in described else mlflow.pyfunc).load_model(str(folder))


def matrix_of(table):
    """Its one column of arrays."""
    return np.stack(table["features"].to_numpy())


def frame_of(table):
    """Its columns, whole numbers as doubles."""
    frame = table.to_pandas()
    return frame.astype({name: float for name in frame.columns if frame[name].dtype == "int64"})


def takes(model, row):
    """Whether the library answers such a row; Spark ML makes numbers of what is none, which we refuse."""
    if isinstance(model.library, SparkLibrary) and not all(map(is_told_by_json, row.to_pylist()[0].values())):
        return False
    try:
        model.said(row)
    except ValueError:
        return False
    return True


def embedded(answered, model, table, companion=""):
    """By ``mlsql.load_predictor``."""
    given = columns_of(table)
    return model.predictor.probabilities_many(given) if companion else model.predictor.predict_many(given)


def over_socket(answered, model, table, companion=""):
    """From the scorer itself, as Arrow."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream = answered.socket.predict(model.function, sink.getvalue().to_pybytes(), companion=companion)
    return pa.ipc.open_stream(stream).read_all()["prediction"].to_pylist()


def over_http(answered, model, table, companion=""):
    """By the client of the server."""
    return answered.client.predict(model.function, table, companion=companion)


def in_sql(answered, model, table, companion=""):
    """By a query that the scorer answers, unless only the library can; JSON has neither infinity nor NaN."""
    rows = table.to_pylist()
    are_told = [all(map(is_told_by_json, row.values())) for row in rows]
    told = [row for row, is_told in zip(rows, are_told, strict=True) if is_told]
    call = f"{model.function}{companion and '_' + companion}({', '.join(model.rows.inputs)})"
    asked = {"dataType": "row", "data": told, "sql": f"select {call} as p"}
    reply = answered.http.post("/model/predict", json=asked, timeout=SECONDS)
    assert reply.status_code == 200, reply.text
    lane = "spark" if model.predictor.form == "library" else "scorer"
    assert reply.headers["X-Mlsql-Lane"] == lane
    answers = iter(row.get("p") for row in reply.json())
    found = [next(answers) if is_told else None for is_told in are_told]
    for place, answer in enumerate(found):
        if answer is None or (isinstance(answer, list) and None in answer):
            wanted = model.said(table.slice(place, 1), METHODS[companion])[0]
            found[place] = answer if are_told[place] and is_told_by_json(wanted) else wanted
    return found


def columns_of(table):
    """The columns as plain lists."""
    return {name: table[name].to_pylist() for name in table.column_names}


def is_told_by_json(value):
    """Whether a number, or each of an array, is finite."""
    if isinstance(value, list):
        return all(map(is_told_by_json, value))
    return not isinstance(value, float) or math.isfinite(value)


def on_spark(answered, model, table, companion=""):
    """By the function in Spark's SQL."""
    return answered.spark[model.function + (companion and "_" + companion)]


METHODS = {"": "predict", "proba": "predict_proba"}
LANES = [embedded, over_socket, over_http, in_sql, on_spark]


@pytest.mark.parametrize("lane", LANES)
def test_every_lane_answers_as_the_library(answered, lane):
    """Labels equal, doubles to 1e-9, probabilities too: on real rows and on strange ones."""
    wrong = {}
    for model in answered.models:
        table = answered.asked[model.function]
        for companion in ("", "proba") if model.has_probabilities else ("",):
            wanted = model.said(table, METHODS[companion])
            try:
                found = lane(answered, model, table, companion)
                assert len(found) == len(wanted)
            except (MlsqlError, AssertionError) as error:  # the others are looked at all the same
                wrong[model.function, companion] = repr(error)[:500]
                continue
            different = [place for place, each in enumerate(wanted) if not same(found[place], each)]
            for place in different[:1]:
                told = table.slice(place, 1).to_pylist(), found[place], wanted[place]
                wrong[model.function, companion] = (len(different), told)
    assert wrong == {}


@pytest.mark.parametrize("lane", [embedded, over_socket, over_http])
def test_what_a_library_refuses_every_lane_refuses(answered, lane):
    """Infinity, where it means nothing to the model: by an error, not by an answer."""
    for model in answered.models:
        refused = answered.refused[model.function]
        for place in range(len(refused)):
            with pytest.raises(MlsqlError):
                lane(answered, model, refused.slice(place, 1))


def test_one_row_is_answered_as_among_many(answered):
    """In a program, where both have ways of their own: real rows, and all that are strange."""
    for model in answered.models:
        table, strange = answered.asked[model.function], len(model.rows.strange)
        rows = [*table.slice(0, SINGLE).to_pylist(), *table.slice(len(table) - strange).to_pylist()]
        many = model.predictor.predict_many(rows)
        assert all(map(same, map(model.predictor.predict, rows), many)), model.function


def test_the_form_that_answers_is_told(answered):
    """In the manifest, with what was measured of it and why others do not; by the server as well."""
    for model in answered.models:
        told = answered.http.get(f"/api/v1/models/{model.function}").json()
        forms = model.predictor.model.candidate.forms
        assert all(each.exact or each.reason for each in forms)
        exact = [each for each in forms if each.exact]
        fastest = min(exact, key=lambda each: each.microseconds, default=None)
        if fastest is not None:  # a model of Spark ML has one form
            assert model.predictor.form == told["form"] == fastest.name
            assert told["latencyMicroseconds"] == fastest.microseconds > 0


def same(ours, theirs):
    """Labels equal, doubles to 1e-9."""
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float) and isinstance(ours, float):
        are_nan = math.isnan(ours) and math.isnan(theirs)
        return are_nan or math.isclose(ours, theirs, rel_tol=NEAR, abs_tol=NEAR)
    return type(ours) is type(theirs) and ours == theirs
