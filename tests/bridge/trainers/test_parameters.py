"""Texts of parameters as values, after scikit-learn's constraints."""

from __future__ import annotations

import ast
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.utils._param_validation import validate_parameter_constraints

from mlsql.bridge.trainers import estimators
from mlsql.bridge.trainers.estimators import read_table
from mlsql.bridge.trainers.parameters import Nested, kind
from mlsql.bridge.trainers.survey import survey, to_json

TABLE = read_table()
PARAMETERS = [
    (one, parameter)
    for one in TABLE.values()
    if one.library == "sklearn"  # whose own constraints they are
    for parameter in one.parameters.values()
]
TEXTS = st.one_of(
    st.sampled_from(
        ["None", "null", "true", "False", "sqrt", "auto", "l2", "inf", "nan", "1e-3", "(50,20)", "[1, 2]"]
    ),
    st.integers(-3, 300).map(str),
    st.floats(-2, 2).map(str),
    st.lists(st.integers(0, 9), min_size=1).map(json.dumps),
    st.dictionaries(st.sampled_from(["0", "1"]), st.integers(1, 5), min_size=1).map(json.dumps),
    st.text(),
)


@pytest.mark.parametrize(
    ("estimator", "name", "text", "value"),
    [
        ("RandomForestClassifier", "max_depth", "5", 5),
        ("RandomForestClassifier", "max_depth", "None", None),
        ("RandomForestClassifier", "max_depth", "null", None),
        ("RandomForestClassifier", "max_features", "sqrt", "sqrt"),
        ("RandomForestClassifier", "max_features", "3", 3),
        ("RandomForestClassifier", "max_features", "1", 1),
        ("RandomForestClassifier", "max_features", "1.0", 1.0),
        ("RandomForestClassifier", "max_features", "0.5", 0.5),
        ("RandomForestClassifier", "min_samples_split", "2", 2),
        ("RandomForestClassifier", "warm_start", "true", True),
        ("RandomForestClassifier", "warm_start", "False", False),
        ("RandomForestClassifier", "verbose", "2", 2),
        ("RandomForestClassifier", "n_jobs", "-1", -1),
        ("RandomForestClassifier", "class_weight", "balanced", "balanced"),
        ("RandomForestClassifier", "class_weight", '{"0":1,"1":3}', {"0": 1, "1": 3}),
        ("RandomForestClassifier", "class_weight", "{0: 1, 1: 3}", {0: 1, 1: 3}),
        ("MLPClassifier", "hidden_layer_sizes", "(50,20)", (50, 20)),
        ("MLPClassifier", "hidden_layer_sizes", "[50, 20]", [50, 20]),
        ("MLPClassifier", "hidden_layer_sizes", "50,20", (50, 20)),
        ("MLPClassifier", "hidden_layer_sizes", "50", 50),
        ("MLPClassifier", "learning_rate_init", "1e-2", 0.01),
        ("Ridge", "alpha", "5", 5),
        ("Ridge", "random_state", "42", 42),
        ("KMeans", "n_clusters", "3", 3),
        ("KMeans", "n_init", "auto", "auto"),
        ("RANSACRegressor", "max_skips", "inf", math.inf),
        ("SVC", "gamma", "scale", "scale"),
        ("BaggingClassifier", "estimator", "SVC", Nested("SVC")),
        ("LogisticRegressionCV", "cv", "5", 5),
        ("ElasticNetCV", "l1_ratio", "[0.1, 0.9]", [0.1, 0.9]),
    ],
)
def test_a_text_means_what_one_would_write_in_python(estimator, name, text, value):
    """Number, boolean, word, None, list, tuple or object: by what the parameter takes."""
    read = TABLE[estimator].parameters[name].read(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("estimator", "name", "text", "expected"),
    [
        ("RandomForestClassifier", "n_estimators", "0", "a whole number of at least 1"),
        ("RandomForestClassifier", "n_estimators", "10.0", "a whole number of at least 1"),
        ("RandomForestClassifier", "bootstrap", "yes", "'true' or 'false'"),
        ("SGDClassifier", "l1_ratio", "2", "'None' or a number of at least 0 and at most 1"),
        ("KMeans", "algorithm", "loyd", "'elkan', 'lloyd'"),
        (
            "RandomForestClassifier",
            "min_samples_split",
            "1",
            "a whole number of at least 2 or a decimal number of more than 0 and at most 1",
        ),
        ("GaussianProcessClassifier", "kernel", "RBF()", "'None'"),
        ("FeatureAgglomeration", "pooling_func", "max", "nothing that a script can write"),
    ],
)
def test_what_a_parameter_takes_stands_in_words(estimator, name, text, expected):
    """A text that it does not take is a ValueError, and ``expected`` says what it does take."""
    parameter = TABLE[estimator].parameters[name]
    assert parameter.expected == expected
    with pytest.raises(ValueError, match=re.escape(text)):
        parameter.read(text)


@given(st.sampled_from(PARAMETERS), TEXTS)
def test_whatever_is_read_is_fine_with_scikit_learn(known, text):
    """A value that we accept passes the estimator's own validation."""
    estimator, parameter = known
    try:
        value = parameter.read(text)
    except ValueError:
        return
    if not isinstance(value, Nested):
        constraints = estimator.load()._parameter_constraints
        validate_parameter_constraints(constraints, {parameter.name: value}, estimator.name)


@given(st.sampled_from(PARAMETERS), TEXTS)
def test_what_is_refused_is_refused_by_scikit_learn(known, text):
    """No number, word or None that the text could mean passes the estimator's own validation."""
    estimator, parameter = known
    assume(parameter.name != "precompute")  # it takes None, but does not say so
    try:
        parameter.read(text)
    except ValueError:
        constraints = estimator.load()._parameter_constraints
        for meaning in _meanings(text):
            with pytest.raises(ValueError, match="parameter of"):
                validate_parameter_constraints(constraints, {parameter.name: meaning}, estimator.name)


def _meanings(text):
    """What a Python programmer could mean, a whole number not being a decimal one."""
    yield text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError):
        return
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield value


def test_every_default_is_read_back():
    """The text of a default gives the default, for each of the thousand parameters that can be written."""
    wrong = []
    for estimator, parameter in PARAMETERS:
        if not parameter.takes or parameter.default in (None, "nan", "'warn'") or _is_name(parameter):
            continue  # none that a script could write, or a word that is going
        value = math.inf if parameter.default == "inf" else ast.literal_eval(parameter.default)
        if parameter.read(str(value)) != value:
            wrong.append((estimator.name, parameter.name))
    assert wrong == [("SelfTrainingClassifier", "estimator")]  # its None does not pass its own validation
    assert len(PARAMETERS) > 1000


def _is_name(parameter):
    """Whether the default is a function or a type."""
    return parameter.default.isidentifier() and parameter.default not in ("None", "True", "False", "inf")


def test_the_table_is_that_of_the_installed_version():
    """When this fails: ``python -m mlsql.bridge.trainers.survey``."""
    kept = (Path(estimators.__file__).parent / estimators.TABLE).read_text(encoding="utf-8")
    assert kept == to_json(survey())


def test_every_estimator_can_be_made():
    """Each class is where the table says it is."""
    assert len(TABLE) > 100
    for estimator in TABLE.values():
        assert estimator.load().__name__ == estimator.name.rpartition(".")[2]


@given(st.integers())
def test_an_open_interval_takes_every_whole_number(number):
    """Without bounds there is nothing to refuse."""
    assert kind(["integer", None, None, "both"]).read(str(number)) == number
