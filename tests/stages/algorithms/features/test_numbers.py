"""Scaling, filling and buckets: as scikit-learn and Spark compute them, and the function as the table."""

import numpy as np
import pytest

from mlsql.errors import DataError, MlsqlError, ScriptError

pytestmark = pytest.mark.spark

A, B = [1.0, 2.0, 4.0, 100.0], [-1.0, 0.0, 1.0, 8.0]
POINTS = [(n, a, b) for n, (a, b) in enumerate(zip(A, B, strict=True))]
BOTH = "f(array(a, b))"


@pytest.fixture
def points(scripts):
    """A table ``t`` with two columns of numbers."""
    scripts.table("t", POINTS, "n int, a double, b double")
    return scripts


def _columns(rows):
    return np.array([(row.a, row.b) for row in rows])


@pytest.mark.usefixtures("points")
def test_a_range_is_what_scikit_learn_makes(fitted):
    """min-max, to a range of one's own."""
    from sklearn.preprocessing import MinMaxScaler

    options = {"inputCols": "a,b", "min": -1, "max": 3}
    rows = fitted("ScalerInPlace", "t", options, f"{BOTH}[0]", "a")
    expected = MinMaxScaler((-1, 3)).fit_transform(np.c_[A, B])
    assert np.allclose(_columns(rows), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "formula"),
    [("log2", np.log2), ("logn", np.log), ("log10", np.log10), ("sqrt", np.sqrt), ("abs", np.abs)],
)
def test_formulas_are_what_they_say(method, formula):
    """log2 is the logarithm to base 2, logn the natural one; NaN where there is none."""
    from mlsql.udf.predictors.plain.numbers import Computed

    with np.errstate(invalid="ignore", divide="ignore"):
        expected = formula(np.array([A, B]))
    assert np.array_equal(Computed(method)(np.array([A, B])), expected, equal_nan=True)


@pytest.mark.usefixtures("points")
def test_outliers_become_the_median_first(fitted):
    """100 lies outside of the fences, in the table and in the function; one number gets one of its own."""
    options = {"inputCols": "a", "outputCol": "o", "scaleMethod": "sqrt", "removeOutlierValue": "true"}
    rows = fitted("ScalerInPlace", "t", options, "f(array(a))[0]", "o")
    assert (rows[3].a, rows[3].o) == (100, pytest.approx(np.sqrt(2.0)))


def test_standard_is_scikit_learns_but_for_the_sample(points, fitted):
    """Deviations are those of a sample; vectors stay vectors; a constant becomes 0."""
    points("select n, vec_dense(array(a, b, 7)) as v from t as vectors;")
    rows = fitted("StandardScaler", "vectors", {"inputCol": "v", "withMean": "true"}, "vec_dense(f(v))", "v")
    matrix = np.c_[A, B]
    expected = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0, ddof=1)
    assert np.allclose([row.v.toArray() for row in rows], np.c_[expected, [0.0] * 4], atol=1e-12)


@pytest.mark.usefixtures("points")
def test_rows_get_length_one(fitted):
    """p-norm, as scikit-learn's normalize."""
    from sklearn.preprocessing import normalize

    options = {"inputCols": "a,b", "method": "p-norm", "p": 1}
    rows = fitted("NormalizeInPlace", "t", options, f"{BOTH}[1]", "b")
    assert np.allclose(_columns(rows), normalize(np.c_[A, B], norm="l1"), atol=1e-12)


def test_holes_are_filled(scripts, fitted):
    """Null and NaN become the median of the others, in the function too."""
    scripts.table(
        "t",
        [(0, 1.0, None), (1, None, 2.0), (2, float("nan"), 4.0), (3, 5.0, 6.0)],
        "n int, a double, b double",
    )
    rows = fitted("Imputer", "t", {"inputCols": "a,b", "strategy": "median"}, f"{BOTH}[0]", "a")
    assert _columns(rows).tolist() == [[1.0, 4.0], [1.0, 2.0], [1.0, 4.0], [5.0, 6.0]]


def test_buckets_lie_between_quantiles_as_in_scikit_learn(scripts, fitted):
    """The same buckets as KBinsDiscretizer's, where the quantiles are numbers of the data."""
    from sklearn.preprocessing import KBinsDiscretizer

    numbers = [float(each * each) for each in range(101)]
    scripts.table("t", list(enumerate(numbers)), "n int, a double")
    options = {"inputCol": "a", "numBuckets": 4, "relativeError": 0}
    rows = fitted("QuantileDiscretize", "t", options, "f(a)", "a")
    by_hand = KBinsDiscretizer(4, encode="ordinal", strategy="quantile", quantile_method="linear")
    assert [row.a for row in rows] == by_hand.fit_transform(np.c_[numbers])[:, 0].tolist()


@pytest.mark.usefixtures("points")
def test_splits_are_where_they_are_said(fitted):
    """A bucket begins at its split; by the old name of the option too."""
    options = {"inputCols": "a,b", "splitArray": "-inf,0.0,1.0,inf"}
    rows = fitted("Discretizer", "t", options, f"{BOTH}[1]", "b")
    assert _columns(rows).tolist() == [[2, 0], [2, 1], [2, 2], [2, 2]]


def test_each_column_may_have_its_own_buckets(points):
    """By groups, as old scripts write them, and a column of its own for the result."""
    rows = points.rows("""
        train t as Discretizer.`m` where `fitParam.0.inputCol`="b" and `fitParam.0.splitArray`="-inf,0,inf"
          and `fitParam.0.outputCol`="o"
          and `fitParam.1.inputCol`="a" and `fitParam.1.splitArray`="0,3,50,200" as made;
        select a, b, o from made order by n as sorted;
    """)
    assert [(row["a"], row["b"], row["o"]) for row in rows] == [(0, -1, 0), (0, 0, 1), (1, 1, 1), (2, 8, 1)]


REFUSED = [
    ("t as ScalerInPlace.`m` where inputCols='a,c'", DataError, "no column 'c'"),
    ("t as ScalerInPlace.`m` where inputCols='a,s'", DataError, "'s' holds string, and no numbers"),
    ("t as StandardScaler.`m` where inputCols='a,v'", DataError, "'v' is an array<double>: it stands alone"),
    ("t as Discretizer.`m` where inputCols='a'", ScriptError, "needs to know its splits"),
    ("none as Imputer.`m` where inputCols='a'", DataError, "no rows"),
    ("t as ScalerInPlace.`m` where inputCols='a' and scale='min-max'", ScriptError, "no option 'scale'"),
    ("t as PCA.`m` where inputCol='v' and k='3'", MlsqlError, "have no 3 components"),
    ("t as OneHot.`m` where inputCol='v'", DataError, "not a number a row"),
    ("t as PCA.`m` where inputCol='a'", DataError, "not vectors or arrays"),
    ("t as HashTfIdf.`m` where inputCol='s'", DataError, "no arrays of words"),
    ("t as TfIdfInPlace.`m` where inputCol='s' and split='(a'", ScriptError, "regular expression"),
    ("t as TokenExtract.`m` where inputCol='s' and idCol='a'", ScriptError, "dictionaries"),
]


def test_what_cannot_be_is_told(scripts):
    """Wrong columns and types, missing options, empty tables."""
    scripts("select 1.0D as a, 'x' as s, array(1.0D, 2.0D) as v as t; select * from t where a > 1 as none;")
    for statement, error, message in REFUSED:
        with pytest.raises(error, match=message):
            scripts(f"train {statement} as x;")
