"""Estimators out of MLflow folders: what is loaded, what is refused, and what it costs."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlsql.bridge.trainers.encoding import number_encoder
from mlsql.errors import DataError
from mlsql.udf.predictors.stored import find_predictor, loaded

MATRIX = np.random.default_rng(0).normal(size=(50, 3))
LABELS = MATRIX[:, 0] > 0


@pytest.fixture
def line(store_model):
    """A stored regression."""
    return store_model(LinearRegression().fit(MATRIX, LABELS), dict.fromkeys("abc", "double"))


def test_a_stored_pipeline_answers_as_the_one_that_was_fitted(store_model):
    """To the last digit, and in one thread whatever it was fitted in."""
    estimator = make_pipeline(StandardScaler(), RandomForestClassifier(5, n_jobs=-1)).fit(MATRIX, LABELS)
    model = store_model(estimator, dict.fromkeys("abc", "double"))
    predictor = loaded(find_predictor(Path(model.folder)))
    assert (predictor.predict(MATRIX) == estimator.predict(MATRIX)).all()
    assert predictor.estimator[-1].n_jobs == 1


def test_a_model_is_loaded_once(line):
    """The same content at the same place is the same predictor."""
    assert loaded(find_predictor(Path(line.folder))) is loaded(find_predictor(Path(line.folder)))


def test_columns_are_taken_by_name_when_the_estimator_knows_names(store_model):
    """Then their order does not matter; otherwise it is all that matters."""
    frame = pd.DataFrame(MATRIX, columns=["a", "b", "c"])
    expected = LinearRegression().fit(MATRIX, LABELS).predict(MATRIX)
    for fitted, given in (
        (LinearRegression().fit(frame, LABELS), frame[["c", "a", "b"]]),
        (LinearRegression().fit(MATRIX, LABELS), frame.set_axis(["c", "a", "b"], axis=1)),
    ):
        model = store_model(fitted, dict.fromkeys("abc", "double"))
        predictor = loaded(find_predictor(Path(model.folder)))
        np.testing.assert_allclose(predictor.predict(given), expected)


def test_a_step_that_only_makes_the_matrix_is_left_out(store_model):
    """The answers are those of the stored pipeline, by the names of the columns."""
    frame = pd.DataFrame(MATRIX, columns=["a", "b", "c"])
    front = number_encoder(["a", "b", "c"]).fit(frame)
    pipeline = Pipeline([("matrix", front), ("estimator", LogisticRegression().fit(MATRIX, LABELS))])
    predictor = loaded(find_predictor(Path(store_model(pipeline, dict.fromkeys("abc", "double")).folder)))
    assert type(predictor.estimator) is LogisticRegression
    for given in (frame, frame[["c", "a", "b"]], frame.assign(d=0.0).astype("float32")):
        assert (predictor.predict(given) == pipeline.predict(given)).all()
        expected = pipeline.predict_proba(given)
        np.testing.assert_allclose(predictor.probabilities(given), expected, rtol=0, atol=1e-9)


def test_a_step_that_does_more_stays(store_model):
    """Here it makes categories of one column."""
    frame = pd.DataFrame(MATRIX > 0, columns=["a", "b", "c"])
    encode = ColumnTransformer([("one hot", OneHotEncoder(), ["a"])], remainder="passthrough")
    pipeline = make_pipeline(encode, LinearRegression()).fit(frame, LABELS)
    predictor = loaded(find_predictor(Path(store_model(pipeline, dict.fromkeys("abc", "boolean")).folder)))
    np.testing.assert_allclose(predictor.predict(frame), pipeline.predict(frame), rtol=0, atol=1e-9)


def test_a_changed_model_is_never_unpickled(line):
    """Its checksum is that of the time when the function was registered."""
    model = find_predictor(Path(line.folder))
    (Path(line.folder) / "model.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(DataError, match="is not what it was when its function was registered"):
        loaded(model)


@pytest.mark.parametrize("pickled", ["../../../evil.pkl", "/etc/passwd"])
def test_a_model_outside_of_its_folder_is_refused(line, pickled):
    """``MLmodel`` may not name a file elsewhere."""
    file = Path(line.folder) / "MLmodel"
    description = yaml.safe_load(file.read_text())
    description["flavors"]["sklearn"]["pickled_model"] = pickled
    file.write_text(yaml.safe_dump(description))
    with pytest.raises(DataError, match="which is not a part of it"):
        find_predictor(Path(line.folder))


def test_a_link_out_of_the_folder_is_refused(line, tmp_path):
    """Nor may a symbolic link."""
    file = Path(line.folder) / "model.pkl"
    file.rename(tmp_path / "moved.pkl")
    file.symlink_to(tmp_path / "moved.pkl")
    with pytest.raises(DataError, match="which is not a part of it"):
        find_predictor(Path(line.folder))


def test_a_missing_part_is_named(line):
    """Of a model that somebody deleted by halves."""
    for name in ("model.pkl", "MLmodel"):
        (Path(line.folder) / name).unlink()
        with pytest.raises(DataError, match=f"cannot be read: .*{name}"):
            find_predictor(Path(line.folder))


def test_another_kind_of_model_is_refused(store_model):
    """What was stored in another form is not an estimator that we can read."""
    model = store_model(
        LinearRegression().fit(MATRIX, LABELS), dict.fromkeys("abc", "double"), pickler="skops"
    )
    with pytest.raises(DataError, match="is no pickled estimator of scikit-learn"):
        find_predictor(Path(model.folder))


def test_an_estimator_without_predict_is_told(store_model):
    """Some clusterers label the rows that they are fitted on, and no others."""
    model = store_model(DBSCAN().fit(MATRIX), dict.fromkeys("abc", "double"))
    with pytest.raises(DataError, match="DBSCAN has answers only for the rows that it was fitted on"):
        loaded(find_predictor(Path(model.folder)))


def test_a_predictor_needs_neither_spark_nor_mlflow(line):
    """It starts fast, where neither is installed."""
    model = find_predictor(Path(line.folder))
    code = f"""
import sys
from mlsql.udf.answers import Answers
from mlsql.udf.predictors.folder import ModelFolder
from mlsql.udf.predictors.sklearn import PickledEstimator
PickledEstimator(ModelFolder(**{dataclasses.asdict(model.folder)!r})).load().predict([[1.0, 2.0, 3.0]])
print(*{{"pyspark", "mlflow", "fastapi", "lark"}}.intersection(sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == ""
