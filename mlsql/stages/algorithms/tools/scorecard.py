"""ScoreCard: points for each bin of each feature, which add up to a score that tells the odds.

A logistic regression on the weights of evidence gives the log odds of being good; the score is
``offset + factor * log odds``, where ``factor = pdo / ln 2`` and ``offset = scaledValue - factor * ln(odds)``
(Siddiqi, Credit Risk Scorecards, 2006, chapter 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.errors import MissingOption
from mlsql.options import NAMES, TEXT, number, option
from mlsql.session import FunctionSignature, Run
from mlsql.stages.algorithms.base import Call, RegisterCall
from mlsql.stages.algorithms.tools.binning import GOOD, LABEL, is_good
from mlsql.stages.algorithms.tools.bins import MISSING, FeatureBins
from mlsql.stages.algorithms.tools.card import BASE, Card, Scale, value_sql
from mlsql.stages.algorithms.tools.fields import BOOLEAN, NUMBER, STRING, expect_free, field_of
from mlsql.stages.algorithms.tools.kept_bins import (
    FEATURES,
    PATH,
    TABLE,
    BinsOptions,
    binning_table,
    read_bins,
    rows_of,
)
from mlsql.stages.algorithms.tools.labels import expect_none_missing
from mlsql.stages.algorithms.tools.outcomes import read_below, save_below
from mlsql.stages.rows import local_table
from mlsql.udf.catalyst import Functions
from mlsql.udf.companions import forget_functions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.grammar.nodes import Word

_FOLDER = "scorecard"
_SCORE, _PROBABILITY, _PREDICTION = "predictedScore", "probability", "prediction"
_SCHEMA = (
    "featureName string, bin_id int, value string, start double, end double, category string, "
    "woe double, coefficient double, points double, factor double, offset double"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCardOptions(BinsOptions):
    """From which bins, and on which scale."""

    label: str = option(LABEL, TEXT, "Column of the label.", default="label", aliases=("labelCol",))
    good: str = option(GOOD, TEXT, "The label of the good; all others are bad.", default="1")
    features: tuple[str, ...] | None = option(
        FEATURES, NAMES, "Columns that count; else all that have bins.", default=None
    )
    scaled: float = option(
        "scaledValue", number(), "The score at which the odds are those of odds.", default=800.0
    )
    odds: float = option("odds", number(1e-9), "So many good ones to a bad one at that score.", default=50.0)
    pdo: float = option("pdo", number(1e-9), "So many points more double the odds.", default=25.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """Scoring needs no options; those with which older engines found the bins again change nothing."""

    features: tuple[str, ...] | None = option(
        FEATURES, NAMES, "The card knows its features; no effect.", default=None
    )
    table: str | None = option(TABLE, TEXT, "The card knows its bins; no effect.", default=None)
    path: str | None = option(PATH, TEXT, "The card knows its bins; no effect.", default=None)


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """Fits a scorecard, by which ``predict`` scores a table, and ``register`` makes a function."""

    options: ClassVar[type[ScoreCardOptions]] = ScoreCardOptions
    predict_options: ClassVar[type[ScoreOptions]] = ScoreOptions
    define_options: ClassVar[type[ScoreOptions]] = ScoreOptions
    doc: ClassVar[str] = (
        "Makes a scorecard of Binning's bins: points that add up to a score, as predict and register give."
    )
    example: ClassVar[str] = """\
select id % 40 + 20 as age, element_at(array("rent", "own"), int(id % 2 + 1)) as home,
  cast((id % 40 + id % 17) > 25 as int) as label from range(400) as customers;
run customers as Binning.`` where label="label" and numBucket="4" and selectedFeatures="age,home" as bins;
run customers as ScoreCard.`out/example/card` where binningTable="bins" and scaledValue="600" and odds="50"
  and pdo="20" as card;
predict customers as ScoreCard.`out/example/card` as scored;
register ScoreCard.`out/example/card` as score;
select age, home, score(age, home) as points from customers as shown;
"""

    def transform(self, call: Call[ScoreCardOptions], run: Run, /) -> DataFrame:
        """The card: a row a bin with its points, and the base points that all get; saved below a path."""
        table = binning_table(call, run)
        if table is None:
            hint = "the table that Binning has made"
            raise MissingOption(TABLE, call.algorithm.text, hint, span=call.span)
        bins = read_bins(table, call.options.features)
        weights = _by_bin(table, "woe")
        _expect_features(call.frame, bins)
        intercept, coefficients = _fitted(call, bins, weights)
        options = call.options
        scale = Scale.of(score=options.scaled, odds=options.odds, pdo=options.pdo)
        card = local_table(run.spark, _card(bins, weights, intercept, coefficients, scale), _SCHEMA)
        save_below(run, call.path, _FOLDER, card)
        return card

    def predict(self, call: Call[ScoreOptions], run: Run, /) -> DataFrame:
        """The table with ``predictedScore``, the probability of being good, and prediction (1.0 is good)."""
        from pyspark.sql import functions as sf

        new = (_SCORE, _PROBABILITY, _PREDICTION)
        expect_free(call.frame, new, hint="leave it out before: select * except (…) …")
        card = _read_card(run, call.path)
        _expect_features(call.frame, card.features)
        figures = {_SCORE: sf.expr(card.score), _PROBABILITY: sf.expr(card.probability)}
        is_good = sf.expr(f"cast({card.probability} > 0.5 as double)")
        return call.frame.withColumns({**figures, _PREDICTION: is_good})

    def define(self, call: RegisterCall[ScoreOptions], run: Run, /) -> FunctionSignature:
        """Make the score a function of the features."""
        card, name = _read_card(run, call.path), call.function.text
        functions = Functions(run.spark)
        signature = FunctionSignature(name, card.parameters, "double")
        functions.define(signature, functions.sql(card.score))
        forget_functions(run.session, name, kept={name})
        run.session.functions[name] = signature
        return signature


def _read_card(run: Run, path: Word) -> Card:
    """The card that was saved below the path."""
    table = read_below(run, path, _FOLDER)
    (base,) = table.where("bin_id is null").select("points", "factor", "offset").collect()
    bins = table.where("bin_id is not null")
    return Card(
        base.points, Scale(base.factor, base.offset), tuple(read_bins(bins, None)), _by_bin(bins, "points")
    )


def _by_bin(table: DataFrame, column: str) -> dict[tuple[str, int], float]:
    """A number for each bin of each feature."""
    rows = rows_of(table, ("featureName", "bin_id", column))
    return {(name, number): value for name, number, value in rows}


def _expect_features(frame: DataFrame, features: Iterable[FeatureBins]) -> None:
    """Raise unless the table has the features, of the types that their bins have."""
    for each in features:
        families = (NUMBER,) if each.categories is None else (STRING, BOOLEAN)
        field_of(frame, each.feature, FEATURES, *families)


def _fitted(
    call: Call[ScoreCardOptions], bins: Sequence[FeatureBins], weights: Mapping[tuple[str, int], float]
) -> tuple[float, list[float]]:
    """Intercept and coefficients of the log odds of being good, by the weights of evidence.

    Rows in the same bins count as one row with a weight, so that the fit looks at few.
    """
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as sf

    features = array_to_vector(sf.array(*(sf.col(f"f{place}") for place in range(len(bins)))))
    columns = [sf.expr(value_sql(each, weights)).alias(f"f{place}") for place, each in enumerate(bins)]
    labelled = call.frame.select(
        *columns, is_good(call.frame, call.options.label, call.options.good).cast("double").alias("label")
    )
    counts = (
        labelled.groupBy(*labelled.columns).agg(sf.count(sf.lit(1)).cast("double").alias("rows")).persist()
    )
    try:
        _expect_fit(call, counts)
        fitter = LogisticRegression(weightCol="rows", maxIter=100, tol=1e-10, standardization=False)
        model = fitter.fit(counts.select(features.alias("features"), "label", "rows"))
    finally:
        counts.unpersist()
    return model.intercept, list(model.coefficients.toArray().tolist())


def _expect_fit(call: Call[ScoreCardOptions], counts: DataFrame) -> None:
    """Raise DataFault for rows without a label, and a table of good or bad rows alone."""
    rows = {row[0]: int(row[1]) for row in counts.groupBy("label").sum("rows").collect()}
    expect_none_missing(call.options.label, rows.get(None, 0))
    if len(rows) < 2:  # noqa: PLR2004
        raise DataFault("a scorecard needs good rows and bad ones", option=GOOD)


def _card(
    bins: Sequence[FeatureBins],
    weights: Mapping[tuple[str, int], float],
    intercept: float,
    coefficients: Sequence[float],
    scale: Scale,
) -> list[tuple[object, ...]]:
    """The rows of the card: the base points first, then each bin."""
    ends = (scale.factor, scale.offset)
    base = scale.offset + scale.factor * intercept
    rows: list[tuple[object, ...]] = [(BASE, None, None, None, None, None, None, intercept, base, *ends)]
    for each, coefficient in zip(bins, coefficients, strict=True):
        for one in each.bins():
            if one.id == MISSING and (each.feature, MISSING) not in weights:
                continue
            woe = weights[each.feature, one.id]
            points = scale.factor * coefficient * woe
            place = (each.feature, one.id, str(one), one.start, one.end, one.category)
            rows.append((*place, woe, coefficient, points, *ends))
    return rows
