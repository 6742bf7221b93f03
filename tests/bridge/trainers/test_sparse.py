"""A linear classifier on hashed texts: within memory, equal to scikit-learn, stored and loaded."""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.udf.predictors.stored import find_predictor

_TRAIN = """
import resource, sys
from pathlib import Path
from mlsql.bridge.dataset import Dataset
from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.sklearn import TRAINER
from mlsql.models.manifest import Column
uses = Columns("features", (Column("v", "vector"),), Column("label", "bigint"))
data = Dataset.open(Path(sys.argv[1]), uses)
class Run:
    def log(self, *_): pass
    def progress(self, *_): pass
fitted = TRAINER.train(data, {"alg": "LogisticRegression", "max_iter": "20"}, Run())
answers = fitted.answers(data)
assert (answers.guess == answers.truth).mean() > 0.9
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, data.rows, data.features)
"""


def peak(file):
    """What a process of its own takes to train on the rows in *file*: (bytes, rows, features)."""
    command = [sys.executable, "-W", "ignore", "-c", _TRAIN, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return [int(each) for each in done.stdout.split()]


def test_twenty_thousand_texts_of_262144_hashed_words_take_less_than_a_gigabyte(sparse_rows):
    """As a matrix they would take 42 GB."""
    data, _, _ = sparse_rows(width=2**18, rows=20_000, words=40)
    taken, rows, features = peak(data.file)
    assert (rows, features) == (20_000, 2**18)
    assert taken < 10**9


def test_a_linear_classifier_equals_that_on_the_same_csr(sparse_rows):
    """To 1e-9, when stored and loaded again too."""
    data, matrix, label = sparse_rows(width=500, rows=200)
    by_hand = LogisticRegression(tol=1e-8).fit(matrix, label).predict_proba(matrix)
    fitted = TRAINER.train(data, {"alg": "LogisticRegression", "tol": "1e-8"}, None)
    np.testing.assert_allclose(fitted.answers(data).probabilities, by_hand, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("default")  # importing MLflow warns of much
def test_what_was_fitted_on_a_csr_is_stored_as_such(sparse_rows, tmp_path):
    """The predictor knows it, so do the trainer and MLflow's signature; a model of matrices is none of it."""
    import mlflow.pyfunc

    data, matrix, _ = sparse_rows(width=50)
    for name, params in (("sparse", {"alg": "SVC"}), ("dense", {"alg": "HistGradientBoostingClassifier"})):
        fitted = TRAINER.train(data, params, None)
        fitted.save(tmp_path / name)
        is_sparse = name == "sparse"
        loaded = TRAINER.load(tmp_path / name, data.columns)
        assert (fitted.is_sparse, loaded.is_sparse) == (is_sparse, is_sparse)
        predictor = find_predictor(tmp_path / name).load()
        assert predictor.takes_sparse == is_sparse
        rows = matrix if is_sparse else matrix.toarray()
        expected = fitted.answers(data).guess
        np.testing.assert_array_equal(predictor.predict(rows), expected)
        np.testing.assert_array_equal(mlflow.pyfunc.load_model(str(tmp_path / name)).predict(rows), expected)


def test_the_limit_is_of_this_process(monkeypatch):
    """A limit of its own counts as much as the machine's memory."""
    from mlsql.bridge import memory

    everything = memory.free()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10**9, 10**9))
    assert 0 <= memory.free() <= min(10**9, everything)
