"""Discretizer and QuantileDiscretize: numbers to the buckets that they fall into."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.options import (
    NAMES,
    TEXT,
    Kind,
    Options,
    OptionText,
    integer,
    number,
    one_of,
    option,
    option_family,
    read_options,
)
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import (
    INPUT,
    INPUTS,
    OUTPUT,
    FeatureStep,
    InputOptions,
    Lesson,
)
from mlsql.stages.algorithms.features.numeric import (
    NumbersOptions,
    NumbersStep,
    as_array,
    check_numbers,
    prepared,
    split_numbers,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.numbers import Prepared, PreparedNumber

SPLITS, METHOD, GROUPS = "splits", "method", "fitParam."
_FEWEST_SPLITS = 3


def _read_splits(text: str) -> tuple[float, ...]:
    splits = tuple(float(part) for part in text.strip("[] ").split(","))
    ascending = all(low < high for low, high in pairwise(splits))
    if len(splits) < _FEWEST_SPLITS or not ascending:
        raise ValueError(text)
    return splits


ASCENDING = Kind("at least three ascending numbers, as in '-inf,0,1,inf'", _read_splits)
_INVALID = one_of("error", "keep")


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is put into buckets, where each has a group of its own."""

    name: str
    splits: tuple[float, ...] | None
    buckets: int
    output: str = ""
    """The column for the result; empty: the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscretizerOptions(NumbersOptions):
    """Where buckets begin and end."""

    method: str = option(
        METHOD,
        one_of("bucketizer", "quantile"),
        "bucketizer: at the splits; quantile: so that the buckets hold equally many rows.",
        default="bucketizer",
    )
    splits: tuple[float, ...] | None = option(
        SPLITS,
        ASCENDING,
        "Where buckets begin, and the last one ends.",
        default=None,
        aliases=("splitArray",),
    )
    buckets: int = option("numBuckets", integer(2), "How many buckets quantile makes.", default=2)
    error: float = option(
        "relativeError", number(0, 1), "How exact quantiles are; 0 is exact.", default=0.001
    )
    invalid: str = option("handleInvalid", _INVALID, "What NaN, and what lies outside, is.", default="error")
    groups: Mapping[str, OptionText] = option_family(
        GROUPS,
        "A group a column, as `fitParam.0.inputCol` with `fitParam.0.splitArray` or `.numBuckets`, and"
        " `.outputCol`.",
    )
    inputs: tuple[str, ...] = option(
        INPUTS, NAMES, "Columns of numbers, or one column of arrays or vectors.", default=(), aliases=(INPUT,)
    )
    columns: tuple[Column, ...] = ()


class Discretizer(NumbersStep[DiscretizerOptions]):
    """The bucket of each number, counted from 0."""

    name: ClassVar[str] = "Discretizer"
    options: ClassVar[type[DiscretizerOptions]] = DiscretizerOptions
    doc: ClassVar[str] = (
        "Puts numbers into buckets, between splits that are given or that hold equally many rows."
    )
    example: ClassVar[str] = """\
select id as a, id - 2 as b from range(5) as numbers;
train numbers as Discretizer.`out/example/buckets` where inputCols="a,b" and splits="-inf,0,1,inf" as buckets;
register Discretizer.`out/example/buckets` as bucket;
select bucket(array(0.5, 3)) as both as answers;
"""

    def settled(self, options: DiscretizerOptions) -> DiscretizerOptions:
        """With what the groups say, when there are any."""
        if not options.groups:
            return options
        columns = tuple(_columns(options))
        return dataclasses.replace(options, columns=columns, inputs=tuple(each.name for each in columns))

    def check(self, given: Options, /) -> None:
        """The bucketizer needs its splits."""
        if any(key.startswith(GROUPS) for key in given):
            return
        if INPUTS not in given:
            raise OptionFault("Discretizer needs to know its columns", option=INPUTS, hint=f'{INPUTS}="a,b"')
        method = given[METHOD].text.casefold() if METHOD in given else "bucketizer"
        if method == "bucketizer" and SPLITS not in given:
            raise OptionFault(
                "the bucketizer needs to know its splits",
                option=METHOD,
                hint='splits="-inf,0,1,inf", or method="quantile"',
            )

    def train(self, call: Call[DiscretizerOptions], run: Any, /) -> DataFrame:
        """Fit it, when it can be."""
        self.check(call.given)
        return super().train(call, run)

    def learn(self, lesson: Lesson[DiscretizerOptions]) -> Prepared:
        """The splits of each column."""
        import numpy as np

        from mlsql.udf.predictors.plain.numbers import Buckets

        options, table = lesson.options, split_numbers(lesson.frame, lesson.options.inputs)
        names = table.columns
        columns = options.columns or (Column("", options.splits, options.buckets),) * len(names)
        if options.method == "quantile":
            splits = [
                quantiles(table.select(name), column.buckets, options.error)[0]
                for name, column in zip(names, columns, strict=True)
            ]
        else:
            splits = [np.array(column.splits) for column in columns]
        return prepared([Buckets(tuple(splits), options.invalid == "keep")], len(names))

    def outputs(self, options: DiscretizerOptions, frame: DataFrame) -> Mapping[str, str]:
        """The bucket of each number in its column, or in that which its group names."""
        columns = options.columns
        if len(columns) == 1:
            options = dataclasses.replace(options, output=columns[0].output or options.output)
        if options.output or not any(each.output for each in columns):
            return super().outputs(options, frame)
        answer = f"{{f}}({as_array(frame, options.inputs)})"
        return {each.output or each.name: f"{answer}[{place}]" for place, each in enumerate(columns)}


def _columns(options: DiscretizerOptions) -> Iterator[Column]:
    """The columns of the groups, in the order of their numbers."""
    groups: dict[str, dict[str, OptionText]] = {}
    for key, value in options.groups.items():
        group, _, name = key.partition(".")
        groups.setdefault(group, {})[name] = value
    for group, given in sorted(groups.items(), key=lambda each: (len(each[0]), each[0])):
        read = read_options(_GroupOptions, given, owner=f"{GROUPS}{group}")
        if options.method == "bucketizer" and read.splits is None:
            raise OptionFault("the bucketizer needs to know its splits", option=f"{GROUPS}{group}.{INPUT}")
        yield Column(read.input, read.splits, read.buckets, read.output)


@dataclass(frozen=True, slots=True, kw_only=True)
class _GroupOptions:
    """What a group says of its column."""

    input: str = option(INPUT, TEXT, "The column.")
    splits: tuple[float, ...] | None = option(
        SPLITS,
        ASCENDING,
        "Where buckets begin, and the last one ends.",
        default=None,
        aliases=("splitArray",),
    )
    buckets: int = option("numBuckets", integer(2), "How many buckets quantile makes.", default=2)
    output: str = option(OUTPUT, TEXT, "Column for the bucket; else that of the number.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileOptions(InputOptions):
    """How many buckets."""

    buckets: int = option(
        "numBuckets", integer(2), "How many buckets; fewer where numbers are equal.", default=2
    )
    error: float = option(
        "relativeError", number(0, 1), "How exact quantiles are; 0 is exact.", default=0.001
    )
    invalid: str = option("handleInvalid", _INVALID, "What NaN is.", default="error")


class QuantileDiscretize(FeatureStep[QuantileOptions]):
    """The bucket of a number, of buckets that hold equally many rows of the training table."""

    name: ClassVar[str] = "QuantileDiscretize"
    options: ClassVar[type[QuantileOptions]] = QuantileOptions
    doc: ClassVar[str] = "Puts numbers into buckets that hold equally many rows."
    example: ClassVar[str] = """\
select id as a from range(9) as numbers;
train numbers as QuantileDiscretize.`out/example/quantiles` where inputCol="a" and numBuckets="3" as thirds;
register QuantileDiscretize.`out/example/quantiles` as third;
select third(8) as last as answers;
"""

    def inputs(self, options: QuantileOptions) -> Mapping[str, str]:
        """The column."""
        return {options.input: INPUT}

    def check_inputs(self, call: Call[QuantileOptions]) -> None:
        """Only a number is in a bucket."""
        check_numbers(call.frame, [call.options.input], INPUT)

    def learn(self, lesson: Lesson[QuantileOptions]) -> PreparedNumber:
        """The splits."""
        from mlsql.udf.predictors.plain.numbers import Buckets, PreparedNumber

        options = lesson.options
        splits = quantiles(split_numbers(lesson.frame, [options.input]), options.buckets, options.error)
        return PreparedNumber((Buckets(tuple(splits), options.invalid == "keep"),))

    def outputs(self, options: QuantileOptions, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """The bucket in place of the number."""
        return {options.output or options.input: f"{{f}}({quoted(options.input)})"}


def quantiles(table: DataFrame, buckets: int, error: float) -> list[Any]:
    """For each column the splits between so many buckets, as Spark's QuantileDiscretizer finds them."""
    import numpy as np

    shares = [share / buckets for share in range(buckets + 1)]
    found = table.approxQuantile(table.columns, shares, error)
    return [np.unique([-math.inf, *each[1:-1], math.inf]) for each in found]
