"""Recipes: an estimator and its parameters, read without scikit-learn."""

from __future__ import annotations

import pytest

from mlsql.bridge.trainers.estimators import find_estimator, read_recipe


def recipe(alg, **texts):
    """The recipe for *texts*, which must be without fault."""
    found, faults = read_recipe(find_estimator(alg, option="alg"), texts, option="alg")
    assert faults == []
    return found


def faults_of(alg, **texts):
    """What is wrong with *texts*, as (option, message, hint)."""
    _, faults = read_recipe(find_estimator(alg, option="alg"), texts, option="alg")
    return [(fault.option, fault.message, fault.hint) for fault in faults]


def test_a_recipe_makes_what_one_would_write_by_hand():
    """Only what was given is given; the rest keeps scikit-learn's defaults."""
    from sklearn.ensemble import RandomForestClassifier

    made = recipe("RandomForestClassifier", n_estimators="5", max_features="sqrt", warm_start="true").make()
    by_hand = RandomForestClassifier(n_estimators=5, max_features="sqrt", warm_start=True)
    assert made.get_params() == by_hand.get_params()


def test_an_estimator_as_a_parameter_is_named_and_has_parameters_of_its_own():
    """``estimator__x`` is parameter x of the one that ``estimator`` names."""
    made = recipe(
        "BaggingClassifier",
        n_estimators="3",
        estimator="AdaBoostClassifier",
        estimator__n_estimators="7",
        estimator__estimator="DecisionTreeClassifier",
        estimator__estimator__max_depth="2",
    ).make()
    assert type(made.estimator).__name__ == "AdaBoostClassifier"
    assert made.estimator.n_estimators == 7
    assert made.estimator.estimator.max_depth == 2


def test_the_name_of_an_estimator_is_found_in_any_case():
    """As other names in scripts are."""
    assert find_estimator("kmeans", option="alg").name == "KMeans"


def test_an_unknown_parameter_comes_with_the_nearest():
    """The option is the key of the parameter."""
    assert faults_of("RandomForestClassifier", n_estimater="3") == [
        (
            "n_estimater",
            "RandomForestClassifier has no parameter 'n_estimater'",
            "did you mean 'n_estimators'?",
        )
    ]


def test_a_value_that_cannot_be_says_what_can():
    """Range and kind stand in the message."""
    assert faults_of("KMeans", n_clusters="none") == [
        (
            "n_clusters",
            "the parameter 'n_clusters' of KMeans takes a whole number of at least 1, not 'none'",
            None,
        )
    ]


def test_all_faults_are_told_at_once():
    """Also those of inner estimators, by their whole key."""
    told = faults_of(
        "BaggingClassifier",
        n_estimators="0",
        estimator="DecisionTreeClassifier",
        estimator__depth="2",
        estimator__max_depth="-1",
    )
    assert [option for option, _, _ in told] == ["n_estimators", "estimator__depth", "estimator__max_depth"]
    assert told[1][2] == "did you mean 'estimator__max_depth'?"


@pytest.mark.parametrize(
    ("texts", "option", "message"),
    [
        ({"estimator": "DecisionTree"}, "estimator", "scikit-learn has no estimator 'DecisionTree'"),
        (
            {"estimator__max_depth": "2"},
            "estimator__max_depth",
            "'estimator__max_depth' is a parameter of 'estimator', which is not given",
        ),
        (
            {"n_estimators": "3", "n_estimators__x": "2"},
            "n_estimators__x",
            "the parameter 'n_estimators' of BaggingClassifier is no estimator",
        ),
        ({"base__max_depth": "2"}, "base__max_depth", "BaggingClassifier has no parameter 'base__max_depth'"),
    ],
)
def test_parameters_of_nothing_are_refused(texts, option, message):
    """An inner parameter needs an inner estimator."""
    ((told, text, _),) = faults_of("BaggingClassifier", **texts)
    assert (told, text) == (option, message)


def test_a_parameter_without_default_must_be_given():
    """The estimator's own option is to blame."""
    assert faults_of("OneVsRestClassifier") == [
        ("alg", "OneVsRestClassifier needs the parameter 'estimator'", "it takes the name of an estimator")
    ]
    assert faults_of("VotingClassifier")[0][2] == "it takes nothing that a script can write"
