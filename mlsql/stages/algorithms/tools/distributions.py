"""DescriptiveMetrics and PatternDistribution: the commonest values, and shapes of values, of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.options import BOOLEAN, integer, option
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.published import family
from mlsql.stages.algorithms.tools.fields import STRING
from mlsql.stages.algorithms.tools.value_counts import value_counts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_PEOPLE = """\
set people='''
{"name":"Elena","phone":"155-5223","age":57}
{"name":"Bob","phone":"152-5221","age":57}
{"name":"candy","phone":"1555","age":25}
''';
load jsonStr.`people` as people;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptiveOptions:
    """How many values are told."""

    size: int = option(
        "metricSize", integer(1, 100_000), "How many of the commonest values of a column.", default=100
    )


@dataclass(frozen=True, slots=True)
class DescriptiveMetrics:
    """The commonest values of each column, with how often they occur."""

    options: ClassVar[type[DescriptiveOptions]] = DescriptiveOptions
    doc: ClassVar[str] = "Tells the commonest values of each column and how often they occur, as JSON."
    example: ClassVar[str] = f"""\
{_PEOPLE}run people as DescriptiveMetrics.`` where metricSize="10" as described;
"""

    def transform(self, call: Call[DescriptiveOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """``columnName`` and ``descriptiveMetrics``, ``[{"value":count},…]`` by value; a null is "". Lazy."""
        from pyspark.sql import Window
        from pyspark.sql import functions as sf

        fields = call.frame.schema.fields
        commonest = Window.partitionBy("place").orderBy(sf.desc("count"), "value")
        counts = (
            value_counts(call.frame, fields)
            .fillna("", ["value"])
            .groupBy("place", "value")
            .agg(sf.sum("count").alias("count"))
        )
        kept = counts.withColumn("rank", sf.row_number().over(commonest)).where(
            sf.col("rank") <= call.options.size
        )
        entries = sf.sort_array(sf.collect_list(sf.struct("value", "count")))
        pairs = sf.transform(entries, lambda entry: sf.create_map(entry["value"], entry["count"]))
        return _by_column(
            kept.groupBy("place").agg(sf.to_json(pairs).alias("json")), fields, "descriptiveMetrics"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternOptions:
    """What counts, and how much is told."""

    limit: int = option(
        "limit", integer(1, 100_000), "How many of the commonest patterns of a column.", default=100
    )
    excludes_empty: bool = option(
        "excludeEmptyVal", BOOLEAN, "Whether empty texts are left out.", default=True
    )
    length: int = option(
        "patternLimit", integer(1), "How many characters of a pattern are kept.", default=1000
    )


@dataclass(frozen=True, slots=True)
class PatternDistribution:
    """The shapes that texts have: ``Ab-12`` is ``Aa-99``, or shorter ``Aa-9(2)``."""

    options: ClassVar[type[PatternOptions]] = PatternOptions
    doc: ClassVar[str] = "Tells the commonest shapes of the texts in each column (Ab-12 is Aa-99), as JSON."
    example: ClassVar[str] = f"""\
{_PEOPLE}run people as PatternDistribution.`` where limit="10" as patterns;
"""

    def transform(self, call: Call[PatternOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """``columnName`` and ``patternDistribution``, for the columns of texts; nulls do not count. Lazy.

        A capital letter or an ideograph is ``A``, a small letter ``a``, a digit ``9``; the rest stays.
        """
        fields = [field for field in call.frame.schema if family(field.dataType) == STRING]
        if not fields:
            raise DataFault("the table has no column of texts")
        patterns = _pattern_counts(value_counts(call.frame, fields), call.options)
        return _by_column(_pattern_json(patterns, call.options.limit), fields, "patternDistribution")


def _pattern_counts(counts: DataFrame, options: PatternOptions) -> DataFrame:
    """``place``, ``pattern``, ``alternativePattern``, ``count`` and ``ratio``."""
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    wanted = counts.where("value is not null")
    if options.excludes_empty:
        wanted = wanted.where("value != ''")
    pattern = _pattern(sf.col("value"))
    shaped = wanted.select(
        "place",
        sf.substr(pattern, sf.lit(1), sf.lit(options.length)).alias("pattern"),
        _alternative(pattern).alias("alternativePattern"),
        "count",
    )
    summed = shaped.groupBy("place", "pattern", "alternativePattern").agg(sf.sum("count").alias("count"))
    return summed.withColumn("ratio", sf.col("count") / sf.sum("count").over(Window.partitionBy("place")))


def _pattern(value: Column) -> Column:
    from pyspark.sql import functions as sf

    for characters, sign in (("[a-z]", "a"), (r"[A-Z\p{IsHan}]", "A"), ("[0-9]", "9")):
        value = sf.regexp_replace(value, characters, sign)
    return value


def _alternative(pattern: Column) -> Column:
    """``AAA-99`` as ``A(3)-9(2)``."""
    from pyspark.sql import functions as sf

    runs = sf.regexp_extract_all(pattern, sf.lit("(?s)(A+|a+|9+|.)"))
    shortened = sf.transform(
        runs,
        lambda run: sf.when(sf.length(run) == 1, run).otherwise(
            sf.concat(sf.left(run, sf.lit(1)), sf.lit("("), sf.length(run), sf.lit(")"))
        ),
    )
    return sf.array_join(shortened, "")


def _pattern_json(patterns: DataFrame, limit: int) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    columns = ("pattern", "alternativePattern", "count", "ratio")
    by_place = Window.partitionBy("place")
    ranked = patterns.withColumns(
        {
            "rank": sf.row_number().over(by_place.orderBy(sf.desc("count"), "pattern", "alternativePattern")),
            "total": sf.count(sf.lit(1)).over(by_place),
        }
    )
    entries = sf.sort_array(sf.collect_list(sf.struct("rank", *columns)))
    told = sf.transform(entries, lambda entry: sf.struct(*(entry[name].alias(name) for name in columns)))
    whole = sf.struct(
        told.alias("colPatternDistribution"),
        sf.first("total").alias("totalCount"),
        sf.lit(limit).alias("limit"),
    )
    return ranked.where(sf.col("rank") <= limit).groupBy("place").agg(sf.to_json(whole).alias("json"))


def _by_column(found: DataFrame, fields: Sequence[StructField], name: str) -> DataFrame:
    """``columnName`` and *name*, in the order of the columns; an empty table has no rows here."""
    from pyspark.sql import functions as sf

    names = sf.lit([field.name for field in fields])
    ordered = found.orderBy("place")
    return ordered.select(sf.get(names, sf.col("place")).alias("columnName"), sf.col("json").alias(name))
