"""ScalerInPlace, NormalizeInPlace, StandardScaler, Imputer: numbers of one measure, none missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from mlsql.options import BOOLEAN, Kind, number, one_of, option
from mlsql.stages.algorithms.features.declaration import Lesson
from mlsql.stages.algorithms.features.numeric import (
    NumbersOptions,
    NumbersStep,
    figures,
    prepared,
    split_numbers,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.base import Step
    from mlsql.udf.predictors.plain.numbers import Formula, Prepared

_OUTSIDE = 1.5
"""Outliers lie so many interquartile ranges outside of the quartiles: Tukey's fences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierOptions(NumbersOptions):
    """What is done to outliers."""

    removes_outliers: bool = option(
        "removeOutlierValue",
        BOOLEAN,
        "Whether numbers 1.5 interquartile ranges outside of the quartiles become the median first.",
        default=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerOptions(OutlierOptions):
    """How numbers are scaled."""

    method: str = option(
        "scaleMethod",
        one_of("min-max", "log2", "logn", "log10", "sqrt", "abs"),
        "min-max: to the range from min to max; the others are the formula of each number.",
        default="min-max",
    )
    least: float = option("min", number(), "The least number after min-max.", default=0.0)
    most: float = option("max", number(), "The greatest number after min-max.", default=1.0)


class ScalerInPlace(NumbersStep[ScalerOptions]):
    """Numbers in a range, or behind a formula."""

    name: ClassVar[str] = "ScalerInPlace"
    options: ClassVar[type[ScalerOptions]] = ScalerOptions
    doc: ClassVar[str] = "Scales numbers to a range, or takes the logarithm, the root or the amount of each."
    example: ClassVar[str] = """\
select id as a, id * id as b from range(5) as numbers;
train numbers as ScalerInPlace.`out/example/scaled` where inputCols="a,b" and scaleMethod="min-max" as scaled;
register ScalerInPlace.`out/example/scaled` as scale;
select scale(array(2, 4)) as both as answers;
"""

    def learn(self, lesson: Lesson[ScalerOptions]) -> Prepared:
        """Least and greatest numbers, where the method needs them."""
        from mlsql.udf.predictors.plain.numbers import Computed

        options, table = lesson.options, split_numbers(lesson.frame, lesson.options.inputs)
        table, steps = _without_outliers(table, wanted=options.removes_outliers)
        if options.method == "min-max":
            steps += _to_range(table, options.least, options.most)
        else:
            steps.append(Computed(cast("Formula", options.method)))
        return prepared(steps, len(table.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizeOptions(OutlierOptions):
    """How numbers are normalised."""

    method: str = option(
        "method",
        one_of("standard", "p-norm"),
        "standard: each column gets mean 0 and deviation 1; p-norm: each row gets length 1.",
        default="standard",
        aliases=("scaleMethod",),
    )
    p: float = option(
        "p",
        Kind("a number of at least 1, or 'inf'", lambda text: _at_least_1(float(text))),
        "The norm.",
        default=2.0,
    )


class NormalizeInPlace(NumbersStep[NormalizeOptions]):
    """Columns of mean 0 and deviation 1, or rows of length 1."""

    name: ClassVar[str] = "NormalizeInPlace"
    options: ClassVar[type[NormalizeOptions]] = NormalizeOptions
    doc: ClassVar[str] = (
        "Gives each column the mean 0 and the standard deviation 1, or each row the length 1."
    )
    example: ClassVar[str] = """\
select id as a, id * id as b from range(5) as numbers;
train numbers as NormalizeInPlace.`out/example/normal` where inputCols="a,b" as normal;
register NormalizeInPlace.`out/example/normal` as normal_of;
select normal_of(array(2, 4)) as both as answers;
"""

    def learn(self, lesson: Lesson[NormalizeOptions]) -> Prepared:
        """Means and deviations, where the method needs them."""
        from mlsql.udf.predictors.plain.numbers import PNorm

        options, table = lesson.options, split_numbers(lesson.frame, lesson.options.inputs)
        table, steps = _without_outliers(table, wanted=options.removes_outliers)
        if options.method == "p-norm":
            return prepared([*steps, PNorm(options.p)], len(table.columns))
        return prepared([*steps, _standard(table, centres=True, scales=True)], len(table.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardScalerOptions(NumbersOptions):
    """What is made standard; the defaults are Spark's."""

    with_mean: bool = option("withMean", BOOLEAN, "Whether each column gets the mean 0.", default=False)
    with_std: bool = option("withStd", BOOLEAN, "Whether each column gets the deviation 1.", default=True)


class StandardScaler(NumbersStep[StandardScalerOptions]):
    """Columns of mean 0, of deviation 1, or both; the deviation is that of a sample."""

    name: ClassVar[str] = "StandardScaler"
    options: ClassVar[type[StandardScalerOptions]] = StandardScalerOptions
    doc: ClassVar[str] = (
        "Gives columns, or the numbers of a vector, the standard deviation 1 and, if asked, the mean 0."
    )
    example: ClassVar[str] = """\
select vec_dense(array(id, id * id)) as features from range(5) as points;
train points as StandardScaler.`out/example/standard` where inputCol="features" and withMean="true" as scaled;
register StandardScaler.`out/example/standard` as standard;
select standard(array(2, 4)) as both as answers;
"""

    def learn(self, lesson: Lesson[StandardScalerOptions]) -> Prepared:
        """Means and deviations."""
        options, table = lesson.options, split_numbers(lesson.frame, lesson.options.inputs)
        step = _standard(table, centres=options.with_mean, scales=options.with_std)
        return prepared([step], len(table.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImputerOptions(NumbersOptions):
    """What is filled in for what."""

    strategy: str = option(
        "strategy",
        one_of("mean", "median", "mode"),
        "What is filled in, of the numbers that are there.",
        default="mean",
    )
    missing: float = option(
        "missingValue",
        Kind("a number, or 'NaN'", float),
        "The number that means nothing is there; null always does.",
        default=math.nan,
    )


class Imputer(NumbersStep[ImputerOptions]):
    """A number of each column in place of nulls and NaN."""

    name: ClassVar[str] = "Imputer"
    options: ClassVar[type[ImputerOptions]] = ImputerOptions
    doc: ClassVar[str] = (
        "Fills in the mean, the median or the most frequent number of a column where one is missing."
    )
    example: ClassVar[str] = """\
select if(id = 2, null, id) as a, id as b from range(5) as holes;
train holes as Imputer.`out/example/filled` where inputCols="a,b" and strategy="median" as filled;
register Imputer.`out/example/filled` as fill;
select fill(array(null, 4)) as both as answers;
"""
    nulls_are_values: ClassVar[bool] = True

    def learn(self, lesson: Lesson[ImputerOptions]) -> Prepared:
        """What Spark's Imputer fills in."""
        import numpy as np
        from pyspark.ml.feature import Imputer as SparkImputer

        from mlsql.udf.predictors.plain.preparation import Impute

        options, table = lesson.options, split_numbers(lesson.frame, lesson.options.inputs)
        columns = table.columns
        spark_imputer = SparkImputer(
            strategy=options.strategy,
            missingValue=options.missing,
            inputCols=columns,
            outputCols=[f"_{name}" for name in columns],
        )
        fills = spark_imputer.fit(table).surrogateDF.select(*columns).first()
        steps: list[Step] = [Impute(np.array(fills, dtype=np.float64))]
        if not math.isnan(options.missing):
            steps.insert(0, Impute(np.full(len(columns), math.nan), marker=options.missing))
        return prepared(steps, len(columns), fills=True)


def _without_outliers(table: DataFrame, *, wanted: bool) -> tuple[DataFrame, list[Step]]:
    """The table with medians in place of outliers, and the step that does the same."""
    from mlsql.udf.predictors.plain.numbers import Outliers

    if not wanted:
        return table, []
    low, middle, high = figures(
        table, *(f"percentile_approx({{0}}, {each}, 10000)" for each in (0.25, 0.5, 0.75))
    )
    reach = _OUTSIDE * (high - low)
    step = Outliers(low - reach, high + reach, middle)
    bounds = zip(table.columns, step.low, step.high, middle, strict=True)
    texts = [
        f"if(`{name}` < {_sql(least)} or `{name}` > {_sql(most)}, {_sql(median)}, `{name}`) as `{name}`"
        for name, least, most, median in bounds
    ]
    return table.selectExpr(*texts), [step]


def _to_range(table: DataFrame, least: float, most: float) -> list[Step]:
    """To the range from *least* to *most*; a column of equal numbers to its middle, as Spark has it."""
    import numpy as np

    from mlsql.udf.predictors.plain.preparation import Rescale, Standardise

    low, high = figures(table, "min({0})", "max({0})")
    is_constant = low == high
    scale = np.where(is_constant, np.inf, high - low)
    offsets = np.where(is_constant, (least + most) / 2, least)
    return [Standardise(low, scale), Rescale(np.full(len(low), most - least), offsets)]


def _standard(table: DataFrame, *, centres: bool, scales: bool) -> Step:
    """Mean 0 and deviation 1; a column of equal numbers becomes zeros, as Spark has it."""
    import numpy as np

    from mlsql.udf.predictors.plain.preparation import Standardise

    means, deviations = figures(table, "avg({0})", "coalesce(stddev_samp({0}), 0)")
    scale: Any = np.where(deviations == 0, np.inf, deviations)
    return Standardise(means if centres else None, scale if scales else None)


def _sql(value: float) -> str:
    return f"double('{float(value)!r}')"


def _at_least_1(value: float) -> float:
    if not value >= 1:
        raise ValueError(value)
    return value
