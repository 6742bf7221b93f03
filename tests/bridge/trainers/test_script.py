"""Scripts of the user's own: what is told before they run, what they are given, what is stored of them."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import DataFault, OptionFault, WorkerError
from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.script import TRAINER
from mlsql.bridge.trainers.script_text import ScriptText
from mlsql.bridge.trainers.script_tools import ScriptParams
from mlsql.models.manifest import Column
from mlsql.udf.predictors.stored import find_predictor, loaded

MEAN = """
def train(data, params, run):
    return data.inputs()["a"].mean()

def predict(model, frame):
    return {answer}
"""
PIPELINE = """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

class Square(BaseEstimator, TransformerMixin):
    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return x * x

def train(data, params, run):
    x, y = data.arrays()
    return make_pipeline(Square(), LogisticRegression()).fit(x, y)
"""


class Listener:
    """A run that keeps what it is told."""

    def __init__(self):
        self.told = []

    def progress(self, doing, share=None):
        """Keep it."""
        self.told.append((doing, share))

    def log(self, message, level="info"):
        """Keep it."""
        self.told.append((message, level))

    def metric(self, name, value):
        """Keep it."""
        self.told.append((name, value))


@pytest.fixture
def points(arrow_file):
    """Sixty rows of two numbers, a text and a boolean, with a label of zeros and ones."""
    label = np.arange(60) % 2
    file = arrow_file(
        a=np.linspace(-1, 1, 60) + label,
        b=np.arange(60),
        city=["Rome", "Oslo", None] * 20,
        open=[True, False] * 30,
        label=label,
    )
    kinds = {"a": "double", "b": "bigint", "city": "string", "open": "boolean"}

    def make(*names, invalid="keep"):
        features = tuple(Column(name, kinds[name]) for name in names)
        return Dataset.open(file, Columns("columns", features, Column("label", "bigint"), invalid=invalid))

    return make


@pytest.fixture
def fit():
    """A function that runs a script, called ``t.py``, on some data."""

    def run(text, data, listener=None, **params):
        given = {"script": text, "scriptName": "t.py", **params}
        TRAINER.check(given)
        return TRAINER.train(data, given, listener or Listener())

    return run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def train(data:\n    pass", "t.py:1: no Python: "),
        ("x = 1\n\ndef fit(data, params, run): ...", "t.py defines no train(data, params, run)"),
        ("def train(data): ...", "t.py:1: train(data) is called with (data, params, run)"),
        ("def train(data, params, run, *, seed): ...", "t.py:1: train(data, params, run, *, seed) is called"),
        ("def train(*all): ...\ndef predict(model): ...", "t.py:2: predict(model) is called"),
        ("train = None\0", "t.py: no Python: source code string cannot contain null bytes"),
    ],
)
def test_a_script_that_cannot_train_is_told_without_running_it(text, message):
    """With its line; the option that is to blame is that of the script."""
    with pytest.raises(OptionFault) as told:
        TRAINER.check({"script": text, "scriptName": "t.py"})
    assert told.value.message.startswith(message)
    assert told.value.option == "script"


@pytest.mark.parametrize(
    "text",
    [
        "def train(data, params, run, seed=0): ...",
        "from somewhere import train",
        "try:\n    import fast as train\nexcept ImportError:\n    def train(*given): ...",
        "raise SystemExit\ndef train(data, params, run): ...",
    ],
)
def test_a_script_may_define_its_functions_in_any_way(text):
    """It is not run to find out."""
    TRAINER.check({"script": text})


def test_a_script_of_older_engines_is_shown_the_way():
    """It read its parameters from a module."""
    with pytest.raises(OptionFault) as told:
        TRAINER.check({"script": 'import mlsql\nalpha = mlsql.fit_param["alpha"]'})
    assert "docs/training/old-scripts.md" in told.value.hint


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("frame['a'] > model", "boolean"),
        ("(frame['a'] > model).astype(int)", "bigint"),
        ("frame[['a']].to_numpy()", "double"),
        ("[str(each) for each in frame['a']]", "string"),
        ("frame['city'].fillna('nowhere')", "string"),
        ("[[each, 1] for each in frame['a']]", "array<double>"),
        ("[model] * len(frame)", "double"),
    ],
)
def test_the_type_of_an_answer_is_that_of_the_first_rows(fit, points, answer, kind):
    """Whatever holds the answers: a list, an array, a series."""
    fitted = fit(MEAN.format(answer=answer), points("a", "city"))
    assert fitted.traits.answer == kind


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("frame['a'][:3]", "t.py: predict gave 3 answers for 20 rows"),
        ("model", "t.py: predict gave one answer for 20 rows"),
        ("[{}] * len(frame)", "t.py: predict gave answers of the type dict"),
        ("[[1] * (n + 1) for n in range(len(frame))]", "t.py: predict gave lists of different lengths"),
        ("frame['c']", "t.py:6 in predict: KeyError: 'c'"),
    ],
)
def test_answers_that_no_column_can_hold_are_told(fit, points, answer, message):
    """When the model is fitted, not when it is called."""
    with pytest.raises(WorkerError) as told:
        fit(MEAN.format(answer=answer), points("a"))
    assert told.value.message.startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return {'a': 1}", "t.py: train returned a dict, which has no predict; define predict"),
        ("return None", "t.py: train returned nothing"),
        ("return 1 / 0", "t.py:2 in train: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "t.py:2 in train: SystemExit: 3"),
        ("return params['alpha']", "t.py:2 in train: KeyError: 'alpha'"),
        ("return params.integer('k')", "t.py:2 in train: the parameter 'k' takes a whole number, not 'x'"),
        ("return params.number('rate')", 't.py:2 in train: it needs the parameter rate: fitParam.rate="…"'),
        ("return data.path", 't.py:2 in train: data.path is there with enableDataLocal="true"'),
        ("return sorted(1, key=lambda: 0)", "t.py:2 in train: TypeError"),
    ],
)
def test_what_a_script_raises_is_told_with_its_line(fit, points, body, message):
    """Its own, not that of the library that it called."""
    with pytest.raises(WorkerError) as told:
        fit(f"def train(data, params, run):\n    {body}", points("a"), k="x")
    assert told.value.message.startswith(message)


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
def test_a_model_that_cannot_be_pickled_is_told(fit, points, tmp_path):
    """It was fitted, but cannot be kept."""
    text = "import threading\ndef train(*all): return threading.Lock()\ndef predict(m, f): return f['a']"
    with pytest.raises(WorkerError, match="what train returned cannot be pickled: TypeError"):
        fit(text, points("a")).save(tmp_path / "model")


def test_functions_get_the_columns_in_the_types_of_a_call(fit, points):
    """Numbers are doubles, texts and booleans stay, and a kept null is None or NaN."""
    text = "def train(*all): return 0\ndef predict(m, f): return [str(f.dtypes.to_dict())] * len(f)"
    (kinds,) = set(fit(text, points("b", "city", "open", invalid="skip")).answers(points("b")).guess)
    assert kinds == str({"b": np.dtype("float64")})
    data = points("b", "city", "open", invalid="skip")
    (kinds,) = set(fit(text, data).answers(data).guess)
    assert kinds == str({"b": np.dtype("float64"), "city": np.dtype("O"), "open": np.dtype("bool")})


def test_what_a_script_tells_goes_to_the_run(fit, points):
    """Metrics stand in the traits too, each as it was last."""
    text = """
def train(data, params, run):
    run.progress("half", 0.5)
    run.log(data.rows)
    run.metric("loss", 2)
    run.metric("loss", 1)
    return dict(params)
def predict(model, frame):
    return [" ".join(model)] * len(frame)
"""
    listener = Listener()
    more = {"resource.words": "/w", "dataLocalFormat": "csv", "depth": "3"}
    fitted = fit(text, points("a"), listener, **more)
    assert listener.told == [("half", 0.5), ("60", "info"), ("loss", 2.0), ("loss", 1.0)]
    assert fitted.traits.measured == {"loss": 1.0}
    assert fitted.answers(points("a")).guess[0] == "depth"


def test_parameters_are_read_as_what_they_are():
    """With a default where there may be none."""
    params = ScriptParams({"n": "3", "rate": "1e-3", "deep": "True", "name": "x"})
    assert (params.integer("n"), params.number("rate"), params.boolean("deep"), params.text("name")) == (
        3,
        0.001,
        True,
        "x",
    )
    assert (params.integer("m", default=1), params.boolean("wide", default=False)) == (1, False)


@pytest.mark.parametrize(("form", "read"), [("json", "json"), ("csv", "csv"), ("parquet", "parquet")])
@pytest.mark.parametrize("files", [None, "3"])
def test_the_rows_can_be_had_as_files(fit, points, form, read, files):
    """All columns, in the same order, in one file or in a folder of several."""
    how = ", lines=True" if form == "json" else ""
    text = f"""
import pandas as pd
def train(data, params, run):
    parts = sorted(data.path.iterdir()) if data.path.is_dir() else [data.path]
    frames = [pd.read_{read}(part{how}) for part in parts]
    assert data.path == data.path
    return len(parts), pd.concat(frames, ignore_index=True)
def predict(model, frame):
    count, whole = model
    return [f"{{count}} {{list(whole)}} {{whole['label'].sum()}} {{whole['a'].iloc[-1]:.3f}}"] * len(frame)
"""
    more = {"dataLocalFormat": form} | ({"dataLocalFileNum": files} if files else {})
    answer = fit(text, points("a", "city"), **more).answers(points("a", "city")).guess[0]
    assert answer == f"{files or 1} ['a', 'b', 'city', 'open', 'label'] 30 2.000"


def test_csv_holds_no_arrays(fit, arrow_file):
    """The formats that do are named."""
    file = arrow_file(features=[[1.0, 2.0]] * 5, label=[1, 0, 1, 0, 1])
    data = Dataset.open(file, Columns("features", (Column("features", "array<double>"),)))
    with pytest.raises(WorkerError, match="a CSV file cannot hold the arrays of the column 'features'"):
        fit("def train(data, params, run): return data.path", data, dataLocalFormat="csv")


def test_an_estimator_knows_what_kind_it_is(fit, points):
    """And has probabilities; anything else is what the parameter says."""
    fitted = fit(PIPELINE, points("a", "b"), kind="regressor")
    assert (fitted.traits.kind, fitted.traits.classes) == ("classifier", (0, 1))
    assert fitted.answers(points("a", "b")).probabilities.shape == (60, 2)
    other = fit(MEAN.format(answer="frame['a']"), points("a"), kind="regressor")
    assert (other.traits.kind, other.traits.classes) == ("regressor", None)


def test_the_folder_of_a_candidate_goes_with_it(fit, points):
    """Code, rows as files and what was left; ``sys.path`` is what it was."""
    gc.collect()  # what an earlier test has left
    before = list(sys.path)
    fitted = fit(MEAN.format(answer="frame['a']"), points("a"))
    folder = fitted.workplace.folder
    assert folder.is_dir()
    del fitted
    assert not folder.exists()
    assert sys.path == before


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """A function that loads models by MLflow where neither we nor Spark can be imported."""
    program = """
import json, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mlsql", "pyspark", "lark"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import mlflow.pyfunc, numpy as np, pandas as pd
frame = pd.DataFrame({"a": [-3.0, 0.5, 3.0], "b": [1.0, 2.0, 3.0]})
given = {"frame": frame, "matrix": frame.to_numpy()}
print(json.dumps([np.asarray(mlflow.pyfunc.load_model(p).predict(given[k])).tolist()
                  for k, p in zip(sys.argv[1::2], sys.argv[2::2])]))
"""

    def predict(*models):
        command = [sys.executable, "-P", "-W", "ignore", "-c", program, *models]
        folder = tmp_path_factory.mktemp("outside")
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True, cwd=folder)
        return json.loads(done.stdout.strip().splitlines()[-1])

    return predict


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
def test_a_stored_model_answers_the_same_everywhere(fit, points, arrow_file, outside, tmp_path):
    """Through our predictor and through MLflow alone: a class, a function, a pipeline; frame and matrix."""
    text = """
class Cut:
    def __init__(self, at):
        self.at = at
    def predict(self, frame):
        return (frame["a"] > self.at).astype(int)
def train(data, params, run):
    (run.directory / "words.txt").write_text("kept")
    return Cut(0.0)
"""
    rows = MEAN.replace('data.inputs()["a"].mean()', "data.arrays()[0].mean()").format(
        answer="frame.sum(axis=1) > model"
    )
    array = arrow_file("arrays", features=[[1.0, 2.0]] * 5, label=[1, 0, 1, 0, 1])
    matrix = Dataset.open(array, Columns("features", (Column("features", "array<double>"),)))
    made = {"cut": (text, points("a", "b")), "pipe": (PIPELINE, points("a", "b")), "rows": (rows, matrix)}
    frame = pd.DataFrame({"a": [-3.0, 0.5, 3.0], "b": [1.0, 2.0, 3.0]})
    ours = []
    for name, (script, data) in made.items():
        fitted = fit(script, data)
        fitted.save(tmp_path / name)
        again = TRAINER.load(tmp_path / name, data.columns)
        assert again.traits == fitted.traits
        assert (again.answers(data).guess == fitted.answers(data).guess).all()
        predictor = loaded(find_predictor(tmp_path / name))
        ours.append(predictor.predict(frame.to_numpy() if name == "rows" else frame).tolist())
        assert Path(tmp_path, name, "script.py").read_text() == script
    assert Path(tmp_path, "cut", "files", "words.txt").read_text() == "kept"
    kinds = [("matrix" if name == "rows" else "frame", str(tmp_path / name)) for name in made]
    assert outside(*(each for pair in kinds for each in pair)) == ours
    assert ours[0] == [0, 1, 1]
    assert ours[2] == [False, True, True]


def test_a_script_names_itself_in_messages():
    """The name is that of the statement, whatever folder it is copied to."""
    script = ScriptText("def train(data, params, run):\n    raise ValueError('no')", "jobs/t.py")
    script.expect("train", ("data", "params", "run"))
    assert script.imports == ()
    with pytest.raises(WorkerError, match=r"jobs/t\.py: ValueError: no"), script.telling():
        raise ValueError("no")


def test_faults_of_the_data_stay_faults(points):
    """Outside of the script they are as everywhere."""
    with pytest.raises(DataFault):
        points("city").arrays()
