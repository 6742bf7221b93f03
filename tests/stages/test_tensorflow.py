"""Networks of TensorFlow in scripts: trained, judged, called, told what is wrong."""

from __future__ import annotations

import pytest

from mlsql.errors import MlsqlError
from mlsql.stages.algorithms.descriptions import (
    ATTENTION_LSTM_CLASSIFY,
    CNN_CLASSIFY,
    FC_CLASSIFY,
    FC_REGRESS,
    LSTM_REGRESS,
    TENSORFLOW,
)

pytestmark = pytest.mark.spark

POINTS = """
select id % 10 as x, id % 7 as y, if(id % 10 > 4, "large", "small") as label from range(200) as points;
"""


@pytest.fixture(scope="module")
def model(engine, tmp_path_factory):
    """Where two networks lie; the test's own ones would each cost a worker."""
    path = tmp_path_factory.mktemp("networks") / "m"
    engine.run(
        POINTS
        + """
        train points as FCClassify.`${path}` where inputCols="x,y" and evaluateTable="points"
          and ordered="true" and fitParam.0.layerGroup="[16,8]" and fitParam.0.epochs="20"
          and fitParam.0.learningRate="0.02" and fitParam.1.layerGroup="2" and fitParam.1.epochs="1";
        """,
        parameters={"path": str(path)},
        fresh=True,
    )
    return path


@pytest.fixture
def scripts(scripts, model):
    """With that model as `m`, and the table that it was made of."""
    scripts(POINTS)
    (scripts.path / "m").symlink_to(model)
    return scripts


def test_a_network_is_called_like_any_model(scripts):
    """The best of the groups, its probabilities, the answers of all; and judged on any table."""
    (row,) = scripts.rows(
        """
        register FCClassify.`m` as f where autoSelectByMetric="accuracy";
        select count_if(f(x, y) = label) / count(*) as right,
          max(abs(aggregate(f_proba(x, y), 0.0D, (sum, each) -> sum + each) - 1)) as off,
          max(size(f_all(x, y))) as candidates, count_if(f(null, y) is not null) as answered
        from points as scored;
        """
    )
    assert row["right"] > 0.9
    assert row["off"] < 1e-9
    assert (row["candidates"], row["answered"]) == (2, 0)


def test_a_network_predicts_and_is_judged(scripts):
    """By the same metrics as every classifier."""
    (row,) = scripts.rows(
        """
        run points as Evaluate.`m` where metrics="accuracy,auc" as scores;
        predict points as FCClassify.`m` as answered;
        select first(accuracy) as accuracy, count_if(prediction = label) / count(*) as right
        from scores cross join answered as both;
        """
    )
    assert row["accuracy"] == pytest.approx(row["right"])


def test_a_network_goes_on_from_a_stored_one(scripts):
    """Steps too short to learn anything leave it as good as it was; another one than that is told so."""
    same, other = scripts.rows(
        """
        train points as FCClassify.`n` where inputCols="x,y" and initialModel="m" and evaluateTable="points"
          and ordered="true" and fitParam.0.layerGroup="16,8" and fitParam.0.epochs="1"
          and fitParam.0.learningRate="0.000001" and fitParam.1.layerGroup="4" and fitParam.1.epochs="1";
        """
    )
    assert same["status"] == "success", same["message"]
    assert {each["name"]: each["value"] for each in same["metrics"]}["accuracy"] > 0.9
    assert other["status"] == "fail"
    assert "initialModel is a network of other layers" in other["message"]


def test_a_network_of_ones_own_comes_from_a_variable(scripts):
    """The example of the algorithm as it stands: built in a worker, stored, called."""
    (row,) = scripts.rows(TENSORFLOW.example)
    assert row["status"] == "success", row["message"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "train points as FCClassify.`n` where {} and fitParam.0.layerGroups='3';",
            "no option 'layerGroups'",
        ),
        ("train points as TensorFlow.`n` where {} and fitParam.0.alg='CNNClasify';", "no network is called"),
        (
            "set net='def bild(): pass'; train points as TensorFlow.`n` where {} and scripts='net';",
            "no build",
        ),
        ("train points as FCClassify.`n` where {} and scripts='net';", "FCClassify takes no script"),
    ],
)
def test_what_cannot_be_is_told_before_a_worker_starts(scripts, statement, message):
    """At its option."""
    with pytest.raises(MlsqlError) as told:
        scripts(statement.format("inputCols='x,y'"))
    assert message in told.value.message
    assert told.value.span is not None


def test_the_parameters_of_a_network_are_listed(scripts):
    """As its options are declared."""
    for name in ("FCClassify", "TensorFlow.fcclassify"):
        rows = {row["param"]: row for row in scripts.rows(f"load modelParams.`{name}` as t;")}
        assert rows["layerGroup"]["default"] == "300"
        assert rows["learningRate"]["type"] == "a number of more than 0"


@pytest.mark.slow
@pytest.mark.parametrize(
    "described",
    [FC_CLASSIFY, FC_REGRESS, CNN_CLASSIFY, ATTENTION_LSTM_CLASSIFY, LSTM_REGRESS],
    ids=lambda each: each.doc,
)
def test_the_example_of_a_network_runs_as_it_stands(scripts, described):
    """In a folder of its own."""
    assert scripts(described.example) is not None


@pytest.mark.slow
def test_networks_are_cross_validated(scripts):
    """A grid of sizes, judged by folds; the best is fitted again."""
    rows = scripts.rows(
        """train points as FCClassify.`n` where inputCols="x,y" and crossValidate="2" and ordered="true"
        and fitParam.0.layerGroup="[[4],[16,8]]" and fitParam.0.epochs="10"
        and fitParam.0.learningRate="0.02";"""
    )
    assert sorted(row["status"] for row in rows) == ["judged", "success"]
