"""Grids, searches and cross-validation, as scripts ask for them."""

from __future__ import annotations

import pytest

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.launcher import LocalLauncher
from mlsql.bridge.request import Folds, Selection
from mlsql.bridge.trainer import builtins
from mlsql.errors import DataError, InvalidOption, ScriptErrors
from mlsql.models.store import DirectoryModelStore
from mlsql.options import OptionText
from mlsql.stages.algorithms.candidates import RandomSearch
from mlsql.stages.algorithms.external import External
from mlsql.stages.algorithms.tuning import TuningOptions

ROWS = [(float(n % 7), n % 5, int((n % 7) + (n % 5) > 5)) for n in range(60)]
TREE = {"fitParam.0.alg": "DecisionTreeClassifier"}


def check(**options):
    """What the algorithm says before it is given a table."""
    given = {key: OptionText(text) for key, text in {**TREE, **options}.items()}
    External("SKLearn", DirectoryModelStore(), builtins(), LocalLauncher()).check(given)


def test_options_say_what_is_drawn_and_how_it_is_judged():
    """Ten trials, the seed 42 when nothing else is said."""
    assert TuningOptions().random_search is None
    assert TuningOptions().selection is None
    search = TuningOptions(search="random", budget=90.0, metric="auc")
    assert search.random_search == RandomSearch(10, 42)
    assert search.selection == Selection(metric="auc", budget=90.0)
    folded = TuningOptions(folds=5, seed=0)
    assert folded.random_search is None
    assert folded.selection == Selection(folds=Folds(5, 0))


@pytest.mark.parametrize(
    ("options", "blamed", "message"),
    [
        ({"search": "random"}, "search", "nothing to judge its trials by"),
        ({"crossValidate": "5", "evaluateTable": "t"}, "crossValidate", "not by both"),
        ({"trials": "5"}, "trials", "those of a search"),
        ({"crossValidate": "5", "trials": "5"}, "trials", "those of a search"),
        ({"budget": "10m"}, "budget", "where each model is kept"),
        ({"metric": "f1", "evaluateTable": "t"}, "metric", "where each model is kept"),
        ({"seed": "1"}, "seed", "where each model is kept"),
        ({"crossValidate": "5", "metric": "rmse"}, "metric", "'rmse' does not judge a classifier"),
        ({"fitParam.0.max_depth": "range(2,9)"}, "fitParam.0.max_depth", "takes a search"),
        ({"fitParam.0.max_depth": "[2,,9]"}, "fitParam.0.max_depth", "nothing to try"),
        ({"fitParam.0.max_depth": "[2,0]"}, "fitParam.0.max_depth", "not '0'"),
    ],
)
def test_what_cannot_be_asked_for_is_a_fault_of_its_option(options, blamed, message):
    """It is known before there is a table; the hint says what else to write."""
    with pytest.raises(OptionFault, match=message) as caught:
        check(**options)
    assert caught.value.option == blamed


def test_what_can_be_asked_for_passes():
    """Also what is not known yet."""
    check(**{"fitParam.0.max_depth": "[2,9]"})
    check(crossValidate="5", metric="AUC", budget="1m", seed="3")
    check(**{"search": "random", "evaluateTable": "t", "trials": "3", "fitParam.0.max_depth": "range(2,9)"})
    check(**{"search": "${how}", "trials": "${n}", "fitParam.0.max_depth": "range(2,9)"})
    check(**{"fitParam.0.max_depth": "[2,${depth}]"})


def test_what_many_candidates_share_is_told_once():
    """One fault for each thing that is wrong, not for each candidate."""
    with pytest.raises(ScriptErrors) as caught:
        check(
            **{
                "fitParam.0.max_depth": "[2,0,-1]",
                "fitParam.0.criterion": "[gini,entropy]",
                "fitParam.0.x": "1",
            }
        )
    assert [each.option for each in caught.value.errors] == ["fitParam.0.x"] + ["fitParam.0.max_depth"] * 2


@pytest.fixture
def trained(scripts):
    """Trains on a table of sixty rows with the options given, and gives the rows of the result."""
    scripts.table("t", ROWS, "a double, b int, label int")

    def train(options):
        return scripts.rows(f'train t as SKLearn.`m` where inputCols="a,b" and ordered="true" and {options};')

    return train


@pytest.mark.spark
def test_every_point_of_a_grid_is_a_model(trained):
    """Counted from 0, each with its own values; a search over the same grid stores the best alone."""
    rows = trained(
        """fitParam.3.alg="DecisionTreeClassifier" and fitParam.3.max_depth="[1,3]"
        and fitParam.5.alg="GaussianNB" and evaluateTable="t" """
    )
    assert [(row["algIndex"], row["status"], row["trainParams"].get("max_depth")) for row in rows] == [
        (0, "success", "1"),
        (1, "success", "3"),
        (2, "success", None),
    ]
    assert [row["modelPath"][-7:] for row in rows] == ["model/0", "model/1", "model/2"]
    assert rows[1]["metrics"] != rows[0]["metrics"]


@pytest.mark.spark
def test_the_best_trial_of_a_search_is_stored_and_can_be_judged_again(scripts, trained):
    """Every trial is a row; ``register`` takes what is stored, and Evaluate judges it on any table."""
    rows = trained(
        """search="random" and trials=4 and crossValidate=3 and metric="accuracy" and seed=1
        and fitParam.0.alg="DecisionTreeClassifier" and fitParam.0.max_depth="range(1,6)"
        and fitParam.1.alg="choice(GaussianNB, BernoulliNB)" """
    )
    accuracy = [{each["name"]: each["value"] for each in row["metrics"]}["accuracy"] for row in rows]
    best = accuracy.index(max(accuracy))
    assert [row["status"] for row in rows] == ["success" if n == best else "judged" for n in range(4)]
    assert [row["modelPath"] is not None for row in rows] == [n == best for n in range(4)]
    assert [row["alg"] for row in rows][::2] == ["DecisionTreeClassifier"] * 2
    (row,) = scripts.rows("register SKLearn.`m` as f;")
    assert row["group"] == best
    with pytest.raises(DataError, match="was judged, not stored") as caught:
        scripts(f'register SKLearn.`m` as f where algIndex="{(best + 1) % 4}";')
    assert caught.value.span.text == f'algIndex="{(best + 1) % 4}"'
    (found,) = scripts.rows(
        "select f(a, b) as guess, label from t as s; select avg(int(guess = label)) as x from s;"
    )
    (scores,) = scripts.rows('run t as Evaluate.`m` where metrics="ACCURACY, auc";')
    assert list(scores) == ["accuracy", "auc"]
    assert scores["accuracy"] == pytest.approx(found["x"], abs=1e-9)
    for options, blamed in (
        ('metrics="acuracy"', 'metrics="acuracy"'),
        ('algIndex="77"', 'algIndex="77"'),
    ):
        with pytest.raises((OptionFault, DataError)) as caught:
            scripts(f"run t as Evaluate.`m` where {options};")
        assert caught.value.span.text == blamed
    scripts("select a from t as narrow;")
    with pytest.raises(DataError, match="the table has no column 'b'") as caught:
        scripts("run narrow as Evaluate.`m`;")
    assert caught.value.span.text == "Evaluate"


@pytest.mark.spark
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ('crossValidate="1"', InvalidOption, "a whole number from 2"),
        ('search="grid" and crossValidate="2"', InvalidOption, "random"),
        ('crossValidate="2" and failOnError="true"', DataError, "1 of 2 models could not be trained"),
    ],
)
def test_what_goes_wrong_stores_nothing(scripts, trained, tmp_path, options, error, message):
    """Neither a wrong option nor, with failOnError, a candidate that fails."""
    with pytest.raises(error, match=message):
        trained(
            f"""{options} and fitParam.0.alg="GaussianNB" and fitParam.1.alg="NuSVC" and fitParam.1.nu=1"""
        )
    assert not (tmp_path / "m").exists()
