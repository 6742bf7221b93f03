"""Vectors that are mostly zeros, and arrays of arrays: trained, and asked as functions."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml.linalg import Vectors
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import MultinomialNB

from mlsql.models.store import DirectoryModelStore

pytestmark = pytest.mark.spark

WIDTH = 2**18
WIDE = [
    (Vectors.sparse(WIDTH, {n % 7: 1.0, 100 + n % 11: 2.0, WIDTH - 1: 0.5}), "ab"[n % 7 > 3])
    for n in range(60)
]
MIXED = [
    (
        Vectors.sparse(4, {0: 1.0, 3: float(n % 5)}) if n % 2 else Vectors.dense(0, n % 3, 1, 0),
        "ab"[n % 5 > 2],
    )
    for n in range(60)
]


@pytest.mark.parametrize(("rows", "is_wide"), [(WIDE, True), (MIXED, False)])
def test_vectors_are_trained_and_asked_as_by_hand(scripts, rows, is_wide):
    """The function, its companions and ``predict`` agree with scikit-learn; no null has an answer."""
    schema = ["id", "features", "label"]
    scripts.table("t", [(number, *row) for number, row in enumerate(rows)], schema)
    (model,) = scripts.rows(
        """train t as SKLearn.`models/m` where evaluateTable="t" and fitParam.alg="MultinomialNB";"""
    )
    assert model["status"] == "success", model["message"]
    manifest = DirectoryModelStore().open(str(scripts.path / "models/m")).manifest
    assert (manifest.form, manifest.inputs[0].type) == ("features", "vector")
    answers = scripts.rows(
        """
        register SKLearn.`models/m` as f;
        predict t as SKLearn.`models/m` as guessed;
        select id, f(features) as answer, f_proba(features) as shares, prediction,
          f_all(features)[0].answer as first, f(if(id = 1, null, features)) as partly
        from guessed order by id as answers;
        """
    )
    matrix = csr_matrix(np.array([vector.toArray() for vector, _ in rows]))
    by_hand = MultinomialNB().fit(matrix, [label for _, label in rows])
    expected = by_hand.predict(matrix).tolist()
    for column in ("answer", "prediction", "first"):
        assert [row[column] for row in answers] == expected
    assert [row["partly"] for row in answers] == [expected[0], None, *expected[2:]]
    shares = [row["shares"] for row in answers]
    np.testing.assert_allclose(shares, by_hand.predict_proba(matrix), rtol=0, atol=1e-9)
    if not is_wide:
        as_arrays = scripts.rows("select f(vec_array(features)) as answer from t order by id;")
        assert [row["answer"] for row in as_arrays] == expected


def test_what_takes_no_sparse_vectors_says_how_much_memory_it_would_take(scripts):
    """The message names the matrix, the limit and the way out; a vector of another size is told too."""
    rows = [(Vectors.sparse(2**30, {number: 1.0, 2**29: 2.0}), number % 2) for number in range(40)]
    scripts.table("t", rows, ["features", "label"])
    with pytest.raises(
        Exception, match=r"40 sparse vectors with 1,073,741,824 features takes 343\.6 GB"
    ) as told:
        scripts("""train t as SKLearn.`m` where fitParam.alg="HistGradientBoostingClassifier";""")
    assert "choose an estimator that takes sparse vectors" in str(told.value)


def test_arrays_of_arrays_are_put_in_a_row(scripts):
    """In training, when judged and when asked: row after row, as reshape does."""
    rows = [([[float(n), 1.0], [float(n % 3), -1.0]], float(n % 7)) for n in range(40)]
    scripts.table("t", rows, "features array<array<double>>, label double")
    (model,) = scripts.rows(
        """train t as SKLearn.`models/m` where evaluateTable="t" and fitParam.alg="Ridge";"""
    )
    assert model["status"] == "success", model["message"]
    (made, *answers) = scripts.rows("register SKLearn.`models/m` as f;") + scripts.rows(
        "select f(features) as y from t order by features[0][0];"
    )
    assert made["signature"] == "f(features array<array<double>>) -> double"
    matrix = np.array([row for row, _ in rows]).reshape(40, 4)
    by_hand = Ridge().fit(matrix, [label for _, label in rows]).predict(matrix)
    np.testing.assert_allclose([row["y"] for row in answers], by_hand, rtol=0, atol=1e-9)


SGD = 'inputCols="a,b" and fitParam.alg="SGDClassifier" and fitParam.random_state="1"'


@pytest.fixture
def begun(scripts):
    """Sixty rows in a table, and a model of one pass over them."""
    rows = [(float(n % 7), n % 5, int((n % 7) + (n % 5) > 5)) for n in range(60)]
    scripts.table("t", rows, "a double, b int, label int")
    scripts(f'train t as SKLearn.`models/first` where {SGD} and fitParam.batchSize="20";')
    return scripts


def test_a_training_goes_on_from_a_stored_model(begun):
    """As a second ``partial_fit`` does; the stored model stays what it is, and texts with ${…} are filled."""
    (model,) = begun.rows(
        f"""set before = "models/first";
        train t as SKLearn.`models/second` where {SGD} and initialModel="${{before}}" and initialVersion="0"
          and fitParam.batchSize="20";"""
    )
    assert model["status"] == "success", model["message"]
    import mlflow.sklearn

    first, second = (
        mlflow.sklearn.load_model(str(begun.path / f"models/{name}/_model_0/model/0"))["estimator"]
        for name in ("first", "second")
    )
    assert (first.t_, second.t_) == (61.0, 121.0)


SAME = 'inputCols="a,b" and initialModel="models/first"'
REFUSED = [
    (f'{SAME} and fitParam.alg="GaussianNB"', "initialModel", "holds a SGDClassifier"),
    (f'{SAME} and fitParam.alg="SVC"', "initialModel", "SVC cannot go on"),
    (
        'inputCols="a" and fitParam.alg="SGDClassifier" and initialModel="models/first"',
        "initialModel",
        "trained on a double, b int, not on a double",
    ),
    (
        f'{SAME} and labelCol="other" and fitParam.alg="SGDClassifier"',
        "initialModel",
        "label int, not other int",
    ),
    (f'{SGD} and initialModel="models/first" and initialVersion="3"', "initialModel", "3"),
    (f'{SGD} and initialModel="models/first" and crossValidate="3"', "crossValidate", "start from nothing"),
    (f'{SGD} and initialVersion="0"', "initialVersion", "a version of what"),
    (f'{SGD} and labelCol="new" and initialModel="models/first"', "initialModel", "label int, not new int"),
    (
        'inputCols="a" and weightCol="b" and fitParam.alg="KNeighborsClassifier"',
        "weightCol",
        "no weights of rows",
    ),
]


def test_what_cannot_go_on_is_refused_before_a_row_is_sent(begun):
    """The error stands at the option, and nothing is published; a label that is new is named."""
    begun("select *, label as other, if(a > 5, 7, label) as new from t as u;")
    begun.events.clear()
    for options, option, message in REFUSED:
        with pytest.raises(Exception, match=message) as caught:
            begun(f"train u as SKLearn.`models/third` where {options};")
        assert option in caught.value.span.text, options
    begun("select a, b, if(a > 5, 7, label) as label from t as w;")
    with pytest.raises(Exception, match="the label has '7'") as caught:
        begun(f'train w as SKLearn.`models/third` where {SGD} and initialModel="models/first";')
    assert caught.value.hint == "it knows '0', '1'; train a new model on all classes"
    assert not [event for event in begun.events if "publish" in str(event)]
