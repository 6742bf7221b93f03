"""scikit-learn in the worker: what it fits, says and stores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, KMeans
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.errors import ScriptErrors
from mlsql.models.manifest import Column


class Listener:
    """A run that keeps the log lines."""

    def __init__(self):
        self.lines = []

    def log(self, message, level="info"):
        """Keep the line."""
        self.lines.append((message, level))


@pytest.fixture
def dataset(arrow_file):
    """A function that makes a dataset of a matrix and labels, in either form."""

    def make(matrix, label=None, *, form="columns", weight=None, label_type="bigint"):
        names = [f"x{number}" for number in range(matrix.shape[1])]
        if form == "columns":
            columns = dict(zip(names, matrix.T, strict=True))
            features = tuple(Column(name, "double") for name in names)
        else:
            columns = {"features": list(matrix)}
            features = (Column("features", "array<double>"),)
        extra = {"label": label, "weight": weight}
        file = arrow_file(**columns, **{name: value for name, value in extra.items() if value is not None})
        of_label = None if label is None else Column("label", label_type)
        of_weight = None if weight is None else Column("weight", "double")
        return Dataset.open(file, Columns(form, features, of_label, of_weight))

    return make


@pytest.mark.parametrize("form", ["columns", "features"])
@pytest.mark.parametrize(
    ("params", "by_hand"),
    [
        ({"alg": "LogisticRegression", "C": "0.5"}, LogisticRegression(C=0.5)),
        (
            {
                "alg": "RandomForestClassifier",
                "n_estimators": "10",
                "random_state": "3",
                "max_features": "sqrt",
            },
            RandomForestClassifier(n_estimators=10, random_state=3, max_features="sqrt"),
        ),
        (
            {"alg": "HistGradientBoostingClassifier", "max_iter": "5"},
            HistGradientBoostingClassifier(max_iter=5),
        ),
        (
            {"alg": "SVC", "class_weight": '{"0":1,"1":3}', "kernel": "linear"},
            SVC(class_weight={0: 1, 1: 3}, kernel="linear"),
        ),
        (
            {"alg": "BaggingClassifier", "estimator": "DecisionTreeClassifier", "estimator__max_depth": "2"}
            | {"random_state": "1", "estimator__class_weight": '{"0":1,"1":9}'},
            BaggingClassifier(DecisionTreeClassifier(max_depth=2, class_weight={0: 1, 1: 9}), random_state=1),
        ),
        ({"alg": "Ridge", "alpha": "2"}, Ridge(alpha=2)),
        (
            {"alg": "GradientBoostingRegressor", "n_estimators": "5", "random_state": "0"},
            GradientBoostingRegressor(n_estimators=5, random_state=0),
        ),
        (
            {"alg": "MLPRegressor", "hidden_layer_sizes": "(5,2)", "random_state": "0", "solver": "lbfgs"},
            MLPRegressor(hidden_layer_sizes=(5, 2), random_state=0, solver="lbfgs"),
        ),
        ({"alg": "KMeans", "n_clusters": "2", "random_state": "4"}, KMeans(n_clusters=2, random_state=4)),
    ],
)
def test_the_result_is_that_of_scikit_learn_by_hand(dataset, points, params, by_hand, form):
    """The same rows give the same answers and probabilities to 1e-9, with either form of features."""
    matrix, label = points
    data = dataset(matrix, label, form=form)
    answers = TRAINER.train(data, params, Listener()).answers(data)
    by_hand.fit(matrix, label)
    np.testing.assert_allclose(answers.guess, by_hand.predict(matrix), rtol=0, atol=1e-9)
    if hasattr(by_hand, "predict_proba"):
        np.testing.assert_allclose(answers.probabilities, by_hand.predict_proba(matrix), rtol=0, atol=1e-9)


def test_without_a_random_state_the_model_is_the_same_every_time(dataset, points):
    """The generator that scikit-learn falls back on is seeded before each fit."""
    data = dataset(*points)
    params = {"alg": "RandomForestClassifier", "n_estimators": "5"}
    first, second = (TRAINER.train(data, params, Listener()).answers(data) for _ in range(2))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


@pytest.mark.parametrize(
    ("label", "kind", "answer", "classes", "weights"),
    [
        (np.array([0, 1] * 60), "int", "int", (0, 1), '{"0": 1, "1": 5}'),
        (np.array([0.0, 1.0] * 60), "double", "double", (0.0, 1.0), '{"0": 1, "1": 5}'),
        (["no", "yes"] * 60, "string", "string", ("no", "yes"), '{"no": 1, "yes": 5}'),
        ([False, True] * 60, "boolean", "boolean", (False, True), '{"false": 1, "true": 5}'),
    ],
)
def test_classes_and_their_weights_are_in_the_type_of_the_label(
    dataset, points, label, kind, answer, classes, weights
):
    """Whole numbers, doubles, texts and booleans: the answers, the classes, the keys of class_weight."""
    params = {"alg": "LogisticRegression", "class_weight": weights}
    fitted = TRAINER.train(dataset(points[0], label, label_type=kind), params, Listener())
    assert (fitted.traits.answer, fitted.traits.classes) == (answer, classes)
    assert [type(each) for each in fitted.traits.classes] == [type(each) for each in classes]
    by_hand = LogisticRegression(class_weight={classes[0]: 1, classes[1]: 5}).fit(points[0], np.array(label))
    assert fitted.answers(dataset(points[0], label)).guess.tolist() == by_hand.predict(points[0]).tolist()


def test_a_class_that_is_not_there_has_no_weight(dataset, points):
    """The fault names it, and the classes that are there."""
    with pytest.raises(OptionFault, match="the class '2'") as caught:
        TRAINER.train(dataset(*points), {"alg": "SVC", "class_weight": '{"2": 1}'}, Listener())
    assert caught.value.hint == "its classes: '0', '1'"


def test_rows_are_weighed_where_there_are_weights(dataset, points):
    """As ``sample_weight`` does by hand; an estimator that takes none says so."""
    matrix, label = points
    weight = np.linspace(0, 3, len(label))
    data = dataset(matrix, label, weight=weight)
    guess = TRAINER.train(data, {"alg": "LogisticRegression"}, Listener()).answers(data)
    by_hand = LogisticRegression().fit(matrix, label, sample_weight=weight)
    np.testing.assert_allclose(guess.probabilities, by_hand.predict_proba(matrix), rtol=0, atol=1e-9)
    with pytest.raises(OptionFault, match="KNeighborsClassifier takes no weights"):
        TRAINER.train(data, {"alg": "KNeighborsClassifier"}, Listener())


def test_a_clusterer_needs_no_label(dataset, points):
    """And its answers are whole numbers."""
    data = dataset(points[0])
    fitted = TRAINER.train(data, {"alg": "KMeans", "n_clusters": "2"}, Listener())
    assert (fitted.traits.kind, fitted.traits.answer, fitted.traits.classes) == ("clusterer", "int", None)
    assert set(fitted.answers(data).guess.tolist()) == {0, 1}


def test_a_clusterer_that_cannot_predict_says_so(dataset, points):
    """It is fitted all the same."""
    run = Listener()
    fitted = TRAINER.train(dataset(points[0]), {"alg": "DBSCAN", "eps": "0.7"}, run)
    assert fitted.estimator.labels_.tolist() == DBSCAN(eps=0.7).fit(points[0]).labels_.tolist()
    assert fitted.answers(dataset(points[0])) is None
    assert run.lines == [
        ("DBSCAN labels the rows that it is fitted on and cannot predict for others", "warning")
    ]


def test_what_old_scripts_say_has_no_effect(dataset, points):
    """It is accepted with a line in the log."""
    run = Listener()
    TRAINER.train(dataset(*points), {"alg": "LogisticRegression", "labelSize": "2"}, run)
    assert run.lines == [("the parameter 'labelSize' has no effect any more", "info")]


def test_without_an_estimator_nothing_can_be_trained():
    """The fault is that of ``alg``."""
    with pytest.raises(OptionFault, match="needs an estimator") as caught:
        TRAINER.check({})
    assert caught.value.option == "alg"


def test_everything_that_is_wrong_is_told_at_once():
    """Two faults are ScriptErrors."""
    with pytest.raises(ScriptErrors) as caught:
        TRAINER.check({"alg": "Ridge", "alpha": "x", "betta": "1"})
    assert [fault.option for fault in caught.value.errors] == ["alpha", "betta"]


def test_the_kind_follows_from_the_estimator():
    """Which metrics judge it, and whether it needs a label."""
    kinds = [TRAINER.kind({"alg": alg}) for alg in ("SVC", "SVR", "KMeans")]
    assert kinds == ["classifier", "regressor", "clusterer"]


def test_checking_imports_no_library():
    """The driver does not pay for scikit-learn."""
    program = (
        "import sys; from mlsql.bridge.trainer import builtins\n"
        "builtins().get('SKLearn').check({'alg': 'SVC', 'C': '2'})\n"
        "assert not {'sklearn', 'numpy', 'pandas', 'pyarrow', 'mlflow', 'pyspark'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


_SAVE = """
import json, sys
from pathlib import Path
from mlsql.bridge.dataset import Dataset
from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.models.manifest import Column
folder = Path(sys.argv[1])
for name, params, columns in json.loads(sys.argv[2]):
    features = tuple(Column(*each) for each in columns["features"])
    label = Column(*columns["label"]) if columns["label"] else None
    data = Dataset.open(folder / (name + ".arrow"), Columns(columns["form"], features, label))
    TRAINER.train(data, params, None).save(folder / name)
"""
_LOAD = """
import json, sys
sys.modules.update(dict.fromkeys(["mlsql", "pyspark", "lark"]))  # importing them is an ImportError
import mlflow.pyfunc, numpy, pandas
for name, columns in json.loads(sys.stdin.read()):
    model = mlflow.pyfunc.load_model(sys.argv[1] + "/" + name)
    given = numpy.array(columns) if isinstance(columns, list) else pandas.DataFrame(columns)
    print(json.dumps([numpy.asarray(model.predict(given)).tolist(), str(model.metadata.signature)]))
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Models stored by one process and asked by another that has MLflow and scikit-learn, but not us.

    By name: (what the stored model answers, its signature, what scikit-learn answers by hand).
    """
    import pyarrow as pa

    folder = tmp_path_factory.mktemp("stored")
    random = np.random.default_rng(3)
    columns = {
        "size": random.normal(size=80),
        "rooms": random.integers(0, 9, 80),
        "garden": random.integers(0, 2, 80).astype(bool),
    }
    matrix = np.column_stack(list(columns.values())).astype("float64")
    price, sold = matrix @ [3, 1, 2], np.where(matrix[:, 0] > 0, "yes", "no")
    types = [("size", "double"), ("rooms", "int"), ("garden", "boolean")]
    shuffled = {name: columns[name].tolist() for name in ("garden", "size", "rooms")} | {"extra": [0] * 80}
    vectors = [("features", "array<double>")]
    cases = {
        "columns": ({"alg": "SVC"}, types, ("sold", "string"), shuffled, SVC().fit(matrix, sold)),
        "features": (
            {"alg": "Ridge"},
            vectors,
            ("price", "double"),
            matrix.tolist(),
            Ridge().fit(matrix, price),
        ),
        "cluster": (
            {"alg": "KMeans", "random_state": "0"},
            types,
            None,
            shuffled,
            KMeans(random_state=0).fit(matrix),
        ),
        "transform": (
            {"alg": "OneHotEncoder", "handle_unknown": "ignore"},
            types,
            None,
            shuffled,
            OneHotEncoder(handle_unknown="ignore").fit(matrix),
        ),
        "rank": (
            {"alg": "RFE", "estimator": "Ridge", "n_features_to_select": "2"},
            vectors,
            ("price", "double"),
            matrix.tolist(),
            RFE(Ridge(), n_features_to_select=2).fit(matrix, price),
        ),
    }
    table = pa.table({**columns, "features": list(matrix), "price": price, "sold": sold})
    jobs = []
    for name, (params, features, label, _, _) in cases.items():
        with (
            pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as file,
        ):
            file.write_table(table)
        form = "features" if features is vectors else "columns"
        jobs.append((name, params, {"form": form, "features": features, "label": label}))
    _python(_SAVE, folder, json.dumps(jobs))
    asked = json.dumps([(name, given) for name, (_, _, _, given, _) in cases.items()])
    told = [json.loads(line) for line in _python(_LOAD, folder, text=asked).splitlines()]
    by_hand = {name: _answered(estimator, matrix) for name, (*_, estimator) in cases.items()}
    return folder, {name: (*answer, by_hand[name]) for name, answer in zip(cases, told, strict=True)}


def _answered(estimator, matrix):
    """What it transforms *matrix* into where it does, else what it predicts."""
    if not hasattr(estimator, "transform") or isinstance(estimator, KMeans):
        return estimator.predict(matrix)
    answers = estimator.transform(matrix)
    return answers.toarray() if hasattr(answers, "toarray") else answers


def _python(program, *arguments, text=""):
    """What *program* prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stored_model_of_columns_takes_them_by_name(stored):
    """Double, whole number and boolean columns in any order, beside others; the answers are those by hand."""
    answers, signature, by_hand = stored[1]["columns"]
    assert answers == by_hand.tolist()
    assert "['size': double (required), 'rooms': long (required), 'garden': boolean (required)]" in signature


def test_a_stored_model_of_features_takes_a_matrix(stored):
    """Its signature is a tensor of that width."""
    answers, signature, by_hand = stored[1]["features"]
    np.testing.assert_allclose(answers, by_hand, rtol=0, atol=1e-9)
    assert "Tensor('float64', (-1, 3))" in signature


def test_a_stored_clusterer_answers_as_by_hand(stored):
    """The numbers of the clusters."""
    answers, _, by_hand = stored[1]["cluster"]
    assert answers == by_hand.tolist()


@pytest.mark.parametrize("name", ["transform", "rank"])
def test_a_stored_transformer_answers_what_it_transforms(stored, name):
    """As a matrix, also where it is sparse by hand, or the estimator predicts too."""
    answers, _, by_hand = stored[1][name]
    np.testing.assert_allclose(answers, by_hand, rtol=0, atol=1e-9)


def test_a_stored_model_says_what_it_needs(stored):
    """Exact versions of scikit-learn and what loading takes, and nothing of ours."""
    folder: Path = stored[0]
    wanted = (folder / "columns" / "requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in wanted] == [
        "mlflow", "scikit-learn", "numpy", "scipy", "pandas", "cloudpickle"
    ]  # fmt: skip
    assert all("==" in line for line in wanted)
    assert b"mlsql" not in (folder / "columns" / "model.pkl").read_bytes()


def test_a_stored_model_has_an_example(stored):
    """A few rows of the training, in the types of their columns."""
    example = json.loads((stored[0] / "columns" / "input_example.json").read_text())
    assert example["columns"] == ["size", "rooms", "garden"]
    assert [type(value) for value in example["data"][0]] == [float, int, bool]
