from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlsql.errors import DataError, MissingColumn, MissingModel, ScriptError, UnknownName
from mlsql.models.store import DirectoryModelStore

pytestmark = pytest.mark.spark

ROWS = [(float(n % 7), n % 5, n % 3 == 0, int((n % 7) + (n % 5) > 5)) for n in range(60)]


@pytest.fixture
def trained(scripts):
    """Trains on a table of sixty rows with the options given, and gives the rows of the result."""
    scripts.table("t", ROWS, "a double, b int, c boolean, label int")

    def train(options, table="t"):
        return scripts.rows(f"train {table} as SKLearn.`models/m` where {options};")

    return train


LINEAR = '`fitParam.alg`="LogisticRegression"'


def test_each_group_is_a_model(trained, tmp_path):
    """A row each: where it lies, how it went, how good it is, what it was told."""
    rows = trained(
        """inputCols="a,b,c" and evaluateTable="t" and ordered="true"
        and `fitParam.0.alg`="LogisticRegression" and `fitParam.0.C`="0.5"
        and `fitParam.3.alg`="DecisionTreeClassifier" """
    )
    assert list(rows[0]) == [
        "modelPath", "algIndex", "alg", "metrics", "status", "message",
        "startTime", "endTime", "seconds", "rows", "trainParams", "detail",
    ]  # fmt: skip
    assert [(row["algIndex"], row["alg"], row["status"], row["rows"]) for row in rows] == [
        (0, "LogisticRegression", "success", 60),
        (3, "DecisionTreeClassifier", "success", 60),
    ]
    assert rows[0]["trainParams"] == {"alg": "LogisticRegression", "C": "0.5"}
    assert "f1" in {metric["name"] for metric in rows[1]["metrics"]}
    assert [Path(row["modelPath"]) for row in rows] == [
        tmp_path / "models/m/_model_0/model/0",
        tmp_path / "models/m/_model_0/model/3",
    ]
    assert all(row["startTime"] < row["endTime"] for row in rows)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_features_column_may_be_a_vector_or_an_array(scripts, trained):
    """Vectors are published as arrays; the names of columns may be anything."""
    scripts(
        """select vec_dense(array(a, double(b))) as `a.vec `, array(a, float(b)) as arr, label as y
        from t as v;"""
    )
    for column in ("a.vec ", "arr"):
        (row,) = trained(f'featuresCol="{column}" and labelCol="Y" and {LINEAR}', "v")
        assert row["status"] == "success", row["message"]
    (row,) = scripts.rows(
        "register SKLearn.`models/m` as f; select f(array(a, b)) as g, label from t order by 1 desc limit 1;"
    )
    assert row == {"g": 1, "label": 1}


def test_clustering_needs_no_label(scripts, trained):
    """Without a column ``label`` in the table none is sent."""
    scripts("select a, b from t as u;")
    (row,) = trained('inputCols="a,b" and evaluateTable="u" and `fitParam.alg`="KMeans"', "u")
    assert row["status"] == "success", row["message"]
    assert [metric["name"] for metric in row["metrics"]] == ["silhouette"]


def test_a_failed_model_stays_in_the_table(trained):
    """With its message, beside those that went well."""
    good, bad = trained(
        """inputCols="a,b" and `fitParam.0.alg`="LogisticRegression"
        and `fitParam.1.alg`="NuSVC" and `fitParam.1.nu`="1" """
    )
    assert (good["status"], bad["status"]) == ("success", "fail")
    assert bad["modelPath"] is None
    assert "infeasible" in bad["message"]


@pytest.mark.parametrize("more", ["", ' and failOnError="true" and `fitParam.1.alg`="LogisticRegression"'])
def test_a_failed_training_leaves_no_version(scripts, trained, tmp_path, more):
    """All failed, or one and failOnError: the messages are told, and nothing lies at the path."""
    with pytest.raises(DataError, match="infeasible"):
        trained(f'inputCols="a,b" and `fitParam.0.alg`="NuSVC" and `fitParam.0.nu`="1"{more}')
    assert not (tmp_path / "models").exists()


def test_older_versions_go_when_they_are_not_to_be_kept(trained, tmp_path):
    """After success only."""
    trained(f'inputCols="a" and {LINEAR}')
    (row,) = trained(f'inputCols="a" and keepVersion="false" and {LINEAR}')
    assert [each.name for each in (tmp_path / "models/m").iterdir()] == ["_model_1"]
    assert "_model_1" in row["modelPath"]


@pytest.mark.parametrize(
    ("options", "error", "span", "message"),
    [
        (f'inputCols="a,bb" and {LINEAR}', MissingColumn, 'inputCols="a,bb"', "no column 'bb'"),
        (f'inputCols="a,regex:^z" and {LINEAR}', ScriptError, 'inputCols="a,regex:^z"', "no column matches"),
        (
            f'inputCols="a" and labelCol="lable" and {LINEAR}',
            MissingColumn,
            'labelCol="lable"',
            "no column 'lable'",
        ),
        (f'inputCols="a,label" and {LINEAR}', ScriptError, 'inputCols="a,label"', "both label and feature"),
        (LINEAR, DataError, "SKLearn", "no column 'features'"),
        (f'featuresCol="a" and {LINEAR}', DataError, 'featuresCol="a"', "a vector or an array"),
        (f'inputCols="a,m" and {LINEAR}', DataError, 'inputCols="a,m"', "the column 'm' is map"),
        (f'featuresCol="s" and {LINEAR}', DataError, 'featuresCol="s"', "a vector or an array"),
        (
            f'inputCols="a" and labelCol="m" and {LINEAR}',
            DataError,
            'labelCol="m"',
            "the label column 'm' is map",
        ),
        (f'inputCols="a,arr" and {LINEAR}', DataError, 'inputCols="a,arr"', "must be the only one"),
        (
            f'inputCols="a" and evaluateTable="h" and {LINEAR}',
            UnknownName,
            'evaluateTable="h"',
            "no table is called 'h'",
        ),
        (
            f'inputCols="a" and validateTable="w" and {LINEAR}',
            DataError,
            'validateTable="w"',
            "'w' has no column 'a'",
        ),
        (
            f'inputCols="a" and evaluateTable="x" and {LINEAR}',
            DataError,
            'evaluateTable="x"',
            "'x' is string",
        ),
        ('inputCols="a" and `fitParam.alg`="LogisticRegresion"', ScriptError, None, "no estimator"),
        ('inputCols="a" and `fitParam.0.alg`="SVC" and `fitParam.0.gama`="1"', ScriptError, None, "gama"),
        (
            'inputCols="a" and `fitParam.0.alg`="SVC" and `fitParam.C`="1"',
            ScriptError,
            '`fitParam.C`="1"',
            "no group",
        ),
        (f'inputCols="n" and {LINEAR}', DataError, 'inputCols="n"', "null"),
        (f'inputCols="a" and labelCol="n" and {LINEAR}', DataError, 'labelCol="n"', "null"),
        (
            f'inputCols="a" and labelCol="n" and handleInvalid="keep" and {LINEAR}',
            DataError,
            'labelCol="n"',
            "null",
        ),
        (f'inputCols="a" and weightCol="s" and {LINEAR}', DataError, 'weightCol="s"', "no number"),
        (
            f'inputCols="a,b" and weightCol="b" and {LINEAR}',
            ScriptError,
            'inputCols="a,b"',
            "both weight and feature",
        ),
    ],
)
def test_what_cannot_be_trained_is_an_error_in_its_place(
    scripts, trained, tmp_path, options, error, span, message
):
    """Nothing is stored."""
    scripts(
        """
        select *, 's' as s, map('a', 1) as m, array(a) as arr, if(b = 0, null, b) as n from t as u;
        select b as x, label from t as w;
        select 'one' as a, label from t as x;
        """
    )
    with pytest.raises(error, match=message) as caught:
        trained(options, "u")
    assert span is None or caught.value.span.text == span
    assert caught.value.span is not None
    assert not (tmp_path / "models").exists()


def test_an_empty_table_cannot_be_learnt_from(scripts, trained):
    """It is told at the statement's table."""
    scripts("select * from t where a > 100 as none;")
    with pytest.raises(DataError, match="no rows"):
        trained(f'inputCols="a" and {LINEAR}', "none")


def test_an_empty_path_is_an_error(scripts, trained):
    """Before anything else is done."""
    with pytest.raises(ScriptError, match="path is empty") as caught:
        scripts(f'train t as SKLearn.`` where inputCols="a" and {LINEAR};')
    assert caught.value.span.text == "``"


def test_a_model_becomes_a_function_that_answers_as_scikit_learn_does(scripts, trained):
    """The row says which model it is and how it is called; by hand, the same rows give the same."""
    (model,) = trained(f'inputCols="a,b" and evaluateTable="t" and {LINEAR}')
    (row,) = scripts.rows('register SKLearn.`models/m` as guess where autoSelectByMetric="f1";')
    assert list(row) == ["function", "signature", "path", "version", "group", "metrics", "serving"]
    assert (row["function"], row["path"], row["version"], row["group"]) == ("guess", model["modelPath"], 0, 0)
    assert row["signature"].startswith("guess(a double, b double)")
    assert row["metrics"] == {metric["name"]: metric["value"] for metric in model["metrics"]}
    frame = pd.DataFrame([(a, float(b)) for a, b, _, _ in ROWS], columns=["a", "b"])
    by_hand = LogisticRegression().fit(frame.to_numpy(), [label for *_, label in ROWS])
    stored = mlflow.sklearn.load_model(model["modelPath"])
    probabilities = by_hand.predict_proba(frame.to_numpy())
    assert stored.predict_proba(frame) == pytest.approx(probabilities, abs=1e-9)
    assert [answer["y"] for answer in scripts.rows("select guess(a, b) as y from t;")] == list(
        by_hand.predict(frame.to_numpy())
    )


def test_what_cannot_be_registered_is_an_error_in_its_place(scripts, trained):
    """A path without a model; a version, model or metric that there is not; what stores no models."""
    trained(f'inputCols="a" and {LINEAR}')
    cases = [
        ("register SKLearn.`nothing` as f;", MissingModel, "`nothing`"),
        ('register SKLearn.`models/m` as f where modelVersion="7";', MissingModel, 'modelVersion="7"'),
        ('register SKLearn.`models/m` as f where algIndex="7";', DataError, 'algIndex="7"'),
        (
            'register SKLearn.`models/m` as f where autoSelectByMetric="f1";',
            DataError,
            'autoSelectByMetric="f1"',
        ),
        ("register RateSampler.`models/m` as f;", ScriptError, "RateSampler"),
    ]
    for script, error, span in cases:
        with pytest.raises(error) as caught:
            scripts(script)
        assert caught.value.span.text == span


@pytest.mark.kafka
def test_kafka_gives_the_same_models(scripts, trained, kafka):
    """The rows arrive in the same order with the same checksum, so the metrics agree to the last digit."""
    options = f'inputCols="a,b,c" and evaluateTable="t" and ordered="true" and {LINEAR}'
    (by_spool,) = trained(options)
    (by_kafka,) = trained(f'{options} and `kafkaParam.bootstrap.servers`="{kafka}"')
    assert by_kafka["metrics"] == by_spool["metrics"]
    first, second = (
        DirectoryModelStore().open(str(scripts.path / "models/m"), version) for version in (0, 1)
    )
    assert (first.manifest.data.transport, second.manifest.data.transport) == ("spool", "kafka")
    assert first.manifest.data.checksum == second.manifest.data.checksum
