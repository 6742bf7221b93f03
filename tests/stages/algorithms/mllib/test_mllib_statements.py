"""Spark ML in scripts: train, register, select, predict, and what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlsql.errors import DataError, MlsqlError

pytestmark = pytest.mark.spark

POINTS = """
select id % 10 as x, id % 7 as y, vec_dense(array(id % 10, id % 7)) as features,
  cast(id % 10 > 4 as int) as label, if(id % 10 > 4, "big", "small") as size from range(40) as points;
"""


def test_a_classifier_from_train_to_predict(scripts):
    """One script in the old style: groups, one of which fails, evaluateTable, the vector of probabilities."""
    rows = scripts.rows(
        POINTS + "train points as LogisticRegression.`m` where evaluateTable='points'"
        " and `fitParam.0.featuresCol`='features' and `fitParam.0.labelCol`='label'"
        " and `fitParam.0.maxIter`='4' and `fitParam.1.family`='nothing' as models;"
    )
    assert [row["status"] for row in rows] == ["success", "fail"]
    assert "nothing" in rows[1]["message"]
    metrics = {each["name"]: each["value"] for each in rows[0]["metrics"]}
    assert set(metrics) == {"accuracy", "f1", "precision", "recall", "logLoss", "auc"}
    manifest = json.loads(Path(scripts.path / "m/_model_0/manifest.json").read_text())
    assert manifest["data"]["rows"] == 40
    assert manifest["data"]["transport"] == "spark"
    (registered,) = scripts.rows("register LogisticRegression.`m` as f where autoSelectByMetric='accuracy';")
    assert registered["signature"] == "f(features array<double>) -> vector"
    found = scripts.rows(
        "predict points as LogisticRegression.`m` as p;"
        "select prediction, vec_array(probability) as told, vec_array(f(features)) as same,"
        " vec_argmax(f(features)) as guess, f_raw(array(x, y))[0] = probability as raw,"
        " f(cast(null as array<double>)) as nothing from p limit 5 as q;"
    )
    for row in found:
        assert row["told"] == row["same"]
        assert row["prediction"] == row["guess"]
        assert row["nothing"] is None


def test_labels_of_text_come_back_as_texts(scripts):
    """Plain columns are assembled; a function takes them by name; null in, null out."""
    rows = scripts.rows(
        POINTS + "train points as LSVM.`m` where inputCols='x,y' and labelCol='size' and maxIter='5';"
        "register LSVM.`m` as f;"
        "select f(x, y) as guess, size, f(y => y, x => null) as nothing from points as q;"
    )
    assert {row["guess"] for row in rows} == {"big", "small"}
    assert sum(row["guess"] == row["size"] for row in rows) > 30
    assert rows[0]["nothing"] is None


REFUSED = {
    "labelCol='holes'": "nulls in 'holes' (20 in 40 rows)",
    "inputCols='size'": "Spark ML learns from numbers",
    "fitParam.0.maxItr='3'": "has no parameter 'maxItr'",
    "featuresCol='missing'": "no column 'missing'",
    "evaluateTable='none'": "none",
    "family='nothing'": "the model could not be trained",
    "inputCols='x,y' and weightCol='size'": "the weight column 'size' is string, no number",
    "inputCols='x,x'  and labelCol='x'": "both label and feature",
}


def test_what_cannot_be_trained_says_why(scripts):
    """And nothing is stored."""
    scripts(POINTS + "select *, if(x > 4, 1, null) as holes from points as points;")
    for where, message in REFUSED.items():
        with pytest.raises(MlsqlError) as caught:
            scripts(f"train points as LogisticRegression.`m` where {where};")
        assert message in caught.value.message
    assert not list((scripts.path / "m").glob("_model_*"))


def test_rows_with_nulls_can_be_left_out(scripts):
    """And versions that are older, when a statement says so."""
    script = "train points as NaiveBayes.`m` where inputCols='x,y' and handleInvalid='skip'"
    scripts(POINTS + "select *, if(x > 8, null, label) as known from points as points;")
    (row,) = scripts.rows(f"{script} and labelCol='known' as t;")
    assert row["rows"] == 36
    scripts.rows(f"{script} and labelCol='known' and keepVersion='false' as t;")
    assert [each.name for each in (scripts.path / "m").iterdir()] == ["_model_1"]


def test_auto_ml_puts_the_best_first(scripts):
    """A classifier that cannot learn these rows is a failed row of the result."""
    rows = scripts.rows(
        "select vec_dense(array(id % 10 - 5, id % 7)) as features, cast(id % 10 > 4 as int) as label"
        " from range(40) as points;"
        "train points as AutoML.`m` where algos='NaiveBayes,LogisticRegression'"
        " and evaluateTable='points' as t;"
    )
    assert [(row["alg"], row["status"]) for row in rows] == [
        ("LogisticRegression", "success"),
        ("NaiveBayes", "fail"),
    ]
    (found,) = scripts.rows("register AutoML.`m` as f; select f(array(4D, 1D)) as p as q;")
    assert found["p"].toArray().argmax() == 1
    with pytest.raises(MlsqlError, match="did you mean 'RandomForest'"):
        scripts("train points as AutoML.`m` where algos='RandomForst' and evaluateTable='points';")


def test_opinions_are_those_of_spark(scripts):
    """``f(user, item)`` is its prediction; unknown users have none; recommendations lie beside the model."""
    from pyspark.ml import PipelineModel

    scripts(
        "select cast(id % 5 as int) as user, cast(id div 5 as int) as item, 1.0 + id % 4 as rating"
        " from range(20) as ratings;"
        "train ratings as ALSInPlace.`m` where `fitParam.0.maxIter`='2' and `fitParam.0.rank`='2'"
        " and `fitParam.0.userCol`='user' and userRec='2' and evaluateTable='ratings'"
        " and coldStartStrategy='drop';"
    )
    rows = scripts.rows(
        "register ALSInPlace.`m` as f; select user, item, f(user, item) as score from ratings as q;"
    )
    folder = scripts.path / "m/_model_0"
    spark = scripts.run.spark
    model = PipelineModel.load(f"{folder}/model/0/sparkml")
    expected = {
        (row.user, row.item): row.prediction for row in model.transform(spark.table("ratings")).collect()
    }
    assert {(row["user"], row["item"]): row["score"] for row in rows} == pytest.approx(expected, rel=1e-5)
    assert spark.read.parquet(f"{folder}/data/userRec").count() == 5
    (unknown,) = scripts.rows("select f(99, 1) is null as none as q;")
    assert unknown["none"]


def test_what_belongs_into_a_basket_is_what_spark_says(scripts):
    """As FPGrowth's own transform, with quotes in the names of items."""
    from pyspark.ml import PipelineModel

    scripts(
        "select if(id % 3 = 0, array('bread', 'butter', \"jam's\"), array('bread', 'butter', 'butter'))"
        " as items from range(12) as baskets;"
        "train baskets as FPGrowth.`m` where minSupport='0.2' and minConfidence='0.3';"
        "select array('butter') as items union all select array(\"jam's\", 'bread') as asked;"
    )
    rows = scripts.rows("register FPGrowth.`m` as f; select items, f(items) as more from asked as q;")
    model = PipelineModel.load(f"{scripts.path}/m/_model_0/model/0/sparkml")
    expected = {
        tuple(row["items"]): set(row.prediction)
        for row in model.transform(scripts.run.spark.table("asked")).collect()
    }
    assert {tuple(row["items"]): set(row["more"]) for row in rows} == expected
    predicted = scripts.rows("predict asked as FPGrowth.`m` as q;")
    assert {tuple(row["items"]): set(row["prediction"]) for row in predicted} == expected


def test_ranks_are_those_of_the_equation(scripts):
    """The stationary shares of a walk over the links, times the number of vertices."""
    import numpy as np

    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("a", "e")]
    scripts.table("edges", edges, "edgeSrc string, edgeDst string")
    scripts("train edges as PageRank.`m` where tol='1e-9';")
    rows = scripts.rows(
        "register PageRank.`m` as f;"
        "select v, f(v) as rank from values ('a'), ('b'), ('c'), ('d'), ('e') as t(v) as q;"
    )
    names = "abcde"
    walk = np.zeros((5, 5))
    for source, target in edges:
        walk[names.index(target), names.index(source)] = 1
    sinks = walk.sum(axis=0) == 0
    walk[:, sinks] = 1
    walk = 0.85 * walk / walk.sum(axis=0) + 0.15 / 5
    shares = np.linalg.matrix_power(walk, 200)[:, 0]
    assert [row["rank"] for row in rows] == pytest.approx(list(5 * shares), rel=1e-6)


def test_a_failed_group_can_fail_the_statement(scripts):
    """With its message, and nothing is stored."""
    with pytest.raises(DataError, match="1 of 2 models could not be trained"):
        scripts(
            POINTS + "train points as LogisticRegression.`m` where fitParam.0.maxIter='1'"
            " and fitParam.1.family='nothing' and failOnError='true';"
        )
    assert not (scripts.path / "m").exists()
