"""Beside a function of a model: the probabilities of its classes, and the answers of all candidates."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from pyspark.errors import AnalysisException
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from mlsql.models.manifest import StoredModel
from mlsql.session import Session
from mlsql.udf.companions import forget_functions, register_functions
from tests.stages.jobs import jobs_of

pytestmark = pytest.mark.spark

IRIS = load_iris(as_frame=True)
FRAME = IRIS.data.iloc[:, :2].set_axis(["length", "the width"], axis=1)
NAMES = np.array(["山鸢尾", "versicolor", "virginica"])[IRIS.target]
INPUTS = dict.fromkeys(FRAME.columns, "double")


@pytest.fixture
def owner(session):
    """An owner's session, with the table ``flowers``."""
    session.createDataFrame(FRAME.reset_index()).coalesce(2).createOrReplaceTempView("flowers")
    return Session("ann", session)


@pytest.fixture(scope="module")
def iris(store_model):
    """A classifier of text from two columns."""
    return store_model(LogisticRegression().fit(FRAME.to_numpy(), NAMES), INPUTS, output="string")


@pytest.fixture(scope="module")
def several(iris, store_model):
    """A version with three candidates, of which number 1 failed."""
    other = store_model(
        DummyClassifier(strategy="constant", constant="virginica").fit(FRAME.to_numpy(), NAMES),
        INPUTS,
        output="string",
    )
    shutil.copytree(other.folder, iris.stored.directory(2))
    first = iris.candidate
    failed = dataclasses.replace(first, index=1, status="fail", message="it would not")
    candidates = (dataclasses.replace(first, index=2), first, failed)
    return StoredModel(iris.stored.ref, dataclasses.replace(iris.stored.manifest, candidates=candidates))


def register(owner, name, model, **facts):
    """Make the functions of a model."""
    manifest = dataclasses.replace(model.stored.manifest, **facts)
    return register_functions(owner, name, StoredModel(model.stored.ref, manifest), model.candidate)


def test_probabilities_are_those_of_scikit_learn(owner, iris):
    """An array a row in the order of the classes, from arguments by position and by name."""
    register(owner, "species", iris)
    rows = owner.spark.sql("""
        select species_proba(length, `the width`) as p,
               species_proba(`the width` => `the width`, length => length) as q
        from flowers order by index
    """)
    assert rows.schema["p"].dataType.simpleString() == "array<double>"
    given = rows.toPandas()
    expected = iris.estimator.predict_proba(FRAME.to_numpy())
    for column in ("p", "q"):
        np.testing.assert_allclose(np.stack(given[column]), expected, rtol=0, atol=1e-9)


def test_probabilities_of_features_take_arrays_and_vectors(owner, store_model):
    """As the function itself does; the argmax of them is the class."""
    estimator = LogisticRegression(max_iter=500).fit(IRIS.data.to_numpy(), IRIS.target)
    model = store_model(
        estimator, {"features": "array<double>"}, form="features", features=4, output="bigint"
    )
    register(owner, "f", model)
    rows = pd.DataFrame({"id": range(len(IRIS.data)), "a": list(IRIS.data.to_numpy())})
    owner.spark.createDataFrame(rows).createOrReplaceTempView("arrays")
    query = "select f(a), vec_argmax(f_proba(a)), vec_argmax(f_proba(vec_dense(a))) from arrays order by id"
    assert [tuple(row) for row in owner.spark.sql(query).collect()] == [
        (answer,) * 3 for answer in estimator.predict(IRIS.data.to_numpy())
    ]


def test_every_candidate_answers_with_its_number(owner, several, iris):
    """In the order of the numbers, without those that failed; ``.answer`` is an array of the answers."""
    register_functions(owner, "f", several, iris.candidate)
    row = owner.spark.sql("select f_all(5.1, 3.5) as every, f_all(5.1, 3.5).answer as answers").first()
    assert [tuple(each) for each in row.every] == [(0, "山鸢尾"), (2, "virginica")]
    assert row.answers == ["山鸢尾", "virginica"]


def test_a_null_argument_makes_all_of_them_null(owner, several, iris):
    """Rows beside it keep theirs, also where one batch has both; a batch of nulls alone will do."""
    register_functions(owner, "f", several, iris.candidate)
    rows = owner.spark.sql("""
        select f_proba(a, b) is null, f_all(a, b) is null
        from values (5.1, 3.5), (null, 3.5), (5.1, null), (6, 3) as t(a, b)
    """).collect()
    assert [tuple(row) for row in rows] == [(False, False), (True, True), (True, True), (False, False)]
    assert owner.spark.sql("select f_proba(null, 1), f_all(1, null)").first() == (None, None)


@pytest.mark.parametrize(
    "estimator", [LinearSVC(), LinearRegression()], ids=["support vectors", "regression"]
)
def test_a_model_without_probabilities_has_no_function_of_them(owner, store_model, estimator):
    """Of a classifier without them an executor knows, with a regression nobody asks."""
    kind = "classifier" if isinstance(estimator, LinearSVC) else "regressor"
    model = store_model(estimator.fit(FRAME.to_numpy(), IRIS.target), INPUTS)
    register(owner, "f", model, kind=kind)
    assert sorted(owner.functions) == ["f", "f_all"]
    with pytest.raises(AnalysisException, match="f_proba"):
        owner.spark.sql("select f_proba(1, 2)")


def test_metrics_that_need_probabilities_save_the_look_at_the_model(owner, iris):
    """No Spark job is started then; otherwise it is one."""
    judged = dataclasses.replace(iris.candidate, metrics={"logLoss": 0.5})
    assert jobs_of(owner.spark, lambda: register_functions(owner, "f", iris.stored, judged)) == 0
    assert "f_proba" in owner.functions
    assert jobs_of(owner.spark, lambda: register(owner, "g", iris)) == 1


def test_registering_again_leaves_nothing_of_the_model_before(owner, iris, store_model):
    """Its probabilities go when the new one has none; other functions stay."""
    register(owner, "f", iris)
    register(owner, "g", iris)
    register(
        owner,
        "f",
        store_model(LinearRegression().fit([[0.0], [1.0]], [0, 1]), {"a": "double"}),
        kind="regressor",
    )
    assert sorted(owner.functions) == ["f", "f_all", "g", "g_all", "g_proba"]
    assert owner.spark.sql("select f_all(1).answer").first()[0] == pytest.approx([1.0])
    with pytest.raises(AnalysisException, match="f_proba"):
        owner.spark.sql("select f_proba(1)")


def test_forgetting_a_function_forgets_what_came_with_it(owner, iris):
    """But not a function that was registered by such a name itself."""
    register(owner, "f_all", iris)
    register(owner, "f_al", iris)
    forget_functions(owner, "f_al")
    assert sorted(owner.functions) == ["f_all", "f_all_all", "f_all_proba"]
    for name in ("f_al", "f_al_proba", "f_al_all"):
        with pytest.raises(AnalysisException, match=name):
            owner.spark.sql(f"select {name}(1, 2)")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            "f_proba(1)",
            "f_proba takes 2 arguments, not 1: f_proba(length double, `the width` double) -> array<double>",
        ),
        ("f_all(1, array(2))", "f_all takes double for the width, not array<int>: f_all(length double, "),
    ],
)
def test_a_wrong_call_shows_the_signature_before_any_job(owner, iris, call, sentence):
    """As it does with the function itself."""
    register(owner, "f", iris)
    with pytest.raises(AnalysisException) as caught:
        owner.spark.sql(f"select {call}")
    assert sentence in str(caught.value)
