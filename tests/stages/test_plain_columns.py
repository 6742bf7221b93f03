"""Columns of several types, with nulls and weights, from a table to a model to a function."""

from __future__ import annotations

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from mlsql.errors import DataError
from mlsql.events import Log
from mlsql.models.store import DirectoryModelStore

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore::UserWarning:mlflow")]

CITIES = ("北京", "", "上海", "a b")
ROWS = [(20.0 + n % 31, n % 3 == 0, CITIES[n * 7 % 4], 1 + n % 5, int(n * 7 % 4 < n % 3)) for n in range(80)]
NAMES = ["年 龄", "member", "城市", "weight", "label"]
SCHEMA = "`年 龄` double, member boolean, `城市` string, weight int, label int"


@pytest.fixture
def train(scripts):
    """Trains on a table and gives the one row of the result and the manifest."""

    def run(options, table="t"):
        (row,) = scripts.rows(f"train {table} as SKLearn.`m` where {options} as result;")
        return row, DirectoryModelStore().open(str(scripts.path / "m")).manifest

    return run


def test_texts_and_weights_give_what_scikit_learn_gives_by_hand(scripts, train):
    """To nine digits; the stored model alone and the function say the same, of unknown texts too."""
    scripts.table("t", ROWS, SCHEMA)
    row, manifest = train(
        """inputCols="城市, *" and weightCol="weight" and evaluateTable="t"
        and `fitParam.alg`="LogisticRegression" """
    )
    assert row["status"] == "success", row["message"]
    assert [(each.name, each.type) for each in manifest.inputs] == [
        ("城市", "string"), ("年 龄", "double"), ("member", "boolean"),
    ]  # fmt: skip
    assert (manifest.features, manifest.invalid, manifest.data.left_out) == (6, "error", 0)

    frame = pd.DataFrame(ROWS, columns=NAMES)
    inputs = frame[["城市", "年 龄", "member"]]
    pipeline = Pipeline(
        [
            (
                "matrix",
                ColumnTransformer(
                    [("c", OneHotEncoder(handle_unknown="ignore"), ["城市"])], remainder="passthrough"
                ),
            ),
            ("estimator", LogisticRegression()),
        ]
    ).fit(inputs, frame["label"], estimator__sample_weight=frame["weight"])
    asked = pd.concat([inputs, inputs.head(5).assign(城市="深圳")])
    stored = mlflow.sklearn.load_model(row["modelPath"])
    np.testing.assert_allclose(stored.predict_proba(asked), pipeline.predict_proba(asked), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(
        mlflow.pyfunc.load_model(row["modelPath"]).predict(asked), pipeline.predict(asked)
    )

    scripts.table("asked", [*asked.itertuples(index=False, name=None)], "`城市` string, a double, m boolean")
    (told,) = scripts.rows("register SKLearn.`m` as f;")
    assert told["signature"].startswith("f(`城市` string, `年 龄` double, member boolean)")
    answers = scripts.rows("select f(`城市`, a, m) as y from asked;")
    assert [each["y"] for each in answers] == pipeline.predict(asked).tolist()
    (row,) = scripts.rows("select f(cast(null as string), 1, true) as y as asked_once;")
    assert row["y"] is None


def test_rows_with_a_null_are_left_out_and_counted(scripts, train):
    """Of the training and of the table that judges; a null has no answer, every row stays."""
    holed = [
        (None if n % 8 == 0 else a, b, None if n % 8 == 1 else c, *rest)
        for n, (a, b, c, *rest) in enumerate(ROWS)
    ]
    scripts.table("t", holed, SCHEMA)
    row, manifest = train(
        """inputCols="年 龄,member,城市" and handleInvalid="skip" and evaluateTable="t"
        and `fitParam.alg`="DecisionTreeClassifier" and `fitParam.random_state`="1" """
    )
    assert row["status"] == "success", row["message"]
    assert row["rows"] == 60
    assert "20 rows with a null left out" in row["message"]
    assert any(
        "20 rows with a null left out" in each.message for each in scripts.events if isinstance(each, Log)
    )
    assert (manifest.data.rows, manifest.data.left_out, manifest.evaluation.left_out) == (80, 20, 20)
    rows = scripts.rows(
        "predict t as SKLearn.`m` as p; select `年 龄` as a, `城市` as c, prediction from p as q;"
    )
    assert len(rows) == 80
    assert all((each["prediction"] is None) == (None in (each["a"], each["c"])) for each in rows)
    (scores,) = scripts.rows('run t as Evaluate.`m` where metrics="accuracy";')
    assert {"name": "accuracy", "value": scores["accuracy"]} in row["metrics"]


def test_a_null_that_is_kept_is_a_value(scripts, train):
    """It has an answer, which is that of the stored model alone."""
    labelled = [
        (None if n % 2 else a, b, None if n % 3 else c, w, int(n % 6 == 1))
        for n, (a, b, c, w, _) in enumerate(ROWS)
    ]
    scripts.table("t", labelled, SCHEMA)
    row, manifest = train(
        """inputCols="年 龄..城市" and handleInvalid="keep"
        and `fitParam.alg`="DecisionTreeClassifier" and `fitParam.random_state`="1" """
    )
    assert row["status"] == "success", row["message"]
    assert manifest.invalid == "keep"
    frame = pd.DataFrame(labelled, columns=NAMES)
    expected = mlflow.pyfunc.load_model(row["modelPath"]).predict(frame[NAMES[:3]])
    answers = scripts.rows("predict t as SKLearn.`m` as p; select prediction as y from p as q;")
    assert [each["y"] for each in answers] == expected.tolist()
    scripts("register SKLearn.`m` as f;")
    (answer,) = scripts.rows("select f(null, cast(null as boolean), null) as y as asked_once;")
    assert answer["y"] in (0, 1)


def test_a_table_of_nulls_alone_is_an_error(scripts, train):
    """Nothing is left to learn from."""
    scripts.table("t", [(None, 1), (None, 0)], "a double, label int")
    with pytest.raises(DataError, match="every row of the table to train on has a null"):
        train('inputCols="a" and handleInvalid="skip" and `fitParam.alg`="GaussianNB"')


@pytest.mark.parametrize("invalid", ["skip", "keep"])
def test_arrays_may_have_nulls(scripts, train, invalid):
    """Left out and without an answer, or NaN and with one."""
    rows = [([float(n), None if n % 4 == 0 else 1.0] if n % 5 else None, n % 2) for n in range(40)]
    scripts.table("t", rows, "features array<double>, label int")
    row, manifest = train(
        f"""handleInvalid="{invalid}" and `fitParam.alg`="DecisionTreeClassifier"
        and `fitParam.random_state`="1" """
    )
    assert row["status"] == "success", row["message"]
    assert manifest.data.left_out == (16 if invalid == "skip" else 0)
    scripts("predict t as SKLearn.`m` as p;")
    answers = scripts.rows("select prediction as y from p as q;")
    assert sum(each["y"] is None for each in answers) == manifest.data.left_out
