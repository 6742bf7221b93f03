"""What the laws of ``test_algorithms.py`` need to know of each algorithm that reads a table: one record each.

A new algorithm is added here in a line or two; a test tells those that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

OnNulls = Literal["refused", "unanswered", "answered"]
"""What an algorithm that stores models makes of a null: an error by which it says that it learns from
none, a row without an answer, or a value like others."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A table and the options by which the algorithm works on it."""

    table: str
    """Select that makes the table."""
    key: str = "id"
    """A number that tells its rows apart."""
    options: Mapping[str, str] = field(default_factory=dict)
    reads: str
    """Columns that it reads, with commas between them; the law of nulls empties them in one row."""
    named_by: str | None
    """The option that names the last of them; None: no option does."""
    wrong: str | None = None
    """Of what type the last of them cannot be, as SQL; None: it takes every type."""
    calls: str = ""
    """What the function is called with; empty for an algorithm that stores no models."""
    answers: str = "prediction"
    """The column of ``predict`` that the function gives."""
    on_nulls: OnNulls = "refused"

    @property
    def where(self) -> str:
        """The options as a statement has them."""
        return written(self.options)


def written(options: Mapping[str, str]) -> str:
    """*options* as a statement has them."""
    given = " and ".join(f"`{key}`='''{value}'''" for key, value in options.items())
    return f"where {given}" if given else ""


_POINTS = "select id, vec_dense(array(id % 10, id % 7)) as features, int(id % 10 > 4) as label from range(30)"
_POSITIVE = _POINTS.replace("int(id % 10 > 4)", "1.0 + id % 10").replace(" from", ", 1.0 as censor from")
_NUMBERS = "select id, double(id % 10) as x, double(id % 7) as y, int(id % 10 > 4) as label from range(30)"
_WORDS = "select id, concat('word', id % 3, ' and word', id % 5) as text from range(12)"
_LISTS = "select id, array(concat('word', id % 3), concat('word', id % 5)) as words from range(12)"
_PAIRS = "select id, concat('k', id) as k, id * 2 as v from range(6)"
_SENTENCES = "select id, int(id % 2) as label, array(id % 5 + 1, id % 2 + 6, 0) as features from range(40)"
_CUSTOMERS = """select id, id % 40 + 20 as age, int((id % 40 + id % 7) > 20) as label, id % 3 as prediction,
  (id % 40) / 40 as prob, if(id % 3 = 0, 'rent', 'own') as home from range(80)"""


def _on_points(answers: str = "prediction", table: str = _POINTS, **options: str) -> Facts:
    """An estimator of Spark ML, on vectors."""
    return Facts(
        table=table,
        options=options,
        reads="features",
        named_by="featuresCol",
        wrong="'a'",
        calls="features",
        answers=answers,
    )


def _worker(table: str = _NUMBERS, calls: str = "x, y", wrong: str | None = None, **options: str) -> Facts:
    """An algorithm of the bridge, on columns unless the function takes ``features``."""
    on_columns = calls != "features"
    inputs = {"inputCols": calls.replace(" ", "")} if on_columns else {}
    return Facts(
        table=table,
        options={**inputs, **{key.replace("__", "."): value for key, value in options.items()}},
        reads=calls.rpartition(", ")[2],
        named_by="inputCols" if on_columns else "featuresCol",
        wrong=wrong or ("map('a', 1)" if on_columns else "'a'"),
        calls=calls,
    )


def _step(
    table: str,
    column: str,
    wrong: str | None,
    *,
    calls: str = "",
    answers: str = "",
    on_nulls: OnNulls = "unanswered",
    **options: str,
) -> Facts:
    """A feature step on one column, which it replaces."""
    return Facts(
        table=table,
        options={"inputCol": column, **options},
        reads=column,
        named_by="inputCol",
        wrong=wrong,
        calls=calls or column,
        answers=answers or column,
        on_nulls=on_nulls,
    )


def _numbers(**options: str) -> Facts:
    """A feature step on several columns of numbers."""
    return Facts(
        table=_NUMBERS,
        options={"inputCols": "x,y", "outputCol": "made", **options},
        reads="x,y",
        named_by="inputCols",
        wrong="'a'",
        calls="array(x, y)",
        answers="made",
        on_nulls="unanswered",
    )


def _tool(table: str, named_by: str | None, reads: str, wrong: str | None = None, **options: str) -> Facts:
    """A tool, which makes a table and stores no model."""
    return Facts(table=table, options=options, reads=reads, named_by=named_by, wrong=wrong)


_SCRIPT = """def train(data, params, run):
    return data.rows

def predict(model, frame):
    return frame.iloc[:, 0].astype(int) % 2
"""
_NET = """import keras

def build(inputs, outputs, params):
    layers = [keras.Input((inputs,)), keras.layers.Dense(outputs, "softmax")]
    return keras.Sequential(layers)
"""

FACTS: Mapping[str, Facts] = {
    "LogisticRegression": _on_points("probability", maxIter="3"),
    "NaiveBayes": _on_points("probability"),
    "LSVM": _on_points(maxIter="3"),
    "DecisionTree": _on_points("probability", maxDepth="2"),
    "RandomForest": _on_points("probability", numTrees="2", maxDepth="2"),
    "GBTs": _on_points("probability", maxIter="1", maxDepth="2"),
    "MultilayerPerceptron": _on_points("probability", layers="[2,3,2]", maxIter="3"),
    "AutoML": _on_points("probability", algos="NaiveBayes", evaluateTable="t"),
    "LinearRegression": _on_points(),
    "GeneralizedLinearRegression": _on_points(),
    "DecisionTreeRegressor": _on_points(maxDepth="2"),
    "RandomForestRegressor": _on_points(numTrees="2", maxDepth="2"),
    "GBTRegressor": _on_points(maxIter="1", maxDepth="2"),
    "IsotonicRegression": _on_points(),
    "AFTSurvival": _on_points(table=_POSITIVE, maxIter="3"),
    "KMeans": _on_points(k="2"),
    "BisectingKMeans": _on_points(k="2"),
    "GaussianMixture": _on_points(k="2", maxIter="3"),
    "LDA": _on_points(k="2", maxIter="2"),
    "ALSInPlace": Facts(
        table="select id, id % 5 as item, 1.0 + id % 3 as rating, id div 5 as user from range(20)",
        options={"maxIter": "1", "rank": "2", "userCol": "user"},
        reads="user",
        named_by="userCol",
        wrong="'a'",
        calls="user, item",
    ),
    "FPGrowth": Facts(
        table="select id, array('bread', if(id % 3 = 0, 'jam', 'butter')) as items from range(12)",
        options={"minSupport": "0.2"},
        reads="items",
        named_by="itemsCol",
        wrong="'a'",
        calls="items",
    ),
    "PageRank": Facts(
        table="select id, id as vertex, id * id % 7 as edgeDst, id as edgeSrc from range(1, 7)",
        options={"maxIter": "2"},
        reads="vertex,edgeSrc",
        named_by="edgeSrcCol",
        wrong="array(1)",
        calls="vertex",
    ),
    "SKLearn": _worker(fitParam__alg="GaussianNB"),
    "XGBoostExt": _worker(fitParam__n_estimators="2"),
    "LightGBM": _worker(fitParam__n_estimators="2"),
    "PythonAlg": _worker(scripts="code"),
    "TensorFlow": _worker(scripts="net", fitParam__epochs="1"),
    "FCClassify": _worker(fitParam__layerGroup="4", fitParam__epochs="1"),
    "FCRegress": _worker(fitParam__layerGroup="4", fitParam__epochs="1"),
    "CNNClassify": _worker(
        _SENTENCES,
        "features",
        fitParam__vocabularySize="8",
        fitParam__embeddingSize="2",
        fitParam__windowGroup="2",
        fitParam__filters="2",
        fitParam__epochs="1",
    ),
    "AttentionLSTMClassify": _worker(
        _SENTENCES,
        "features",
        fitParam__vocabularySize="8",
        fitParam__embeddingSize="2",
        fitParam__units="2",
        fitParam__epochs="1",
    ),
    "LSTMRegress": _worker(_SENTENCES, "features", fitParam__units="2", fitParam__epochs="1"),
    "StringIndex": _step(_WORDS, "text", "map('a', 1)"),
    "OneHot": _step("select id, int(id % 3) as kind from range(9)", "kind", "'a'"),
    "VectorAssemble": Facts(
        table=_NUMBERS,
        options={"inputCols": "x,y"},
        reads="y",
        named_by="inputCols",
        wrong="'a'",
        calls="x, y",
        answers="features",
        on_nulls="unanswered",
    ),
    "VectorIndex": _step(_POINTS, "features", "'a'"),
    "PolynomialExpansion": _step(_POINTS, "features", "'a'"),
    "ChiSqSelector": _step(_POINTS, "features", "'a'", numTopFeatures="1"),
    "PCA": _step(_POINTS, "features", "'a'", k="1"),
    "MinHashLSH": _step(_POINTS.replace("id % 10,", "1 + id % 9,"), "features", "'a'"),
    "QuantileDiscretize": _step(_NUMBERS, "x", "'a'"),
    "Discretizer": _numbers(splits="-inf,2,5,inf"),
    "ScalerInPlace": _numbers(),
    "NormalizeInPlace": _numbers(),
    "StandardScaler": _numbers(),
    "Imputer": Facts(
        table=_NUMBERS,
        options={"inputCols": "x,y", "outputCol": "made"},
        reads="y",
        named_by="inputCols",
        wrong="'a'",
        calls="array(x, y)",
        answers="made",
        on_nulls="answered",
    ),
    "HashTfIdf": _step(_LISTS, "words", "'a'", numFeatures="50"),
    "TfIdf": _step(_LISTS, "words", "'a'"),
    "TfIdfInPlace": _step(_WORDS, "text", "map('a', 1)", split=" ", nGrams="2"),
    "Word2vec": _step(
        _LISTS, "words", "'a'", calls="words[0]", answers="words[0]", vectorSize="2", minCount="1"
    ),
    "Word2VecInPlace": _step(_WORDS, "text", "map('a', 1)", split=" ", vectorSize="2", length="3"),
    "TokenExtract": _step(
        _WORDS, "text", "map('a', 1)", answers="keywords", idCol="id", **{"dic.paths": "words.txt"}
    ),
    "TokenAnalysis": _step(_WORDS, "text", "map('a', 1)", answers="keywords", idCol="id", split=" "),
    "FeatureExtractInPlace": _step(_WORDS, "text", "map('a', 1)", answers="made", outputCol="made"),
    "VecMapInPlace": _step(
        "select id, map(concat('k', id % 3), id) as weights from range(6)", "weights", "'a'"
    ),
    "MapValues": _step(_PAIRS, "k", "map('a', 1)", answers="v", outputCol="v"),
    "TableToMap": Facts(
        table=_PAIRS,
        options={"keyField": "k", "valueField": "v"},
        reads="k",
        named_by="keyField",
        wrong="map('a', 1)",
        calls="k",
        answers="v",
        on_nulls="unanswered",
    ),
    "RateSampler": _tool(_CUSTOMERS, "labelCol", "label", labelCol="label", sampleRate="0.5,0.5"),
    "TakeRandomSampleExt": _tool(_CUSTOMERS, None, "age", size="5"),
    "ConfusionMatrix": _tool(
        _CUSTOMERS, "actualCol", "label", "map('a', 1)", actualCol="label", predictCol="prediction"
    ),
    "ClassificationEvaluator": _tool(_CUSTOMERS, "labelCol", "label", "map('a', 1)"),
    "RegressionEvaluator": _tool(_CUSTOMERS, "labelCol", "label", "'a'"),
    "ClusteringEvaluator": _tool(
        _POINTS + " where id < 20", "featuresCol", "features", "'a'", predictionCol="label"
    ),
    "PredictionEva": _tool(_CUSTOMERS, "probCol", "prob", "'a'", labelCol="label", probCol="prob"),
    "CorpusExplainInPlace": _tool(_CUSTOMERS, "labelCol", "home", labelCol="home"),
    "DataSummary": _tool(_CUSTOMERS, None, "age"),
    "DescriptiveMetrics": _tool(_CUSTOMERS, None, "age"),
    "PatternDistribution": _tool(_CUSTOMERS, None, "home"),
    "DataMissingValueProcess": _tool(
        _CUSTOMERS, "processColumns", "age", "'a'", method="mean", processColumns="age"
    ),
    "UniqueIdentifier": _tool(_CUSTOMERS, None, "age", columnName="number"),
    "AutoIncrementKeyExt": Facts(
        table="select id as n, id * 2 as m from range(9)", key="n", reads="m", named_by=None
    ),
    "Pivot": _tool(
        _CUSTOMERS,
        "columnSum",
        "age",
        "'a'",
        columnLeft="label",
        columnHeader="home",
        columnSum="age",
        sumFunc="sum",
    ),
    "DataTranspose": _tool(
        _CUSTOMERS, "aggCol", "age", method="pivot", indexCols="label", inputCol="home", aggCol="age"
    ),
    "JsonExpandExt": _tool(
        """select id, concat('{"a": ', id, '}') as json from range(9)""",
        "inputCol",
        "json",
        "1",
        inputCol="json",
    ),
    "Binning": _tool(
        _CUSTOMERS,
        "selectedFeatures",
        "age",
        "map('a', 1)",
        label="label",
        numBucket="2",
        selectedFeatures="age",
    ),
    "PSI": _tool(
        _CUSTOMERS,
        "selectedFeatures",
        "age",
        "map('a', 1)",
        actualTable="t",
        selectedFeatures="age",
        numBucket="2",
    ),
    "CacheExt": _tool(_CUSTOMERS, None, "age", execute="cache"),
    "RepartitionExt": _tool(_CUSTOMERS, None, "age", partitionNum="2"),
    "TableRepartition": _tool(
        _CUSTOMERS, "partitionCols", "age", partitionNum="2", partitionType="range", partitionCols="age"
    ),
    "PythonStep": _tool(
        _CUSTOMERS,
        "groupBy",
        "home",
        groupBy="home",
        schema="home string, n long",
        code="""def apply(frame):
    return frame.groupby("home", dropna=False).size().reset_index(name="n")
""",
    ),
}
CODE: Mapping[str, str] = {"code": _SCRIPT, "net": _NET}
"""Variables that some options name."""
READS_NO_TABLE: Mapping[str, str] = {
    "SampleDatasetExt": "makes rows of its own",
    "EmptyTable": "makes a table of its own",
    "EmptyTableWithSchema": "makes a table of its own",
    "JDBC": "sends statements to a database",
    "ScoreCard": "goes by the bins that Binning has made: tests/stages/algorithms/tools/test_scorecard.py",
    "Evaluate": "reads what the stored model reads: tests/stages/test_tuning.py",
    "Pipeline": "makes a function of stored steps",
    "ScriptUDF": "makes a function of code",
    "JavaUDF": "makes a function of a class",
}
