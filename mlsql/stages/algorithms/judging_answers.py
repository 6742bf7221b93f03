"""How good answers are that stand in a Spark table beside the truth, by the metrics of ``models.METRICS``.

Each value is what scikit-learn gives for the same rows, as the bridge computes it, but Spark counts:
one aggregate for what compares answers with the truth, one more for the area under the curve.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsql.bridge.class_detail import MOST_CLASSES, MOST_CONFUSED
from mlsql.bridge.evaluation import SILHOUETTE_ROWS
from mlsql.events import Log, Sink
from mlsql.models.manifest import Label
from mlsql.models.summaries import ClassDetail
from mlsql.stages.algorithms.judgement import Judgement

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

TRUTH, GUESS, PROBABILITIES = "__truth", "__guess", "__probabilities"
_EPSILON = 2.0**-52
"""What ``log_loss`` takes 0 for, and ``mean_absolute_percentage_error`` too."""


def judge_classes(answers: DataFrame, classes: Sequence[Label], emit: Sink) -> Judgement:
    """Of a classifier: *answers* has the numbers of the true class and of the class guessed, as doubles.

    It may have the probabilities as an array too. A class that was not there in training is NaN.
    """
    tells = PROBABILITIES in answers.columns
    counts, lost = _confusion(answers, tells)
    metrics: dict[str, float | None] = dict(_of_counts(counts))
    if tells:
        known = lost is not None  # every true class is one of the model's
        metrics |= {"logLoss": lost, **(_area(answers, len(classes)) if known else {"auc": None})}
    return Judgement(_finite(metrics, emit), _detail(counts, classes))


def judge_numbers(answers: DataFrame, emit: Sink) -> Judgement:
    """Of a regressor: *answers* has the true number and the one guessed, as doubles."""
    from pyspark.sql import functions as sf

    truth, guess = sf.col(TRUTH), sf.col(GUESS)
    error = guess - truth
    row = answers.agg(
        sf.avg(error * error).alias("mse"),
        sf.avg(sf.abs(error)).alias("mae"),
        sf.avg(sf.abs(error) / sf.greatest(sf.abs(truth), sf.lit(_EPSILON))).alias("mape"),
        sf.var_pop(truth).alias("variance"),
    ).first()
    assert row is not None
    r2 = 1 - row.mse / row.variance if row.variance else (1.0 if row.mse == 0 else 0.0)
    metrics = {"rmse": math.sqrt(row.mse), "mse": row.mse, "mae": row.mae, "r2": r2, "mape": row.mape}
    return Judgement(_finite(metrics, emit))


def judge_clusters(answers: DataFrame, features: str, emit: Sink) -> Judgement:
    """Of a clusterer: *answers* has the number of the cluster, and *features* as an array.

    The silhouette compares every row with every other one, so it is that of a sample of a large table: the
    rows with the least hashes. One task computes it.
    """
    from pyspark.sql import functions as sf

    rows = answers.select(features, GUESS).withColumn("__hash", sf.xxhash64(features))
    sample = rows.orderBy("__hash").limit(SILHOUETTE_ROWS).coalesce(1)
    judge: Any = _silhouette
    found = sample.mapInPandas(judge, "silhouette double").first()
    value = math.nan if found is None or found.silhouette is None else found.silhouette
    return Judgement(_finite({"silhouette": value}, emit))


def _silhouette(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    import numpy as np
    import pandas as pd
    from sklearn.metrics import silhouette_score

    rows = pd.concat(list(batches))
    points, clusters = np.stack(rows.iloc[:, 0].to_numpy()), rows.iloc[:, 1].to_numpy()
    is_defined = 1 < len(np.unique(clusters)) < len(clusters)
    value = float(silhouette_score(points, clusters)) if is_defined else None
    yield pd.DataFrame({"silhouette": [value]})


def _confusion(answers: DataFrame, tells: bool) -> tuple[dict[tuple[float, float], int], float | None]:  # noqa: FBT001
    """How often each class got each answer, and the mean loss of the probabilities."""
    from pyspark.sql import functions as sf

    loss = _loss() if tells else sf.lit(None).cast("double")
    rows = (
        answers.groupBy(TRUTH, GUESS)
        .agg(sf.count(sf.lit(1)).alias("rows"), sf.sum(loss).alias("loss"))
        .collect()  # a row a pair of classes
    )
    counts = {(row[TRUTH], row[GUESS]): row.rows for row in rows}
    losses = [row.loss for row in rows]
    if not tells or any(each is None for each in losses):
        return counts, None
    return counts, math.fsum(losses) / sum(counts.values())


def _loss() -> Expression:
    from pyspark.sql import functions as sf

    told = sf.try_element_at(PROBABILITIES, sf.when(~sf.isnan(TRUTH), sf.col(TRUTH).cast("int") + 1))
    return -sf.log(sf.least(sf.greatest(told, sf.lit(_EPSILON)), sf.lit(1 - _EPSILON)))


def _of_counts(counts: Mapping[tuple[float, float], int]) -> Iterator[tuple[str, float]]:
    """Means over the classes, weighted by how many rows they have."""
    total = sum(counts.values())
    figures = [(support, *scores) for support, *scores in _scores(counts).values()]
    yield "accuracy", sum(rows for (truth, guess), rows in counts.items() if truth == guess) / total
    for at, name in ((3, "f1"), (1, "precision"), (2, "recall")):
        yield name, math.fsum(each[0] * each[at] for each in figures) / total


def _scores(counts: Mapping[tuple[float, float], int]) -> dict[float, tuple[int, float, float, float]]:
    """Support, precision, recall and f1 of each class; 0 where nothing is to divide by."""
    truths: dict[float, int] = {}
    guesses: dict[float, int] = {}
    for (truth, guess), rows in counts.items():
        truths[truth] = truths.get(truth, 0) + rows
        guesses[guess] = guesses.get(guess, 0) + rows
    scores = {}
    for each in {**truths, **guesses}:
        right, support, guessed = counts.get((each, each), 0), truths.get(each, 0), guesses.get(each, 0)
        both = support + guessed
        precision = right / guessed if guessed else 0.0
        recall = right / support if support else 0.0
        scores[each] = (support, precision, recall, 2 * right / both if both else 0.0)
    return scores


def _area(answers: DataFrame, classes: int) -> dict[str, float]:
    """The area under the ROC curve: of the second of two classes, else the mean of each against the rest.

    It is the share of pairs, a row of the class and one of none, in which the first has the greater
    probability; equal ones count half.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    two = classes == 2  # noqa: PLR2004 — the second class is the positive one
    first = 1 if two else 0
    wanted = sf.slice(PROBABILITIES, first + 1, 1 if two else classes)
    told = answers.select(TRUTH, sf.posexplode(wanted).alias("place", "score"))
    positive = (sf.col(TRUTH) == sf.col("place") + first).cast("long")
    scores = told.groupBy("place", "score").agg(
        sf.sum(positive).alias("positive"), sf.sum(1 - positive).alias("negative")
    )
    below = Window.partitionBy("place").orderBy("score").rowsBetween(Window.unboundedPreceding, -1)
    ranked = scores.withColumn("below", sf.coalesce(sf.sum("negative").over(below), sf.lit(0)))
    won = sf.sum(sf.col("positive") * (sf.col("below") + sf.col("negative") / 2))
    pairs = sf.sum("positive").cast("double") * sf.sum("negative")
    areas = [
        row.won / row.pairs if row.pairs else math.nan
        for row in ranked.groupBy("place").agg(won.alias("won"), pairs.alias("pairs")).collect()
    ]
    return {"auc": math.fsum(areas) / len(areas)} if areas else {}


def _detail(counts: Mapping[tuple[float, float], int], classes: Sequence[Label]) -> ClassDetail | None:
    if len(classes) > MOST_CLASSES:
        return None
    scores, numbers = _scores(counts), [float(each) for each in range(len(classes))]
    rows = [scores.get(number, (0, 0.0, 0.0, 0.0)) for number in numbers]
    confusion = None
    if len(classes) <= MOST_CONFUSED:
        confusion = tuple(tuple(counts.get((one, other), 0) for other in numbers) for one in numbers)
    return ClassDetail(
        classes=tuple(classes),
        support=tuple(each[0] for each in rows),
        precision=tuple(each[1] for each in rows),
        recall=tuple(each[2] for each in rows),
        f1=tuple(each[3] for each in rows),
        confusion=confusion,
    )


def _finite(metrics: Mapping[str, Any], emit: Sink) -> dict[str, float]:
    """Those that are defined; the others are logged."""
    for name, value in metrics.items():
        if value is None or not math.isfinite(value):
            emit(Log(f"no {name}: it is not defined on these rows", "warning"))
    return {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}
