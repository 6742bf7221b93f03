"""ClassificationEvaluator, RegressionEvaluator, ClusteringEvaluator: how good predictions are, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.options import TEXT, one_of, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.confusion import Confusion, count_confusion
from mlsql.stages.algorithms.tools.fields import NUMBER, column, field_of, present
from mlsql.stages.algorithms.tools.labels import expect_none_missing, label_field
from mlsql.stages.algorithms.tools.outcomes import named_values

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_LABEL, _PREDICTION, _FEATURES = "labelCol", "predictionCol", "featuresCol"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorOptions:
    """Which columns are compared."""

    label: str = option(_LABEL, TEXT, "Column of what is true.", default="label")
    prediction: str = option(_PREDICTION, TEXT, "Column of what was predicted.", default="prediction")


@dataclass(frozen=True, slots=True)
class ClassificationEvaluator:
    """Accuracy, precision, recall and F1 of predicted labels, weighted by support and plain means."""

    options: ClassVar[type[EvaluatorOptions]] = EvaluatorOptions
    doc: ClassVar[str] = "Judges predicted labels: accuracy, and precision, recall and F1 over all labels."
    example: ClassVar[str] = """\
select cast(id % 3 as int) as label, cast(if(id % 7 = 0, 0, id % 3) as double) as prediction
  from range(60) as predicted;
run predicted as ClassificationEvaluator.`` where labelCol="label" as scores;
"""

    def transform(self, call: Call[EvaluatorOptions], run: Run, /) -> DataFrame:
        """A row a metric: ``name``, ``value``; nulls are refused."""
        options = call.options
        label = label_field(call.frame, options.label, _LABEL)
        prediction = label_field(call.frame, options.prediction, _PREDICTION)
        return named_values(run, label_metrics(count_confusion(call.frame, label, prediction)))


def label_metrics(confusion: Confusion) -> dict[str, float]:
    """The metrics of a classification, as scikit-learn defines them (``average`` weighted and macro)."""
    details, total = confusion.details, confusion.total

    def weighted(name: str) -> float:
        return math.fsum(each.support * getattr(each, name) for each in details) / total

    def macro(name: str) -> float:
        return math.fsum(getattr(each, name) for each in details) / len(details)

    return {
        "accuracy": sum(each.tp for each in details) / total,
        "f1": weighted("f1"),
        "weightedPrecision": weighted("precision"),
        "weightedRecall": weighted("recall"),
        "macroF1": macro("f1"),
        "macroPrecision": macro("precision"),
        "macroRecall": macro("recall"),
    }


@dataclass(frozen=True, slots=True)
class RegressionEvaluator:
    """The errors of predicted numbers."""

    options: ClassVar[type[EvaluatorOptions]] = EvaluatorOptions
    doc: ClassVar[str] = "Judges predicted numbers: mean squared and absolute error, and R²."
    example: ClassVar[str] = """\
select id as label, id + sin(id) as prediction from range(50) as predicted;
run predicted as RegressionEvaluator.`` where labelCol="label" as scores;
"""

    def transform(self, call: Call[EvaluatorOptions], run: Run, /) -> DataFrame:
        """A row a metric: ``name``, ``value``; nulls and NaN are refused."""
        from pyspark.sql import functions as sf

        label = field_of(call.frame, call.options.label, _LABEL, NUMBER)
        prediction = field_of(call.frame, call.options.prediction, _PREDICTION, NUMBER)
        true, guess = present(label).cast("double"), present(prediction).cast("double")
        (row,) = call.frame.agg(
            sf.count(sf.lit(1)).alias("rows"),
            sf.count_if(true.isNull()).alias("unlabelled"),
            sf.count_if(guess.isNull()).alias("unpredicted"),
            sf.avg((true - guess) ** 2).alias("mse"),
            sf.avg(sf.abs(true - guess)).alias("mae"),
            sf.var_pop(true).alias("variance"),
        ).collect()
        if not row.rows:
            raise DataFault("the table has no rows")
        expect_none_missing(label.name, row.unlabelled)
        expect_none_missing(prediction.name, row.unpredicted)
        r2 = 1 - row.mse / row.variance if row.variance else float(row.mse == 0)
        return named_values(run, {"mse": row.mse, "rmse": math.sqrt(row.mse), "r2": r2, "mae": row.mae})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringOptions:
    """Which columns hold the points and their clusters."""

    features: str = option(_FEATURES, TEXT, "Column of vectors or arrays of numbers.", default="features")
    prediction: str = option(_PREDICTION, TEXT, "Column of the cluster's number.", default="prediction")
    distance: str = option(
        "distanceMeasure",
        one_of("squaredEuclidean", "cosine"),
        "How far points are apart.",
        default="squaredEuclidean",
    )


@dataclass(frozen=True, slots=True)
class ClusteringEvaluator:
    """How well clusters are apart: the silhouette."""

    options: ClassVar[type[ClusteringOptions]] = ClusteringOptions
    doc: ClassVar[str] = (
        "Judges clusters by the silhouette: 1 when they are far apart, below 0 when they mix."
    )
    example: ClassVar[str] = """\
select array(cast(id % 10 as double), cast(id % 2 * 50 as double)) as features,
  cast(id % 2 as int) as prediction from range(40) as clustered;
run clustered as ClusteringEvaluator.`` as scores;
"""

    def transform(self, call: Call[ClusteringOptions], run: Run, /) -> DataFrame:
        """One row, ``silhouette``; nulls and a single cluster are refused."""
        from pyspark.ml.evaluation import ClusteringEvaluator as Evaluator
        from pyspark.sql import functions as sf

        options = call.options
        features = field_of(call.frame, options.features, _FEATURES, "array<number>")
        prediction = field_of(call.frame, options.prediction, _PREDICTION, NUMBER)
        points = call.frame.select(
            _vector(features).alias("features"), present(prediction).alias("prediction")
        )
        (row,) = points.agg(
            sf.count_if(sf.col("features").isNull()).alias("pointless"),
            sf.count_if(sf.col("prediction").isNull()).alias("homeless"),
            sf.count_distinct("prediction").alias("clusters"),
        ).collect()
        expect_none_missing(features.name, row.pointless)
        expect_none_missing(prediction.name, row.homeless)
        if row.clusters < 2:  # noqa: PLR2004
            raise DataFault(
                f"'{prediction.name}' tells {row.clusters} clusters; the silhouette compares two at least"
            )
        silhouette = Evaluator(distanceMeasure=options.distance).evaluate(points)
        return named_values(run, {"silhouette": silhouette})


def _vector(field: StructField) -> Column:
    """The column as vectors; Spark's evaluator takes no arrays that may hold nulls."""
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as sf
    from pyspark.sql.types import ArrayType

    value = column(field)
    if not isinstance(field.dataType, ArrayType):
        return value
    return sf.when(value.isNotNull(), array_to_vector(value.cast("array<double>")))
