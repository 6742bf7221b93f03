"""Grids, searches, cross-validation and Evaluate for models of Spark ML."""

from __future__ import annotations

import pytest

from mlsql.errors import DataError, MlsqlError, ScriptErrors
from mlsql.options import OptionText
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.params import params_of

FOREST = ParamReader(
    "RandomForest", "classifier", params_of("pyspark.ml.classification.RandomForestClassifier")
)
LINEAR = ParamReader("LinearRegression", "regressor", params_of("pyspark.ml.regression.LinearRegression"))
TOPICS = ParamReader("LDA", "transformer", params_of("pyspark.ml.clustering.LDA"))
POINTS = """
select id, id % 10 as x, id % 7 as y, cast(id % 10 + id % 7 > 7 as int) as label, id * 2D + id % 3 as size
from range(60) as points;
"""


def given(**texts):
    """Options as a statement gives them, dots for double underscores."""
    return {key.replace("__", "."): OptionText(text) for key, text in texts.items()}


@pytest.mark.parametrize(
    ("reader", "options", "option", "message"),
    [
        (FOREST, {"search": "random"}, "search", "nothing to judge its trials by"),
        (FOREST, {"crossValidate": "5", "evaluateTable": "t"}, "crossValidate", "not by both"),
        (FOREST, {"metric": "f1"}, "metric", "where each model is kept"),
        (FOREST, {"fitParam__maxDepth": "range(2,9)"}, "fitParam.maxDepth", "takes a search"),
        (FOREST, {"crossValidate": "3", "metric": "rmse"}, "metric", "does not judge a classifier"),
        (LINEAR, {"seed": "3"}, "seed", "where each model is kept"),
        (TOPICS, {"crossValidate": "3"}, "crossValidate", "no metric judges a transformer"),
    ],
)
def test_what_does_not_go_together_is_told_before_spark_is_asked(reader, options, option, message):
    """As for the models of workers."""
    with pytest.raises((MlsqlError, ScriptErrors), match=message) as caught:
        reader.check(given(**options))
    assert caught.value.option == option


def test_the_bare_seed_is_that_of_the_search_where_there_is_one():
    """Else it is the model's, where it has one."""
    (only,) = FOREST.read(given(seed="3"))
    assert only.params == {"seed": "3"}
    search = given(seed="3", search="random", trials="3", crossValidate="2", fitParam__maxDepth="range(2,9)")
    trials = FOREST.read(search)
    assert len(trials) == 3
    assert {tuple(each.params) for each in trials} == {("maxDepth",)}
    assert FOREST.read(search) == trials


@pytest.mark.spark
def test_the_best_of_a_grid_by_folds_is_stored_alone_and_can_be_judged_again(scripts):
    """Each is judged on rows that it has not seen; Evaluate computes what the training computed."""
    rows = scripts.rows(
        POINTS + "train points as NaiveBayes.`m` where inputCols='x,y' and crossValidate='2'"
        " and metric='accuracy' and fitParam.0.modelType='[multinomial,gaussian]' as models;"
    )
    assert [(row["status"], row["modelPath"] is None) for row in rows] == [
        ("judged", True),
        ("success", False),
    ]
    assert "over the folds accuracy ±" in rows[0]["message"]
    assert "the best by accuracy, fitted again on all rows" in rows[1]["message"]
    (registered,) = scripts.rows("register NaiveBayes.`m` as f;")
    assert registered["group"] == 1
    with pytest.raises(DataError, match="was judged, not stored"):
        scripts("register NaiveBayes.`m` as g where algIndex='0';")
    (judged,) = scripts.rows("run points as Evaluate.`m` where metrics='ACCURACY,auc,logLoss';")
    (counted,) = scripts.rows("select avg(int(vec_argmax(f(x, y)) = label)) as accuracy from points as q;")
    assert list(judged) == ["accuracy", "auc", "logLoss"]
    assert judged["accuracy"] == pytest.approx(counted["accuracy"], abs=1e-12)
    with pytest.raises(DataError, match="no column 'y'") as caught:
        scripts("select x, label from points as narrow; run narrow as Evaluate.`m`;")
    assert caught.value.span.text == "Evaluate"


@pytest.mark.spark
def test_a_search_is_judged_on_a_table_and_ends_with_its_budget(scripts):
    """What the budget leaves out is skipped, with a word for it."""
    train = (
        "train points as LinearRegression.`m` where inputCols='x' and labelCol='size'"
        " and evaluateTable='points' and search='random' and trials='2'"
        " and `fitParam.regParam`='log(0.001,10)'"
    )
    rows = scripts.rows(f"{POINTS} {train} as models;")
    assert sorted(row["status"] for row in rows) == ["judged", "success"]
    rmse = {row["status"]: {each["name"]: each["value"] for each in row["metrics"]}["rmse"] for row in rows}
    assert rmse["success"] <= rmse["judged"]
    (judged,) = scripts.rows("run points as Evaluate.`m` where metrics='rmse';")
    assert judged["rmse"] == pytest.approx(rmse["success"], rel=1e-9)
    with pytest.raises(DataError, match="not begun: the budget was spent"):
        scripts(f"{train} and budget='1ms';")
    with pytest.raises(DataError, match=r"make \d+ folds, not 1000") as caught:
        scripts(
            "train points as LinearRegression.`n` where inputCols='x' and labelCol='size'"
            " and crossValidate='1000';"
        )
    assert caught.value.span.text == "crossValidate='1000'"


@pytest.mark.spark
def test_what_has_no_metric_is_not_judged(scripts):
    """A feature step is neither good nor bad."""
    scripts(POINTS + "train points as StringIndex.`m` where inputCol='label';")
    with pytest.raises(MlsqlError, match="no metric judges models of StringIndex"):
        scripts("run points as Evaluate.`m`;")
