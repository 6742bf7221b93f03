"""What every trainer must do."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import builtins
from mlsql.bridge.trainers.tensorflow.networks import NETWORKS
from mlsql.bridge.training import class_of
from mlsql.errors import ScriptErrors
from mlsql.models.manifest import Column

SCRIPT = """
def train(data, params, run):
    from sklearn.linear_model import LogisticRegression
    return LogisticRegression(C=params.number("C", default=2)).fit(*data.arrays())
"""
CASES = {
    "LightGBM": {
        "good": {"n_estimators": "3"},
        "bad": {"n_estimators": "many", "trees": "3"},
    },
    "PythonAlg": {
        "good": {"script": SCRIPT, "scriptName": "train.py", "kind": "classifier"},
        "bad": {"script": "def train(", "kind": "model"},
    },
    "SKLearn": {
        "good": {"alg": "LogisticRegression", "C": "2"},
        "bad": {"alg": "LogisticRegression", "C": "much", "D": "1"},
    },
    "TensorFlow": {
        "good": {"alg": "FCClassify", "layerGroup": "4", "epochs": "2"},
        "bad": {"alg": "FCClassify", "layerGroup": "four", "layers": "4"},
    },
    "XGBoostExt": {
        "good": {"n_estimators": "3"},
        "bad": {"n_estimators": "many", "trees": "3"},
    },
}


@pytest.fixture(params=[name for name in builtins() if name not in NETWORKS])
def trainer(request):
    """Each of the trainers that come with this package, all networks as one."""
    return builtins().get(request.param)


@pytest.fixture
def good(request, trainer):
    """Parameters of a classifier that trains fast."""
    return CASES[request.node.callspec.params["trainer"]]["good"]


@pytest.fixture
def bad(request, trainer):
    """Parameters of which two cannot be."""
    return CASES[request.node.callspec.params["trainer"]]["bad"]


class Listener:
    """A run to which one may tell anything."""

    def progress(self, doing, share=None):
        """Nothing."""

    def log(self, message, level="info"):
        """Nothing."""

    def metric(self, name, value):
        """Nothing."""


@pytest.fixture
def dataset(tmp_path):
    """Two clouds of points with their label."""
    random = np.random.default_rng(1)
    label = random.integers(0, 2, 60)
    table = pa.table({"a": random.normal(size=60) + label, "b": random.normal(size=60), "label": label})
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    features = (Column("a", "double"), Column("b", "double"))
    return Dataset.open(tmp_path / "t.arrow", Columns("columns", features, Column("label", "bigint")))


def test_good_parameters_pass(trainer, good):
    """Checking gives nothing and raises nothing."""
    assert trainer.check(good) is None
    assert trainer.kind(good) == "classifier"


def test_bad_parameters_are_named_each(trainer, bad):
    """All at once, without the prefix that the script wrote."""
    with pytest.raises(ScriptErrors) as caught:
        trainer.check(bad)
    assert {fault.option for fault in caught.value.errors} == set(bad) - {"alg"}
    assert all(isinstance(fault, OptionFault) for fault in caught.value.errors)


def test_a_worker_can_make_it_by_name(trainer):
    """Its class is importable and takes no arguments."""
    from pkgutil import resolve_name

    assert resolve_name(class_of(trainer))() == trainer


def test_the_same_data_gives_the_same_answers(trainer, good, dataset):
    """A fit has no randomness of its own."""
    trainer.prepare(good)
    first, second = (trainer.train(dataset, good, Listener()).answers(dataset) for _ in range(2))
    np.testing.assert_array_equal(first.guess, second.guess)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_what_it_fitted_is_described(trainer, good, dataset):
    """Kind, classes, width, the type of an answer, the versions of its libraries."""
    traits = trainer.train(dataset, good, Listener()).traits
    assert (traits.kind, traits.features, traits.answer, traits.classes) == (
        "classifier",
        2,
        "bigint",
        (0, 1),
    )
    assert traits.libraries
    json.dumps([traits.classes, dict(traits.libraries)])


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
def test_what_is_stored_answers_as_what_was_fitted(trainer, good, dataset, tmp_path):
    """Loaded, it says the same and is the same."""
    fitted = trainer.train(dataset, good, Listener())
    fitted.save(tmp_path / "model")
    loaded = trainer.load(tmp_path / "model", dataset.columns)
    np.testing.assert_array_equal(loaded.answers(dataset).guess, fitted.answers(dataset).guess)
    np.testing.assert_array_equal(
        loaded.answers(dataset).probabilities, fitted.answers(dataset).probabilities
    )
    assert loaded.traits == fitted.traits


def test_of_what_it_does_not_know_no_list_is_a_value(trainer):
    """Asking raises nothing."""
    assert not trainer.takes_list({}, "nothing")
    assert not trainer.takes_list({"alg": "Nobody"}, "a__b")


def test_checking_imports_none_of_its_libraries(trainer, good):
    """Nor Spark: the driver checks in milliseconds."""
    module, _, name = class_of(trainer).partition(":")
    program = (
        f"import sys; from {module} import {name}\n{name}().check({dict(good)!r})\n"
        "heavy = {'sklearn', 'tensorflow', 'numpy', 'pandas', 'pyarrow', 'mlflow', 'pyspark'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
