"""Texts and nulls among the columns: the matrix of an estimator is that of scikit-learn by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.encoding import encoder
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.models.manifest import Column

FEATURES = (
    Column("年 龄", "double"),
    Column("城市", "string"),
    Column("ok", "boolean"),
    Column("s", "string"),
)


@pytest.fixture
def rows():
    """Sixty rows with their label and weight: Chinese and empty texts, a column with a space."""
    random = np.random.default_rng(5)
    city = random.choice(["北京", "", "上海"], 60)
    return {
        "年 龄": random.normal(size=60),
        "城市": list(city),
        "ok": [bool(each) for each in random.integers(0, 2, 60)],
        "s": list(random.choice(["a b", "c"], 60)),
        "label": [int(each) for each in (city == "北京") ^ (random.random(60) < 0.2)],
        "weight": random.random(60),
    }


@pytest.fixture
def dataset(arrow_file):
    """A function that makes a dataset of rows."""

    def make(rows, invalid="error", weight=None, name="train"):
        used = {key: value for key, value in rows.items() if key != "weight" or weight}
        columns = Columns("columns", FEATURES, Column("label", "bigint"), weight, invalid)
        return Dataset.open(arrow_file(name, **used), columns)

    return make


class Listener:
    """A run to which one may say anything."""

    def log(self, message, level="info"):
        """Nothing."""


def by_hand(rows, texts=("城市", "s")):
    """The matrix in the order of the columns, dense, the categories of a text in ascending order."""
    blocks = []
    for column in FEATURES:
        values = np.array(rows[column.name], dtype=object)[:, None]
        if column.name in texts:
            blocks.append(OneHotEncoder().fit_transform(values).toarray())
        else:
            blocks.append(values.astype(float))
    return np.hstack(blocks)


def with_nulls(rows, *names):
    """The same rows with a null in every tenth of some columns."""
    return {
        name: [None if name in names and number % 10 == 3 else value for number, value in enumerate(values)]
        for name, values in rows.items()
    }


@pytest.mark.parametrize(
    ("params", "estimator"),
    [
        ({"alg": "LogisticRegression"}, LogisticRegression()),
        ({"alg": "GaussianNB"}, GaussianNB()),
        ({"alg": "HistGradientBoostingClassifier"}, HistGradientBoostingClassifier()),
    ],
)
def test_categories_are_those_of_the_one_hot_encoder(dataset, rows, params, estimator):
    """To nine digits, whether the estimator takes sparse matrices or not."""
    data = dataset(rows)
    fitted = TRAINER.train(data, params, Listener())
    matrix = by_hand(rows)
    estimator.fit(matrix, rows["label"])
    np.testing.assert_allclose(
        fitted.answers(data).probabilities, estimator.predict_proba(matrix), rtol=0, atol=1e-9
    )
    assert fitted.traits.features == matrix.shape[1] == 7


def test_weights_are_those_of_the_rows(dataset, rows):
    """They go to the fit and are no feature."""
    data = dataset(rows, weight=Column("weight", "double"))
    fitted = TRAINER.train(data, {"alg": "LogisticRegression"}, Listener())
    matrix = by_hand(rows)
    estimator = LogisticRegression().fit(matrix, rows["label"], sample_weight=rows["weight"])
    np.testing.assert_allclose(
        fitted.answers(data).probabilities, estimator.predict_proba(matrix), rtol=0, atol=1e-9
    )


def test_an_estimator_without_weights_refuses_them(dataset, rows):
    """It says which."""
    data = dataset(rows, weight=Column("weight", "double"))
    with pytest.raises(OptionFault, match="KNeighborsClassifier takes no weights") as caught:
        TRAINER.train(data, {"alg": "KNeighborsClassifier"}, Listener())
    assert caught.value.option == "weightCol"


def test_rows_with_a_null_are_left_out(dataset, rows):
    """As if they had never been there."""
    holed = with_nulls(rows, "年 龄", "城市", "label")
    data = dataset(holed, "skip")
    whole = {name: [v for n, v in enumerate(values) if n % 10 != 3] for name, values in rows.items()}
    assert data.rows == 54
    answers = TRAINER.train(data, {"alg": "LogisticRegression"}, Listener()).answers(data)
    matrix = by_hand(whole)
    expected = LogisticRegression().fit(matrix, whole["label"]).predict_proba(matrix)
    np.testing.assert_allclose(answers.probabilities, expected, rtol=0, atol=1e-9)
    assert answers.truth.tolist() == whole["label"]


def test_nulls_that_are_kept_are_nan_and_a_category(dataset, rows):
    """The category of null comes last, as scikit-learn has it."""
    holed = with_nulls(rows, "年 龄", "城市", "ok")
    data = dataset(holed, "keep")
    answers = TRAINER.train(data, {"alg": "HistGradientBoostingClassifier"}, Listener()).answers(data)
    matrix = by_hand(holed)
    assert matrix.shape[1] == 8
    expected = HistGradientBoostingClassifier().fit(matrix, rows["label"]).predict_proba(matrix)
    np.testing.assert_allclose(answers.probabilities, expected, rtol=0, atol=1e-9)


def test_kept_nulls_are_refused_by_an_estimator_that_takes_no_nan(dataset, rows):
    """Those of numbers alone; the message says what to do, also of the table that judges."""
    fitted = TRAINER.train(
        dataset(with_nulls(rows, "城市"), "keep"), {"alg": "LogisticRegression"}, Listener()
    )
    holed = dataset(with_nulls(rows, "年 龄", "城市"), "keep", name="holed")
    told = 'LogisticRegression takes no NaN, .* in .年 龄. .*handleInvalid="skip"'
    with pytest.raises(DataFault, match=told):
        TRAINER.train(holed, {"alg": "LogisticRegression"}, Listener())
    with pytest.raises(DataFault, match=told):
        fitted.answers(holed)


def test_the_matrix_is_sparse_where_that_is_smaller(dataset, rows):
    """When the estimator takes it: a thousand categories are a thousand columns of almost only zeros."""
    many = {**rows, "城市": [f"city {number}" for number in range(60)]}
    data = dataset(many)
    frame = data.inputs()
    assert sparse.issparse(encoder(data.columns, KNeighborsClassifier()).fit_transform(frame))
    assert isinstance(encoder(data.columns, GaussianNB()).fit_transform(frame), np.ndarray)


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
@pytest.mark.parametrize("invalid", ["error", "keep"])
def test_a_stored_model_takes_the_columns_as_they_are(dataset, rows, tmp_path, invalid):
    """By name; a category that it has not seen is none, and a null may be NaN as well as None."""
    import mlflow.pyfunc

    data = dataset(with_nulls(rows, "城市", "ok") if invalid == "keep" else rows, invalid)
    fitted = TRAINER.train(data, {"alg": "HistGradientBoostingClassifier"}, Listener())
    fitted.save(tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    frame = pd.DataFrame({column.name: data.frame()[column.name] for column in FEATURES})
    np.testing.assert_array_equal(loaded.predict(frame), fitted.answers(data).guess)
    np.testing.assert_array_equal(
        TRAINER.load(tmp_path / "model", data.columns).answers(data).guess, fitted.answers(data).guess
    )
    frame["城市"] = "nowhere"
    assert set(loaded.predict(frame)) <= {0, 1}
    if invalid == "keep":
        none, nan = frame.assign(城市=None), frame.assign(城市=pd.Series([np.nan] * 60, dtype=object))
        np.testing.assert_array_equal(loaded.predict(none), loaded.predict(nan))
