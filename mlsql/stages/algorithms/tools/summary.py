"""DataSummary: what each column of a table holds, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.names import listed, nearest
from mlsql.options import BOOLEAN, NAMES, integer, number, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import text
from mlsql.stages.algorithms.tools.summary_metrics import Look, Metric, all_metrics
from mlsql.stages.algorithms.tools.value_counts import most_common, value_counts
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_OF_VALUES = MappingProxyType(
    {"uniqueValueRatio": "double", "categoryCount": "bigint", "primaryKeyCandidate": "int", "mode": "string"}
)
"""Metrics for which the values are counted, with their types."""
_NAMES = (
    *("dataType", "dataLength", "max", "min", "maximumLength", "minimumLength", "mean", "standardDeviation"),
    *("standardError", "skewness", "nullValueRatio", "blankValueRatio", "nonNullCount", "uniqueValueRatio"),
    *("categoryCount", "primaryKeyCandidate", "%25", "median", "%75", "mode"),
)
_ALWAYS = ("columnName", "ordinalPosition")
_OTHER_NAMES = MappingProxyType({"25%": "%25", "75%": "%75", "50%": "median"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryOptions:
    """What is told, and how exactly."""

    metrics: tuple[str, ...] | None = option(
        "metrics", NAMES, "What is told of each column; else all.", default=None
    )
    digits: int = option("roundAt", integer(0, 15), "Decimal places; ratios have two more.", default=2)
    error: float = option(
        "relativeError",
        number(1e-6, 0.5),
        "How far an approximate quantile may be off, of all rows.",
        default=0.01,
    )
    threshold: int = option(
        "approxThreshold", integer(-1), "Quantiles are exact up to so many rows; -1: never.", default=100_000
    )
    approximates: bool | None = option(
        "approxSwitch",
        BOOLEAN,
        "Whether quantiles are approximate, whatever the number of rows.",
        default=None,
    )
    approximates_distinct: bool = option(
        "approxCountDistinct",
        BOOLEAN,
        "Whether values are told apart approximately, where neither mode nor primaryKeyCandidate is told.",
        default=False,
    )


@dataclass(frozen=True, slots=True)
class DataSummary:
    """A row a column of the table: its type, extremes, mean, quantiles, and what is missing or repeated."""

    options: ClassVar[type[SummaryOptions]] = SummaryOptions
    doc: ClassVar[str] = (
        "Sums up each column: type, extremes, mean, quantiles, what is missing and what is repeated."
    )
    example: ClassVar[str] = """\
set people='''
{"name":"elena","age":57,"income":433000}
{"name":"candy","age":67,"income":1200}
{"name":"bob","age":57,"income":89000}
''';
load jsonStr.`people` as people;
run people as DataSummary.`` as summary;
run people as DataSummary.`` where metrics="mean,median,%75,mode" and roundAt="1" as short_summary;
"""

    def transform(self, call: Call[SummaryOptions], run: Run, /) -> DataFrame:
        """A row a column, computed now, in two aggregates; NaN counts as missing."""
        names = _wanted(call.options.metrics)
        rows = _summaries(call.frame, names, call.options)
        types = {name: metric.type for name, metric in all_metrics().items()} | _OF_VALUES
        columns = ", ".join(f"`{name}` {types[name]}" for name in names)
        return local_table(run.spark, rows, f"columnName string, ordinalPosition int, {columns}")


def _wanted(metrics: Sequence[str] | None) -> list[str]:
    """The metrics asked for, as they are written properly, in their usual order."""
    if metrics is None:
        return list(_NAMES)
    known = {name.casefold(): name for name in (*_NAMES, *_ALWAYS)} | _OTHER_NAMES
    for name in metrics:
        if name.casefold() not in known:
            near = nearest(name, known.values())
            hint = f"did you mean '{near}'?" if near else f"there is {listed(_NAMES)}"
            raise OptionFault(f"no metric is called '{name}'", option="metrics", hint=hint)
    wanted = {known[name.casefold()] for name in metrics}
    return [name for name in _NAMES if name in wanted] or ["dataType"]


def _summaries(frame: DataFrame, names: Sequence[str], options: SummaryOptions) -> list[tuple[Any, ...]]:
    """A row a column: its name, its place from 1 on, and the metrics *names*."""
    fields = frame.schema.fields
    counted = _counted(frame, names, options)
    is_exact = _is_exact(frame, names, options, counted)
    looks = [Look(field, is_exact, options.error) for field in fields]
    computed = _computed(frame, looks, names)
    return [
        (field.name, place + 1, *_told(names, {**computed[place], **counted.get(place, {})}, options.digits))
        for place, field in enumerate(fields)
    ]


def _counted(frame: DataFrame, names: Sequence[str], options: SummaryOptions) -> dict[int, dict[str, Any]]:
    """What counting the values of each column tells: ``rows``, ``categoryCount`` and ``mode`` by place."""
    from pyspark.sql import functions as sf

    if not set(names) & set(_OF_VALUES):
        return {}
    fields = frame.schema.fields
    if options.approximates_distinct and not {"mode", "primaryKeyCandidate"} & set(names):
        (row,) = frame.agg(
            *(sf.approx_count_distinct(text(field)).alias(str(place)) for place, field in enumerate(fields))
        ).collect()
        return {place: {"categoryCount": count} for place, count in enumerate(row)}
    found = most_common(value_counts(frame, fields)).collect()
    return {row.place: {"rows": row.rows, "categoryCount": row.categories, "mode": row.mode} for row in found}


def _is_exact(
    frame: DataFrame, names: Sequence[str], options: SummaryOptions, counted: Mapping[int, Mapping[str, Any]]
) -> bool:
    """Whether quantiles are to be exact: as the options say, or by the number of rows."""
    if options.approximates is not None or not {"%25", "median", "%75"} & set(names):
        return not options.approximates
    rows = next((each["rows"] for each in counted.values() if "rows" in each), None)
    return (frame.limit(options.threshold + 1).count() if rows is None else rows) <= options.threshold


def _computed(frame: DataFrame, looks: Sequence[Look], names: Sequence[str]) -> list[dict[str, Any]]:
    """What one aggregate over the table gives for each column."""
    from pyspark.sql import functions as sf

    metrics = {
        name: each
        for name, each in all_metrics().items()
        if name in (*names, "nonNullCount", "nullValueRatio")
    }

    def made(metric: Metric, look: Look) -> Column:
        value = metric.of(look)
        return sf.lit(None).cast(metric.type) if value is None else value

    structs = [
        sf.struct(*(made(metric, look).alias(name) for name, metric in metrics.items())).alias(str(place))
        for place, look in enumerate(looks)
    ]
    (row,) = frame.agg(*structs).collect()
    return [each.asDict() for each in row]


def _told(names: Sequence[str], found: Mapping[str, Any], digits: int) -> list[Any]:
    """The metrics in the order of *names*, rounded."""
    categories, present_rows = found.get("categoryCount", 0), found["nonNullCount"]
    values = {
        **found,
        "categoryCount": categories,
        "uniqueValueRatio": min(1.0, categories / present_rows) if present_rows else 0.0,
        "primaryKeyCandidate": int(categories == present_rows > 0 and not found["nullValueRatio"]),
    }
    return [_rounded(name, values.get(name), digits) for name in names]


def _rounded(name: str, value: Any, digits: int) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, digits + 2 if name.endswith("Ratio") else digits)
