from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as judges

from mlsql.bridge.errors import DataFault

pytestmark = pytest.mark.spark


def values_of(scripts, text, name="name"):
    """The metrics that a script gives, by name."""
    return {row[name]: row["value"] for row in scripts.rows(text)}


def test_classification(scripts):
    """The column of predictions is `prediction`, as Spark ML calls it."""
    scripts.table(
        "t", [(n % 3, float(n % 3 if n % 5 else 0)) for n in range(50)], "label int, prediction double"
    )
    found = values_of(scripts, "run t as ClassificationEvaluator.`` as scores;")
    actual, predicted = [n % 3 for n in range(50)], [n % 3 if n % 5 else 0 for n in range(50)]
    expected = judges.f1_score(actual, predicted, average="weighted")
    assert found["f1"] == pytest.approx(expected, abs=1e-12)
    assert found["accuracy"] == found["weightedRecall"]


def test_regression_is_judged_as_scikit_learn_does(scripts):
    """The four metrics, to 1e-12."""
    rng = np.random.default_rng(7)
    true = rng.normal(100, 5, 80)
    guess = true + rng.normal(0, 2, 80)
    scripts.table(
        "t", [(float(a), float(b)) for a, b in zip(true, guess, strict=True)], "`真 值` double, p double"
    )
    found = values_of(
        scripts, 'run t as RegressionEvaluator.`` where labelCol="真 值" and predictionCol="p" as scores;'
    )
    mse = judges.mean_squared_error(true, guess)
    assert found == pytest.approx(
        {
            "mse": mse,
            "rmse": mse**0.5,
            "r2": judges.r2_score(true, guess),
            "mae": judges.mean_absolute_error(true, guess),
        },
        abs=1e-12,
        rel=1e-12,
    )


def test_clusters_are_judged_by_the_silhouette(scripts):
    """Of squared distances, as scikit-learn computes it; arrays and vectors are both points."""
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(0, 1, (15, 2)), rng.normal(4, 1, (15, 2))])
    clusters = [n // 15 for n in range(30)]
    rows = [(point.tolist(), cluster) for point, cluster in zip(points, clusters, strict=True)]
    scripts.table("t", rows, "features array<double>, prediction int")
    found = values_of(scripts, "run t as ClusteringEvaluator.`` as scores;")
    expected = judges.silhouette_score(points, clusters, metric="sqeuclidean")
    assert found["silhouette"] == pytest.approx(expected, abs=1e-12)
    again = values_of(
        scripts,
        "select vec_dense(features) as features, prediction from t as v; run v as ClusteringEvaluator.``;",
    )
    assert again == found


_REFUSED = [
    ("select 1 as label, 1 as prediction where false", "RegressionEvaluator", "the table has no rows"),
    (
        "select 1 as label, 1 as prediction where false",
        "ClassificationEvaluator",
        "the table has no rows",
    ),
    ("select 1 as label, null as prediction", "RegressionEvaluator", "it has to hold numbers"),
    (
        "select 1 as label, int(null) as prediction",
        "RegressionEvaluator",
        "1 rows have no value in 'prediction'",
    ),
    ("select array(1.0) as features, 1 as prediction", "ClusteringEvaluator", "tells 1 clusters"),
    ("select 'a' as features, 1 as prediction", "ClusteringEvaluator", "is string"),
]


def test_what_cannot_be_judged_is_an_error(scripts):
    """No rows, nulls, texts for numbers, a single cluster."""
    for query, tool, message in _REFUSED:
        with pytest.raises(DataFault, match=message):
            scripts(f"{query} as t; run t as {tool}.`` as scores;")
