"""Fitted feature steps without Spark: stored and read again, one row as many, and through mlflow."""

import warnings

import numpy as np
import pytest

from mlsql.errors import DataError
from mlsql.udf.predictors.plain import read_plain, write_plain
from mlsql.udf.predictors.plain.indexing import Labels
from mlsql.udf.predictors.plain.lookups import Dictionary, Lookups
from mlsql.udf.predictors.plain.numbers import (
    Buckets,
    CategoryPlaces,
    MinHashes,
    Monomials,
    Outliers,
    PNorm,
    Prepared,
    PreparedNumber,
)
from mlsql.udf.predictors.plain.sparse import SparseRows
from mlsql.udf.predictors.plain.terms import Terms, TfIdf, murmur3
from mlsql.udf.predictors.plain.vectorising import Assembled, MapVector, OneHotVector
from mlsql.udf.predictors.plain.words import TextCounts, TextVectors, Tokens, WordVectors
from mlsql.udf.segmentation import Segmentation

MATRIX = np.array([[1.0, -2.0], [0.0, 3.0], [4.0, 0.5]])
WORDS = WordVectors(("a", "b"), np.array([[1.0, 2.0], [3.0, 4.0]]))
PAIRS = Terms(2, ("a", "a b"), n_grams=(2,))
FORMS = ("", "flat", "merge", "index")
COMMAS = Segmentation(split=",")
STEPS = [
    (Labels(("a", "b")), [["a", "b", "x", None]]),
    (OneHotVector(3), [[0.0, 2.0, 1.0]]),
    (Assembled(("x", "v"), ("double", "any"), (1, 2)), [[1.0, 2.0, 3.0], MATRIX]),
    (MapVector(("a", "b")), [[{"b": 2.0}, {"a": 1.0, "x": 5.0}, {}]]),
    (Prepared((Outliers(*np.array([[0, 0], [3, 3], [1, 1]])), PNorm(2.0)), 2, 2), MATRIX),
    (Prepared((Buckets((np.array([-1.0, 0.5, 9]), np.array([-np.inf, 0, np.inf]))),), 2, 2), MATRIX),
    (Prepared((Monomials(np.array([[1, 0], [2, 0], [1, 1]])),), 2, 3, "vector"), MATRIX),
    (Prepared((CategoryPlaces((np.array([0.0, 4.0, 1.0]), np.array([]))),), 2, 2, "vector"), MATRIX),
    (Prepared((MinHashes(np.array([3, 5]), np.array([1, 7])),), 2, 2), MATRIX),
    (PreparedNumber((Buckets((np.array([0.0, 1.0, 2.0]),), keeps_invalid=True),)), [[0.5, 2.0, 7.0]]),
    (TfIdf(PAIRS, np.array([1.0, 0.5]), Segmentation(split=" ")), [["a b a", "", "b"]]),
    (TfIdf(Terms(8), np.arange(8.0)), [[["a", "b"], [], ["c", "c"]]]),
    (TfIdf(Terms(3, numbered=True), np.ones(3)), [[[0, 3, 5], [], [1]]]),
    (WORDS, [["a", "x", "b"]]),
    *((TextVectors(WORDS, COMMAS, 2, each), [["a,b", "", "b,a,x"]]) for each in FORMS),
    (Tokens(COMMAS, distinct=True), [["a,b,a", "", "c"]]),
    (Tokens(COMMAS, ("ab", "abc", "d")), [["xabcd", "abd", ""]]),
    (TextCounts(), [["call 13812345678", "", "a@b.cn"]]),
    (Lookups((Dictionary("", ("a",), (1,)), Dictionary("u", ("b",), (2,))), "int", 0), [["a", "b", "c"]]),
]  # fmt: skip
IDS = [type(step).__name__ for step, _ in STEPS]


def _plain(answers):
    """*answers* as lists that can be compared."""
    if isinstance(answers, SparseRows):
        answers = answers.dense()
    return (
        np.asarray(answers).tolist() if isinstance(answers, np.ndarray) else [_list(each) for each in answers]
    )


def _list(answer):
    return np.asarray(answer).tolist() if isinstance(answer, list | np.ndarray) else answer


@pytest.mark.parametrize(("step", "rows"), STEPS, ids=IDS)
def test_a_stored_step_is_the_same_for_one_row_and_many(tmp_path, step, rows):
    """What is read is what was written, and one row alone gets what it gets among others."""
    write_plain(tmp_path, step)
    again = read_plain(tmp_path)
    answers = _plain(again.predict(rows))
    assert answers == _plain(step.predict(rows))
    each = list(rows) if isinstance(rows, np.ndarray) else [list(row) for row in zip(*rows, strict=True)]
    assert [_list(again.predict(row)) for row in each] == answers


def test_terms_are_hashed_as_by_murmur3():
    """The vectors of its author, and Spark's seed."""
    known = {
        (b"", 0): 0,
        (b"", 1): 0x514E28B7,
        (b"test", 0): 0xBA6BD213,
        (b"Hello, world!", 1234): 0xFAF6CDB3,
    }
    assert {given: murmur3(*given) % 2**32 for given in known} == known


@pytest.mark.parametrize(
    ("step", "rows", "message"),
    [
        (Labels(("a",), "error"), [["x"]], "'x' was not there in training"),
        (OneHotVector(2), [[2.0]], "2 is no category: they are 0 to 1"),
        (Prepared((), 2, 2), np.ones((1, 3)), "takes 2 numbers, not 3"),
        (Prepared((Buckets((np.array([0.0, 1.0, 2.0]),)),), 1, 1), np.array([[7.0]]), "7.0 is in no bucket"),
        (Prepared((MinHashes(np.array([3]), np.array([1])),), 2, 1), np.zeros((1, 2)), "no MinHash"),
    ],
)  # fmt: skip
def test_what_a_step_cannot_take_is_told(step, rows, message):
    """In a sentence with the value."""
    with pytest.raises(DataError, match=message):
        step.predict(rows)


def test_mlflow_loads_a_step(tmp_path):
    """A frame of its columns in, its answers out."""
    import pandas as pd

    from mlsql.stages.algorithms.features.storing import FittedFeature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        import mlflow.pyfunc

        FittedFeature(Labels(("a", "b"))).save(tmp_path, None)
        model = mlflow.pyfunc.load_model(str(tmp_path))
        answers = model.predict(pd.DataFrame({"text": ["b", "x"]}))
    assert list(answers) == [1, -1]
