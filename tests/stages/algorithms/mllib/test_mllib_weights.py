"""Each plain form, and each function in SQL, answers as Spark ML's own transform does, on real rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mlsql.bridge.request import Columns
from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, ModelRef, StoredModel
from mlsql.stages.algorithms.mllib.catalogue import ESTIMATORS
from mlsql.stages.algorithms.mllib.fits import EstimatorFits
from mlsql.stages.algorithms.mllib.frames import Layout
from mlsql.stages.algorithms.mllib.functions import register_model
from mlsql.stages.algorithms.mllib.weights import StoredFit, read_weights
from mlsql.stages.algorithms.spark_models import save_spark_model
from mlsql.udf.predictors.plain import read_plain, write_plain

pytestmark = pytest.mark.spark

DECLARED = {each.name: each for each in ESTIMATORS}


@dataclass
class Rows:
    """A table as Spark learns from it, and its matrix."""

    frame: object
    matrix: np.ndarray
    truth: np.ndarray
    classes: tuple | None


@pytest.fixture(scope="module")
def tables(spark):
    """Every third row of three sets of scikit-learn, prepared once."""
    from pyspark.ml.linalg import Vectors
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

    def rows(load, step, classes):
        matrix, truth = load(return_X_y=True)
        matrix, truth = matrix[::step], truth[::step]
        given = [
            (Vectors.dense(row), float(label), float(number % 3 > 0))
            for number, (row, label) in enumerate(zip(matrix, truth, strict=True))
        ]
        frame = spark.createDataFrame(given, ["features", "__truth", "censor"]).coalesce(1).cache()
        return Rows(frame, matrix, truth, classes)

    made = {
        "cancer": rows(load_breast_cancer, 6, (0, 1)),
        "iris": rows(load_iris, 2, (0, 1, 2)),
        "diabetes": rows(load_diabetes, 4, None),
    }
    yield made
    for each in made.values():
        each.frame.unpersist()


@pytest.fixture(scope="module")
def known():
    """The models that are fitted so far."""
    return {}


@pytest.fixture
def fitted(tables, known, scripts):
    """Gives the model of Spark ML with some params on a table; each is fitted once."""

    def model(name, params, table):
        key = name, table, tuple(params.items())
        if key not in known:
            known[key] = fitted_on(tables[table], name, params, scripts.run)
        return known[key]

    return model


def fitted_on(rows, name, params, run):
    """The model of Spark ML."""
    declared = DECLARED[name]
    classes = rows.classes if declared.kind == "classifier" else None
    label = Column("label", "int") if classes else None
    layout = Layout(Columns("features", (Column("features", "vector"),), label), classes)
    return EstimatorFits({name: declared}, layout).fit(rows.frame, params, run)


def stored(model, run, folder):
    """Its plain form, as it comes back from the files; some are made of those of Spark ML."""
    folder.mkdir()
    if any(part in model.declared.weights for part in ("tree_weights", "bisecting")):
        model.save(folder, run)
    else:
        fit = StoredFit(model.model, model.layout.classes or (), folder)
        write_plain(folder, read_weights(model.declared.weights, fit))
    return read_plain(folder)


def register(model, name, params, classes, run, path):
    """Make ``f`` of the only candidate below *path*."""
    times = {"started": "", "ended": "", "seconds": 0.0, "rows": 1}
    candidate = CandidateRecord(index=0, algorithm=name, params=params, status="success", **times)
    manifest = Manifest(
        algorithm=name,
        kind=model.kind,
        form="features",
        inputs=(Column("features", "array<double>"),),
        features=model.width,
        output=model.traits.answer,
        classes=classes,
        candidates=(candidate,),
        data=DataRecord(rows=1, bytes=1, checksum="", transport="spark"),
    )
    register_model(
        run.session, "f", StoredModel(ModelRef(str(path), 0), manifest), candidate, model.declared.gives
    )


def asked(spark, matrix):
    """The answers of ``f`` to arrays and to vectors, and those of ``f_all``; no row goes to Python."""
    rows = [(number, row.tolist()) for number, row in enumerate(matrix)]
    frame = spark.createDataFrame(rows, "n int, features array<double>").coalesce(1)
    answers = frame.selectExpr("f(features)", "f(vec_dense(features))", "f_all(features)[0].answer")
    assert "Python" not in answers._jdf.queryExecution().executedPlan().toString()
    told = [
        [each.toArray() if hasattr(each, "toArray") else each for each in row] for row in answers.collect()
    ]
    return tuple(map(np.array, zip(*told, strict=True)))


USUAL = [
    ("LogisticRegression", "iris", {"regParam": "0.01", "thresholds": "[0.2,0.5,0.3]", "maxIter": "8"}),
    ("RandomForest", "iris", {"numTrees": "3"}),
    ("GBTs", "cancer", {"maxIter": "2"}),
    ("NaiveBayes", "iris", {}),
    ("MultilayerPerceptron", "iris", {"layers": "[4,5,3]", "maxIter": "5"}),
    ("LSVM", "cancer", {"maxIter": "4"}),
    ("GBTRegressor", "diabetes", {"maxIter": "2"}),
    ("DecisionTreeRegressor", "diabetes", {}),
    ("GeneralizedLinearRegression", "diabetes", {"family": "tweedie", "variancePower": "1.5"}),
    ("AFTSurvival", "diabetes", {"maxIter": "5"}),
    ("KMeans", "iris", {"k": "3", "maxIter": "4"}),
    ("BisectingKMeans", "iris", {"k": "4", "maxIter": "4"}),
    ("GaussianMixture", "iris", {"k": "2", "maxIter": "5"}),
]
MORE = [
    ("LogisticRegression", "cancer", {"threshold": "0.8", "maxIter": "5"}),
    ("NaiveBayes", "iris", {"modelType": "complement"}),
    ("DecisionTree", "iris", {}),
    ("RandomForestRegressor", "diabetes", {"numTrees": "4"}),
    ("GeneralizedLinearRegression", "diabetes", {"family": "poisson"}),
    ("GeneralizedLinearRegression", "cancer", {"family": "binomial", "link": "probit", "regParam": "0.1"}),
    ("KMeans", "iris", {"k": "3", "distanceMeasure": "cosine"}),
    ("BisectingKMeans", "iris", {"k": "3", "distanceMeasure": "cosine"}),
]


@pytest.mark.parametrize(
    ("name", "table", "params"), [*USUAL, *(pytest.param(*each, marks=pytest.mark.slow) for each in MORE)]
)
def test_the_plain_form_equals_spark(tables, fitted, scripts, tmp_path, name, table, params):
    """To 1e-9, labels and probabilities, and one row alone as among many."""
    rows = tables[table]
    model = fitted(name, params, table)
    plain = stored(model, scripts.run, tmp_path / "model")
    tells = DECLARED[name].gives == "probabilities"
    columns = ["prediction", *(["probability"] if tells else [])]
    answers = model.model.transform(rows.frame).select(columns).collect()
    expected = np.array([each.prediction for each in answers])
    given = plain.predict(rows.matrix)
    assert given == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert plain.predict(rows.matrix[3]) == given[3]
    if tells:
        probabilities = np.array([each.probability.toArray() for each in answers])
        assert plain.probabilities(rows.matrix) == pytest.approx(probabilities, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "table", "params"),
    [
        pytest.param(*each, marks=() if each[0] in ("LSVM", "RandomForest") else pytest.mark.slow)
        for each in (*USUAL, *MORE, ("IsotonicRegression", "diabetes", {"featureIndex": "2"}))
    ],
)
def test_the_function_equals_spark(tables, fitted, scripts, tmp_path, name, table, params):
    """To 1e-9, labels and probabilities, of arrays and of vectors."""
    rows = tables[table]
    model = fitted(name, params, table)
    folder = tmp_path / "_model_0" / "model" / "0"
    folder.mkdir(parents=True)
    save_spark_model(model.model, folder, scripts.run.spark)
    tells = DECLARED[name].gives == "probabilities"
    answers = model.model.transform(rows.frame).collect()
    expected = np.array([each.prediction for each in answers])
    register(model, name, params, rows.classes, scripts.run, tmp_path)
    of_arrays, of_vectors, labels = asked(scripts.run.spark, rows.matrix)
    assert labels == pytest.approx(expected, rel=1e-9, abs=1e-9)
    if tells:
        expected = np.array([each.probability.toArray() for each in answers])
    assert of_arrays == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.array_equal(of_arrays, of_vectors)


def test_categories_are_answered_as_by_spark(spark, scripts, tmp_path):
    """A tree that asks for categories goes left and right as Spark's does, also with an unknown one."""
    from pyspark.ml.feature import VectorIndexer
    from pyspark.ml.linalg import Vectors

    matrix = np.array([[number % 7, number % 4, number / 9] for number in range(84)], dtype=float)
    truth = (matrix[:, 0] * 3 % 5 + matrix[:, 1] * matrix[:, 2] > 4).astype(float)
    given = [(Vectors.dense(row), float(label)) for row, label in zip(matrix, truth, strict=True)]
    raw = spark.createDataFrame(given, ["raw", "__truth"]).coalesce(1)
    indexed = VectorIndexer(inputCol="raw", outputCol="features", maxCategories=8).fit(raw).transform(raw)
    rows = Rows(indexed, matrix, truth, (0, 1))
    model = fitted_on(rows, "DecisionTree", {"maxDepth": "4"}, scripts.run)
    plain = stored(model, scripts.run, tmp_path / "model")
    asked = [*matrix, [9.0, 1.0, 2.0], [2.0, 7.0, 3.0]]
    expected = [model.model.predictProbability(Vectors.dense(row)).toArray() for row in asked]
    assert plain.probabilities(np.array(asked)) == pytest.approx(np.array(expected), abs=1e-12)


def test_topics_are_those_of_spark(tables, fitted, scripts, tmp_path):
    """As near as Spark itself comes to what its inference goes to."""
    rows = tables["iris"]
    model = fitted("LDA", {"k": "3", "maxIter": "3"}, "iris")
    plain = stored(model, scripts.run, tmp_path / "model")
    answers = model.model.transform(rows.frame).select("topicDistribution").collect()
    expected = np.array([each.topicDistribution.toArray() for each in answers])
    assert plain.predict(rows.matrix) == pytest.approx(expected, abs=1e-3)


def test_linear_regression_is_that_of_scikit_learn(tables, fitted, scripts, tmp_path):
    """The same sums of least squares on the same rows."""
    from sklearn.linear_model import LinearRegression

    rows = tables["diabetes"]
    plain = stored(fitted("LinearRegression", {}, "diabetes"), scripts.run, tmp_path / "model")
    expected = LinearRegression().fit(rows.matrix, rows.truth).predict(rows.matrix)
    assert plain.predict(rows.matrix) == pytest.approx(expected, rel=1e-6)


def test_gaussian_bayes_is_that_of_scikit_learn(tables, fitted, scripts, tmp_path):
    """The same probabilities, but for the little that scikit-learn adds to each variance."""
    from sklearn.naive_bayes import GaussianNB

    rows = tables["iris"]
    model = fitted("NaiveBayes", {"modelType": "gaussian"}, "iris")
    plain = stored(model, scripts.run, tmp_path / "model")
    expected = GaussianNB(var_smoothing=0).fit(rows.matrix, rows.truth)
    # Spark smooths the priors: (n + 1) / (N + 3) with its default of 1.
    counts = np.bincount(rows.truth.astype(int))
    expected.class_prior_ = (counts + 1) / (counts.sum() + 3)
    assert plain.probabilities(rows.matrix) == pytest.approx(expected.predict_proba(rows.matrix), abs=1e-6)


def test_isotonic_regression_is_that_of_scikit_learn(tables, fitted, scripts, tmp_path):
    """The same steps, found by pooling neighbours that are out of order."""
    from sklearn.isotonic import IsotonicRegression

    rows = tables["diabetes"]
    model = fitted("IsotonicRegression", {"featureIndex": "2"}, "diabetes")
    plain = stored(model, scripts.run, tmp_path / "model")
    expected = IsotonicRegression().fit(rows.matrix[:, 2], rows.truth).predict(rows.matrix[:, 2])
    assert plain.predict(rows.matrix) == pytest.approx(expected, rel=1e-9)


def test_logistic_regression_is_that_of_scikit_learn(tables, fitted, scripts, tmp_path):
    """The same penalised likelihood has the same maximum: Spark's 1/(n C) is scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    rows = tables["iris"]
    params = {"regParam": "0.02", "standardization": "false", "tol": "1e-10", "maxIter": "300"}
    plain = stored(fitted("LogisticRegression", params, "iris"), scripts.run, tmp_path / "model")
    penalty = 1 / (0.02 * len(rows.truth))
    expected = LogisticRegression(C=penalty, tol=1e-10, max_iter=5000).fit(rows.matrix, rows.truth)
    assert plain.probabilities(rows.matrix) == pytest.approx(expected.predict_proba(rows.matrix), abs=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning")  # when it is imported, MLflow complains of its own hints
def test_mlflow_alone_loads_the_model(tables, fitted, scripts, tmp_path):
    """The folder is an ordinary model of Spark for MLflow, with the same answers."""
    import mlflow.spark

    rows = tables["diabetes"]
    model = fitted("LinearRegression", {}, "diabetes")
    (tmp_path / "model").mkdir()
    model.save(tmp_path / "model", scripts.run)
    loaded = mlflow.spark.load_model(str(tmp_path / "model"), dfs_tmpdir=str(tmp_path / "dfs"))
    expected, given = (
        [row.prediction for row in each.transform(rows.frame).select("prediction").collect()]
        for each in (model.model, loaded)
    )
    assert given == expected
