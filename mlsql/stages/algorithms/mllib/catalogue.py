"""The algorithms of Spark ML that fit features, each in one record."""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.models.manifest import ModelKind
from mlsql.stages.algorithms.mllib.declaration import Gives, SparkEstimator

_SPARK = "pyspark.ml"
_WEIGHTS = "mlsql.stages.algorithms.mllib"
_CLASSES = """\
select vec_dense(array(id % 10, id % 7)) as features, cast(id % 10 > 4 as int) as label
from range(60) as points;
"""
_NUMBERS = """\
select vec_dense(array(id % 10, id % 7)) as features, id % 10 + 0.5 * (id % 7) + 1 as label
from range(60) as points;
"""
_TRAINED = """\
train points as {name}.`out/example/{name}` where evaluateTable="points"{params} as models;
register {name}.`out/example/{name}` as guess;
select label, {call} as guessed from points as guesses;
"""


def _classifier(
    name: str, own: str, doc: str, weights: str, params: str = "", gives: Gives = "probabilities"
) -> SparkEstimator:
    call = "vec_argmax(guess(features))" if gives == "probabilities" else "guess(features)"
    return SparkEstimator(
        name=name,
        spark_class=f"{_SPARK}.classification.{own}",
        kind="classifier",
        gives=gives,
        doc=doc,
        example=_CLASSES + _TRAINED.format(name=name, params=params, call=call),
        weights=f"{_WEIGHTS}.{weights}",
    )


def _regressor(name: str, own: str, doc: str, weights: str, params: str = "") -> SparkEstimator:
    return SparkEstimator(
        name=name,
        spark_class=f"{_SPARK}.regression.{own}",
        kind="regressor",
        gives="number",
        doc=doc,
        example=_NUMBERS + _TRAINED.format(name=name, params=params, call="guess(features)"),
        weights=f"{_WEIGHTS}.{weights}",
    )


def _clusterer(
    name: str, doc: str, weights: str, kind: ModelKind = "clusterer", gives: Gives = "cluster"
) -> SparkEstimator:
    return SparkEstimator(
        name=name,
        spark_class=f"{_SPARK}.clustering.{name}",
        kind=kind,
        gives=gives,
        doc=doc,
        example=_CLUSTERS.format(name=name, judged=' and evaluateTable="points"' * (kind == "clusterer")),
        weights=f"{_WEIGHTS}.{weights}",
    )


_CLUSTERS = """\
select vec_dense(array(id % 2 * 10 + id % 5, id % 2 * 10 + id % 3)) as features from range(40) as points;
train points as {name}.`out/example/{name}` where k="2"{judged} as models;
register {name}.`out/example/{name}` as guess;
select features, guess(features) as found from points as found;
"""
_CENSORED = _NUMBERS.replace(" as features,", " as features, cast(id % 3 > 0 as double) as censor,")

CLASSIFIERS: Sequence[SparkEstimator] = (
    _classifier(
        "RandomForest",
        "RandomForestClassifier",
        "Classifies by the vote of many decision trees, each grown on a sample of rows and features.",
        "tree_weights:forest_classifier",
        ' and numTrees="5" and maxDepth="3"',
    ),
    _classifier(
        "GBTs",
        "GBTClassifier",
        "Tells two classes apart by decision trees that each mend what those before have left.",
        "tree_weights:boosted_classifier",
        ' and maxIter="3" and maxDepth="2"',
    ),
    _classifier(
        "LogisticRegression",
        "LogisticRegression",
        "Classifies by a weighted sum of the features: two classes or more, with L1 and L2 penalties.",
        "linear_weights:logistic",
    ),
    _classifier(
        "NaiveBayes",
        "NaiveBayes",
        "Classifies counts, as of words, by how often each comes in a class, or numbers (gaussian).",
        "linear_weights:bayes",
    ),
    _classifier(
        "DecisionTree",
        "DecisionTreeClassifier",
        "Classifies by one decision tree.",
        "tree_weights:forest_classifier",
        ' and maxDepth="3"',
    ),
    _classifier(
        "MultilayerPerceptron",
        "MultilayerPerceptronClassifier",
        "Classifies by a small network of layers; `layers` names their sizes, inputs and classes among them.",
        "network_weights:perceptron",
        ' and layers="[2,4,2]" and maxIter="20"',
    ),
    _classifier(
        "LSVM",
        "LinearSVC",
        "Tells two classes apart by the plane with the widest margin between them.",
        "linear_weights:support_vectors",
        gives="label",
    ),
)

REGRESSORS: Sequence[SparkEstimator] = (
    _regressor(
        "LinearRegression",
        "LinearRegression",
        "Finds a number as a weighted sum of the features, with L1 and L2 penalties.",
        "linear_weights:linear_regression",
    ),
    _regressor(
        "GBTRegressor",
        "GBTRegressor",
        "Finds a number by decision trees that each mend what those before have left.",
        "tree_weights:boosted_regressor",
        ' and maxIter="3" and maxDepth="2"',
    ),
    _regressor(
        "RandomForestRegressor",
        "RandomForestRegressor",
        "Finds a number as the mean of many decision trees.",
        "tree_weights:forest_regressor",
        ' and numTrees="5" and maxDepth="3"',
    ),
    _regressor(
        "DecisionTreeRegressor",
        "DecisionTreeRegressor",
        "Finds a number by one decision tree.",
        "tree_weights:forest_regressor",
        ' and maxDepth="3"',
    ),
    _regressor(
        "GeneralizedLinearRegression",
        "GeneralizedLinearRegression",
        "Finds the mean of a distribution (gaussian, binomial, poisson, gamma, tweedie) through a link.",
        "linear_weights:generalized",
        ' and family="poisson"',
    ),
    _regressor(
        "IsotonicRegression",
        "IsotonicRegression",
        "Finds a number that only rises, or only falls, with one of the features.",
        "linear_weights:isotonic",
    ),
)

SURVIVAL = SparkEstimator(
    name="AFTSurvival",
    spark_class=f"{_SPARK}.regression.AFTSurvivalRegression",
    kind="regressor",
    gives="number",
    doc="Finds how long something lasts, from rows of which some had not ended when they were seen.",
    example=_CENSORED + _TRAINED.format(name="AFTSurvival", params="", call="guess(features)"),
    weights=f"{_WEIGHTS}.linear_weights:survival",
)

CLUSTERERS: Sequence[SparkEstimator] = (
    _clusterer(
        "KMeans", "Groups rows around k centers, each row around the nearest.", "cluster_weights:k_means"
    ),
    _clusterer(
        "BisectingKMeans",
        "Groups rows by splitting the largest group in two, again and again.",
        "cluster_weights:bisecting",
    ),
    _clusterer(
        "GaussianMixture",
        "Groups rows by the one of k normal distributions that each most probably comes from.",
        "cluster_weights:mixture",
    ),
    _clusterer(
        "LDA",
        "Finds the topics of texts, given as counts of words; a function gives the shares of the topics.",
        "topic_weights:topics",
        "transformer",
        "topics",
    ),
)

ESTIMATORS: Sequence[SparkEstimator] = (*CLASSIFIERS, *REGRESSORS, SURVIVAL, *CLUSTERERS)
RECOMMENDER, PATTERNS = f"{_SPARK}.recommendation.ALS", f"{_SPARK}.fpm.FPGrowth"
SPARK_CLASSES: Sequence[str] = (
    *dict.fromkeys(each.spark_class for each in ESTIMATORS),
    RECOMMENDER,
    PATTERNS,
)
