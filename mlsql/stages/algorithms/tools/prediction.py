"""PredictionEva: how well scores, as probabilities, tell one label from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.grammar.nodes import Word
from mlsql.options import TEXT, number, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.confusion import LabelCounts
from mlsql.stages.algorithms.tools.fields import NUMBER, field_of, present
from mlsql.stages.algorithms.tools.labels import expect_none_missing, label_field, label_text, normal_label
from mlsql.stages.algorithms.tools.outcomes import named_values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_LABEL, _PROBABILITY, _VALUE = "labelCol", "probCol", "labelValue"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionOptions:
    """Which columns are compared, and how."""

    label: str = option(_LABEL, TEXT, "Column of the true labels.", default="label")
    probability: str = option(
        _PROBABILITY,
        TEXT,
        "Column of the score: the higher, the likelier the positive label.",
        default="prob",
    )
    positive: str = option(
        _VALUE, TEXT, "The positive label; all others are negative.", default="1", aliases=("labelVal",)
    )
    threshold: float = option(
        "threshold", number(), "From which score on a row counts as positive.", default=0.5
    )
    detail: str | None = option(
        "detailTable", TEXT, "Name of a second table: a row for each score as the threshold.", default=None
    )


@dataclass(frozen=True, slots=True)
class PredictionEvaluation:
    """Precision, recall and F1 at a threshold; over all thresholds the areas under both curves, and KS."""

    options: ClassVar[type[PredictionOptions]] = PredictionOptions
    doc: ClassVar[str] = (
        "Judges scores of two classes: precision, recall and F1 at a threshold, the area under the ROC curve "
        "(auc), the average precision (prc) and the Kolmogorov-Smirnov distance (ks)."
    )
    example: ClassVar[str] = """\
select cast(id % 2 as int) as label, (id % 2 * 3 + id % 7) / 10.0 as prob from range(60) as scored;
run scored as PredictionEva.`` where labelCol="label" and probCol="prob" and threshold="0.5"
  and detailTable="thresholds" as scores;
select * from thresholds order by threshold as shown;
"""

    def transform(self, call: Call[PredictionOptions], run: Run, /) -> DataFrame:
        """A row a metric: ``metrics``, ``value``; nulls are refused, ties count half in the area."""
        options = call.options
        curve = _curve(call.frame, options)
        figures = _figures(curve, options)
        if options.detail is not None:
            run.define(Word(options.detail, call.given["detailTable"].span or call.span), _thresholds(curve))
        return named_values(run, figures, "metrics")


def _curve(frame: DataFrame, options: PredictionOptions) -> DataFrame:
    """A row a score: its positive and negative rows, and how many of each score as high at least."""
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    label = label_field(frame, options.label, _LABEL)
    score = field_of(frame, options.probability, _PROBABILITY, NUMBER)
    is_positive = label_text(label) == sf.lit(normal_label(options.positive))
    scored = frame.select(present(score).cast("double").alias("threshold"), is_positive.alias("is_positive"))
    counts = scored.groupBy("threshold").agg(
        sf.count_if("is_positive").alias("positives"),
        sf.count_if(~sf.col("is_positive")).alias("negatives"),
        sf.count_if(sf.col("is_positive").isNull()).alias("unlabelled"),
    )
    so_far = Window.orderBy(sf.desc("threshold")).rowsBetween(Window.unboundedPreceding, 0)
    return counts.withColumns(
        {
            "tp": sf.sum("positives").over(so_far),
            "fp": sf.sum("negatives").over(so_far),
            "all_positives": sf.sum("positives").over(Window.partitionBy()),
            "all_negatives": sf.sum("negatives").over(Window.partitionBy()),
        }
    )


def _figures(curve: DataFrame, options: PredictionOptions) -> dict[str, float]:
    """The metrics, from one aggregate over the curve."""
    from pyspark.sql import functions as sf

    p, n, tp, fp = (sf.col(name) for name in ("positives", "negatives", "tp", "fp"))
    is_above = sf.col("threshold") >= sf.lit(options.threshold)
    distance = sf.try_divide(tp, sf.col("all_positives")) - sf.try_divide(fp, sf.col("all_negatives"))
    (row,) = curve.agg(
        sf.sum(p).alias("p"),
        sf.sum(n).alias("n"),
        sf.sum("unlabelled").alias("unlabelled"),
        sf.sum(sf.when(sf.col("threshold").isNull(), p + n).otherwise(0)).alias("unscored"),
        sf.sum(sf.when(is_above, p).otherwise(0)).alias("tp"),
        sf.sum(sf.when(is_above, n).otherwise(0)).alias("fp"),
        # Whole numbers, so that the area is exact: a pair of equal scores counts half.
        sf.sum(n.cast("decimal(19,0)") * (2 * tp - p).cast("decimal(19,0)")).alias("doubled_area"),
        sf.sum(sf.try_divide(p * tp, tp + fp)).alias("average_precision"),
        sf.max(sf.abs(distance)).alias("ks"),
    ).collect()
    _expect_both(row, options)
    at = LabelCounts(options.positive, row.tp, row.fp, row.n - row.fp, row.p - row.tp)
    return {
        "threshold": options.threshold,
        "precision": at.precision,
        "recall": at.recall,
        "f1": at.f1,
        "auc": float(Fraction(int(row.doubled_area), 2 * row.p * row.n)),
        "prc": row.average_precision / row.p,
        "ks": row.ks,
    }


def _expect_both(row: Any, options: PredictionOptions) -> None:
    """Raise DataFault unless every row has a label and a score, and there are rows of both kinds."""
    if row.p is None:
        raise DataFault("the table has no rows")
    expect_none_missing(options.label, row.unlabelled)
    expect_none_missing(options.probability, row.unscored)
    if not row.p or not row.n:
        which = "has" if row.n == 0 else "does not have"
        raise DataFault(
            f"every row {which} the label '{options.positive}' in '{options.label}'; both kinds are needed",
            option=_VALUE,
        )


def _thresholds(curve: DataFrame) -> DataFrame:
    """A row for each score as the threshold."""
    from pyspark.sql import functions as sf

    tp, fp = sf.col("tp"), sf.col("fp")
    fn, tn = sf.col("all_positives") - tp, sf.col("all_negatives") - fp
    return curve.select(
        "threshold",
        tp,
        fp,
        tn.alias("tn"),
        fn.alias("fn"),
        (tp / (tp + fp)).alias("precision"),
        (tp / (tp + fn)).alias("recall"),
        (2 * tp / (2 * tp + fp + fn)).alias("f1"),
        (fp / (fp + tn)).alias("fpr"),
    )
