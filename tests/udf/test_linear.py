"""Linear models as SQL: which ones are, and that they answer as the estimator does, to odd rows too."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.svm import SVC, LinearSVC

from mlsql.bridge.trainers.linear import linear_weights
from mlsql.udf.linear import LinearModel
from mlsql.udf.scoring import model_function

IRIS, SPECIES = load_iris(return_X_y=True)
CELLS, BENIGN = (each[:400] for each in load_breast_cancer(return_X_y=True))
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
NAMES = np.array(["it's", "a \\ b", "变色"])
FITTED = {
    "three_classes": (LogisticRegression(max_iter=5000).fit(IRIS, SPECIES), IRIS, "int"),
    "texts": (LogisticRegression(max_iter=5000).fit(IRIS, NAMES[SPECIES]), IRIS, "string"),
    "two_texts": (RidgeClassifier().fit(CELLS[:, :5], NAMES[BENIGN]), CELLS[:, :5], "string"),
    "booleans": (SGDClassifier(random_state=1).fit(CELLS[:, :5], BENIGN == 1), CELLS[:, :5], "boolean"),
    "doubles": (LinearDiscriminantAnalysis().fit(IRIS, SPECIES.astype(float)), IRIS, "double"),
    "negative": (LinearSVC(random_state=1, max_iter=100_000).fit(IRIS, -SPECIES), IRIS, "bigint"),
    "regression": (LinearRegression().fit(PATIENTS, PROGRESS), PATIENTS, "double"),
    "lasso": (Lasso().fit(PATIENTS, PROGRESS), PATIENTS, "double"),
}


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(2).fit(IRIS, SPECIES),
        PoissonRegressor(max_iter=1000).fit(PATIENTS, PROGRESS),
        SVC(kernel="linear").fit(IRIS, SPECIES),
        RidgeClassifier().fit(np.tile(IRIS, 100), SPECIES),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_what_is_not_linear_or_large_has_no_weights(estimator):
    """A link function, votes of pairs, and more weights than an expression should hold."""
    assert linear_weights(estimator) is None


def test_a_folder_without_weights_is_of_another_kind(tmp_path):
    """Of MLflow's own, for example."""
    (tmp_path / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
    assert LinearModel.in_folder(tmp_path) is None


@pytest.mark.spark
@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("form", ["columns", "features"])
def test_answers_are_those_of_the_estimator(session, store_model, name, form):
    """Labels equal and numbers to 1e-9, by an expression without Python; null where a value is null."""
    estimator, matrix, output = FITTED[name]
    columns = [f"c{place}" for place in range(matrix.shape[1])]
    inputs = dict.fromkeys(columns, "double") if form == "columns" else {"features": "array<double>"}
    model = store_model(estimator, inputs, form=form, features=matrix.shape[1], output=output)
    model_function(session, "f", model.stored, model.candidate)
    session.createDataFrame(matrix.tolist(), columns).createOrReplaceTempView("t")
    call = "f({})" if form == "columns" else "f(array({}))"
    frame = session.sql(f"select {call.format(', '.join(columns))} as answer from t")
    assert "Python" not in frame._jdf.queryExecution().executedPlan().toString()
    answers, expected = [row.answer for row in frame.collect()], estimator.predict(matrix)
    if output == "double":
        np.testing.assert_allclose(answers, expected, rtol=1e-9)
    else:
        assert answers == expected.tolist()
    missing = call.format(", ".join(["null", *columns[1:]]))
    assert {row.answer for row in session.sql(f"select {missing} as answer from t").collect()} == {None}


@pytest.mark.spark
def test_odd_rows_are_errors_that_name_the_function(session, store_model):
    """NaN, infinity, another width; large numbers alone are none."""
    estimator = FITTED["two_texts"][0]
    model = store_model(
        estimator, {"features": "array<double>"}, form="features", features=5, output="string"
    )
    model_function(session, "f", model.stored, model.candidate)
    for row, sentence in (
        ("array(1, 2, 3, 4, double('nan'))", "f takes no NaN and no infinity, as in one of the rows"),
        ("array(1, 2, 3, 4, double('-infinity'))", "f takes no NaN and no infinity"),
        ("array(1, 2)", "f takes 5 features, not 2 as in one of the rows"),
    ):
        with pytest.raises(Exception, match=sentence):
            session.sql(f"select f({row})").collect()
    huge = np.full((1, 5), 1e307)
    answer = session.sql("select f(array_repeat(1e307, 5)) as answer").first().answer
    assert answer == estimator.predict(huge)[0]
