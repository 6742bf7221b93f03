from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as judges

from mlsql.bridge.errors import DataFault
from mlsql.errors import MissingColumn
from mlsql.stages.algorithms.tools.confusion import Confusion
from mlsql.stages.algorithms.tools.evaluators import label_metrics
from mlsql.stages.algorithms.tools.labels import normal_label

pairs = st.lists(st.tuples(*[st.sampled_from("abcd")] * 2), min_size=1, max_size=60)


def confusion_of(pairs):
    """The confusion that Spark counts in the same pairs."""
    counts = {}
    for pair in pairs:
        counts[pair] = counts.get(pair, 0) + 1
    return Confusion(counts)


@given(pairs)
def test_metrics_of_labels_are_those_of_scikit_learn(pairs):
    """Weighted by support and as plain means, also where a label is never predicted."""
    actual, predicted = zip(*pairs, strict=True)
    found = label_metrics(confusion_of(pairs))

    def judged(average):
        figures = judges.precision_recall_fscore_support(actual, predicted, average=average, zero_division=0)
        return [float(each) for each in figures[:3]]

    names = ("Precision", "Recall", "F1")
    assert found["accuracy"] == pytest.approx(judges.accuracy_score(actual, predicted), abs=1e-12)
    assert [found[f"macro{name}"] for name in names] == pytest.approx(judged("macro"), abs=1e-12)
    weighted = [found["weightedPrecision"], found["weightedRecall"], found["f1"]]
    assert weighted == pytest.approx(judged("weighted"), abs=1e-12)


@given(pairs)
def test_each_label_is_counted_against_the_rest(pairs):
    """The four counts are all rows, and those of scikit-learn's matrix."""
    actual, predicted = zip(*pairs, strict=True)
    confusion = confusion_of(pairs)
    matrices = judges.multilabel_confusion_matrix(actual, predicted, labels=confusion.labels)
    for each, ((tn, fp), (fn, tp)) in zip(confusion.details, matrices.tolist(), strict=True):
        assert (each.tp, each.fp, each.tn, each.fn) == (tp, fp, tn, fn)
        assert each.tp + each.fp + each.tn + each.fn == len(pairs)


def test_labels_that_are_numbers_are_in_their_order():
    """Ten comes after nine, and texts have an order of their own."""
    assert confusion_of([("10", "9"), ("9", "-1")]).labels == ("-1", "9", "10")
    assert confusion_of([("b", "a"), ("10", "9")]).labels == ("10", "9", "a", "b")
    assert [normal_label(each) for each in ("1.0", "01", "yes", "nan")] == ["1", "1", "yes", "nan"]


def test_the_matrix_of_the_documentation_of_mlsql(scripts):
    """Byzer's page on ConfusionMatrix: four cats, of which one is found, two are dogs and one a rabbit."""
    matrix = scripts.rows(
        """
        set animals='''{"label":"cat","predict":"rabbit"}
        {"label":"cat","predict":"dog"}
        {"label":"cat","predict":"cat"}
        {"label":"dog","predict":"dog"}
        {"label":"cat","predict":"dog"}''';
        load jsonStr.`animals` as data;
        train data as ConfusionMatrix.`model` where actualCol="label" and predictCol="predict"
          and detailTable="rates" as matrix;
        """
    )
    assert matrix == [
        {"actual": "cat", "cat": 1, "dog": 2, "rabbit": 1},
        {"actual": "dog", "cat": 0, "dog": 1, "rabbit": 0},
        {"actual": "rabbit", "cat": 0, "dog": 0, "rabbit": 0},
    ]
    assert scripts.rows("load parquet.`model/data` as t; select * from t order by actual as u;") == matrix
    rates = scripts.rows("select * from rates order by label as t;")
    assert scripts.rows("load parquet.`model/detail` as t; select * from t order by label as u;") == rates
    assert rates[1] == {
        "label": "dog",
        "tp": 1,
        "fp": 2,
        "tn": 2,
        "fn": 0,
        "precision": 1 / 3,
        "recall": 1.0,
        "f1": 0.5,
    }


def test_labels_of_different_types_meet(scripts):
    """An int label and the double that Spark predicts are the same label; so are true and 1."""
    scripts.table("t", [(1, 1.0, True), (0, 1.0, False), (2, 2.5, True)], "`a b.c` int, p double, q boolean")
    matrix = scripts.rows(
        'run t as ConfusionMatrix.`` where actualCol="A B.c" and predictCol="p" as m; select * from m as n;'
    )
    assert matrix[1] == {"actual": "1", "0": 0, "1": 1, "2": 0, "2.5": 0}
    matrix = scripts.rows('run t as ConfusionMatrix.`` where actualCol="a b.c" and predictCol="q" as m;')
    assert matrix[0] == {"actual": "0", "0": 1, "1": 0, "2": 0}


def test_labels_that_spark_cannot_tell_apart_as_columns_get_a_number(scripts):
    """Spark tells no case in names, and `actual` is taken; Chinese labels and dots are names as any."""
    rows = [("Cat", "cat"), ("actual", "猫.狗")]
    scripts.table("t", rows, "a string, p string")
    matrix = scripts('run t as ConfusionMatrix.`` where actualCol="a" and predictCol="p" as m;')
    assert matrix.columns == ["actual", "Cat", "actual_2", "cat_2", "猫.狗"]
    assert [row["猫.狗"] for row in matrix.collect()] == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            'actualCol="label" and predictCol="x"',
            MissingColumn,
            "no column 'x', which the option 'predictCol'",
        ),
        (
            'actualCol="label" and predictCol="list"',
            DataFault,
            "'list' is array<int>; it has to hold numbers",
        ),
        ('actualCol="label" and predictCol="gap"', DataFault, "1 rows have no value in 'gap'"),
    ],
)
def test_columns_that_cannot_be_compared_are_named(scripts, options, error, message):
    """What is missing, of another type or null, at the option; NaN is no label either."""
    scripts.table("t", [("a", [1], nan), ("b", [2], 1.0)], "label string, list array<int>, gap double")
    with pytest.raises(error, match=message):
        scripts(f"run t as ConfusionMatrix.`` where {options} as m;")
