"""Vectors out: as Spark's own transformers make them, and the function as the table."""

import numpy as np
import pytest
from pyspark.ml import feature
from pyspark.ml.linalg import SparseVector, Vectors

pytestmark = pytest.mark.spark

ROWS = [
    (0, Vectors.dense(1.0, 0.0, 3.0), 0.0),
    (1, Vectors.sparse(3, [1], [5.0]), 1.0),
    (2, Vectors.dense(-1.0, 2.0, 4.0), 1.0),
    (3, Vectors.dense(2.0, 5.0, 1.0), 2.0),
]


@pytest.fixture
def vectors(scripts):
    """A table ``t`` of vectors ``v`` and categories ``c``."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import DoubleType, IntegerType, StructType

    schema = StructType().add("n", IntegerType()).add("v", VectorUDT()).add("c", DoubleType())
    scripts.table("t", ROWS, schema)
    return scripts


def _matrix(rows, column="v"):
    return np.array([row[column].toArray() for row in rows])


@pytest.mark.parametrize(
    ("name", "options", "by_hand"),
    [
        ("PCA", {"k": 2}, feature.PCA),
        ("PolynomialExpansion", {"degree": 3}, feature.PolynomialExpansion),
        ("VectorIndex", {"maxCategories": 3}, feature.VectorIndexer),
    ],
)
def test_vectors_are_sparks(vectors, fitted, name, options, by_hand):
    """What the step makes is what Spark's own makes."""
    rows = fitted(name, "t", {"inputCol": "v", **options}, "f(v)", "v")
    step = by_hand(inputCol="v", outputCol="o", **options)
    frame = vectors.run.spark.table("t")
    step = step.fit(frame) if hasattr(step, "fit") else step
    expected = step.transform(frame).orderBy("n").collect()
    assert np.allclose(_matrix(rows), _matrix(expected, "o"), atol=1e-9)


def test_hashes_are_sparks(vectors, fitted):
    """MinHashLSH gives for each hash function the least hash."""
    rows = fitted("MinHashLSH", "t", {"inputCol": "v", "numHashTables": 3, "seed": 7}, "f(v)", "v")
    frame = vectors.run.spark.table("t")
    model = feature.MinHashLSH(inputCol="v", outputCol="o", numHashTables=3, seed=7).fit(frame)
    expected = model.transform(frame).orderBy("n").collect()
    assert [row.v for row in rows] == [[float(each[0]) for each in row.o] for row in expected]


def test_the_feature_that_tells_most_is_kept(vectors, fitted):
    """ChiSqSelector keeps the numbers that Spark's does."""
    options = {"inputCol": "v", "labelCol": "c", "numTopFeatures": 1}
    rows = fitted("ChiSqSelector", "t", options, "f(v)", "v")
    frame = vectors.run.spark.table("t")
    selector = feature.ChiSqSelector(featuresCol="v", labelCol="c", outputCol="o", numTopFeatures=1)
    expected = selector.fit(frame).transform(frame).collect()
    assert _matrix(rows).tolist() == _matrix(expected, "o").tolist()


@pytest.mark.usefixtures("vectors")
def test_a_category_is_a_one_in_its_place(fitted):
    """OneHot is sparse, and its last category all zeros, as in Spark."""
    rows = fitted("OneHot", "t", {"inputCol": "c", "outputCol": "o"}, "f(c)", "o")
    assert [row.o for row in rows] == [
        SparseVector(2, {0: 1.0}),
        SparseVector(2, {1: 1.0}),
        SparseVector(2, {1: 1.0}),
        SparseVector(2, {}),
    ]


@pytest.mark.usefixtures("vectors")
def test_columns_stand_side_by_side(fitted):
    """VectorAssemble takes numbers and vectors; with sparse ones among them the result is sparse."""
    rows = fitted("VectorAssemble", "t", {"inputCols": "c,v"}, "f(c, v)", "features")
    assert rows[3].features == SparseVector(4, {0: 2.0, 1: 2.0, 2: 5.0, 3: 1.0})
    assert rows[1].features == SparseVector(4, {0: 1.0, 2: 5.0})


def test_maps_become_vectors(scripts, fitted):
    """VecMapInPlace gives each key a place; keys that are new are left out."""
    scripts.table("t", [(0, {"b": 2.0, "a": 1.0}), (1, {"c": 3.0}), (2, {})], "n int, m map<string,double>")
    rows = fitted("VecMapInPlace", "t", {"inputCol": "m"}, "f(m)", "m")
    assert [row.m for row in rows] == [
        SparseVector(3, {0: 1.0, 1: 2.0}),
        SparseVector(3, {2: 3.0}),
        SparseVector(3, {}),
    ]
    (unseen,) = scripts.rows("select f(map('x', 1, 'b', 4)) as v as one;")
    assert unseen["v"] == SparseVector(3, {1: 4.0})
