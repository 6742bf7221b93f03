"""Params of Spark ML by their own types, unknown ones refused, and the table that says so."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from mlsql.errors import MlsqlError, ScriptErrors
from mlsql.options import OptionText, declared_options, option_errors
from mlsql.stages.algorithms import mllib
from mlsql.stages.algorithms.mllib.algorithm import SparkAlgorithm
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.catalogue import ESTIMATORS
from mlsql.stages.algorithms.mllib.params import TABLE, params_of

FOREST = ParamReader(
    "RandomForest", "classifier", params_of("pyspark.ml.classification.RandomForestClassifier")
)
PERCEPTRON = ParamReader(
    "MultilayerPerceptron",
    "classifier",
    params_of("pyspark.ml.classification.MultilayerPerceptronClassifier"),
)


def given(**texts):
    """Options as a statement gives them, dots for double underscores."""
    return {key.replace("__", "."): OptionText(text) for key, text in texts.items()}


def test_a_bare_param_is_that_of_the_one_model():
    """As old scripts write it."""
    (only,) = FOREST.read(given(numTrees="3", keepVersion="true"))
    assert only.params == {"numTrees": "3"}


def test_a_grid_makes_models_but_a_list_is_a_value():
    """Brackets are a grid, except where the Param itself takes a list."""
    assert [each.params["maxDepth"] for each in FOREST.read(given(fitParam__0__maxDepth="[2,3]"))] == [
        "2",
        "3",
    ]
    (only,) = PERCEPTRON.read(given(fitParam__0__layers="[4,5,3]"))
    assert only.params["layers"] == "[4,5,3]"
    both = PERCEPTRON.read(given(fitParam__0__layers="[[4,5,3],[4,3]]"))
    assert [each.params["layers"] for each in both] == ["[4,5,3]", "[4,3]"]


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({"fitParam__0__maxDept": "3"}, "fitParam.0.maxDept", "has no parameter 'maxDept'"),
        ({"fitParam__1__maxDepth": "deep"}, "fitParam.1.maxDepth", "takes a whole number, not 'deep'"),
        ({"numTrees": "3", "fitParam__0__maxDepth": "3"}, "numTrees", "belongs to no group"),
        ({"fitParam__0__thresholds": "[1,2"}, "fitParam.0.thresholds", "numbers in brackets"),
    ],
)
def test_what_cannot_be_is_told_before_spark_is_asked(options, option, message):
    """At the option that is to blame."""
    with pytest.raises(MlsqlError) as caught:
        FOREST.check(given(**options))
    assert message in caught.value.message
    assert caught.value.option == option


def test_the_nearest_param_is_told():
    """As for every option."""
    with pytest.raises(MlsqlError) as caught:
        FOREST.check(given(fitParam__0__maxDept="3"))
    assert caught.value.hint == "did you mean 'maxDepth'?"


def test_everything_wrong_is_told_at_once():
    """In all groups."""
    with pytest.raises(ScriptErrors) as caught:
        FOREST.check(given(fitParam__0__maxDept="3", fitParam__1__numTree="3"))
    assert len(caught.value.errors) == 2


def test_a_value_with_a_variable_is_not_judged():
    """It is not known yet."""
    FOREST.check(given(fitParam__0__maxDepth="${depth}"))


def test_columns_of_old_groups_are_options_of_the_statement():
    """Unless the groups disagree."""
    options = given(fitParam__0__featuresCol="f", fitParam__0__labelCol="y", fitParam__0__maxDepth="2")
    modern = FOREST.modern(options)
    assert (modern["featuresCol"].text, modern["labelCol"].text) == ("f", "y")
    (only,) = FOREST.read(modern)
    assert only.params == {"maxDepth": "2"}
    with pytest.raises(MlsqlError, match="different columns"):
        FOREST.check(given(fitParam__0__labelCol="y", fitParam__1__labelCol="z"))


def test_a_group_that_names_only_columns_is_a_model_too():
    """With Spark's defaults."""
    options = given(fitParam__0__labelCol="y", fitParam__1__labelCol="y", fitParam__1__maxDepth="2")
    assert [(each.index, dict(each.params)) for each in FOREST.read(options)] == [
        (0, {}),
        (1, {"maxDepth": "2"}),
    ]


def test_numbers_vectors_and_infinity_are_read_by_the_type():
    """As Spark wants them."""
    logistic = params_of("pyspark.ml.classification.LogisticRegression")
    assert logistic["tol"].value("1e-3") == 1e-3
    assert logistic["thresholds"].value("[0.5, inf]") == [0.5, float("inf")]
    assert logistic["thresholds"].value("3.0") == [3.0]
    assert list(logistic["upperBoundsOnIntercepts"].value("[1.0,inf]")) == [1.0, float("inf")]
    assert logistic["lowerBoundsOnCoefficients"].value("[[-inf,0],[1,2]]").toArray().tolist() == [
        [float("-inf"), 0.0],
        [1.0, 2.0],
    ]


@pytest.mark.parametrize("declared", ESTIMATORS, ids=lambda each: each.name)
def test_every_estimator_declares_its_params(declared):
    """Each is an option by its own name with Spark's sentence; an unknown one is refused with the nearest."""
    algorithm = SparkAlgorithm(declared, store=None)
    keys = {each.key for each in declared_options(algorithm.options)}
    assert set(params_of(declared.spark_class)) <= keys
    (error,) = option_errors(algorithm.options, given(maxIters="3", keepVersion="true"), owner=declared.name)
    assert error.option == "maxIters"


@pytest.mark.spark
def test_the_table_of_params_is_that_of_the_installed_spark(spark):
    """``python -m mlsql.stages.algorithms.mllib.survey`` writes it anew."""
    from mlsql.stages.algorithms.mllib.survey import surveyed

    table = json.loads(files(mllib).joinpath(TABLE).read_text(encoding="utf-8"))
    assert json.loads(json.dumps(surveyed())) == table
