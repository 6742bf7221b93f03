"""DataMissingValueProcess: fills what is missing, or leaves out the rows where something is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.errors import MissingOption
from mlsql.options import NAMES, integer, one_of, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import NUMBER, fields_of, is_number, present
from mlsql.stages.algorithms.tools.row_keys import unused_names
from mlsql.stages.algorithms.tools.value_counts import most_common, value_counts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_COLUMNS = "processColumns"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingOptions:
    """Which columns, and what is done about them."""

    columns: tuple[str, ...] | None = option(
        _COLUMNS,
        NAMES,
        "Columns that are filled; for drop those that must have a value, else all.",
        default=None,
    )
    method: str = option(
        "method",
        one_of("mean", "mode", "drop", "randomforest"),
        "mean or mode of the column; drop: leave such rows out; randomforest: what the other numbers say.",
        default="mean",
    )
    seed: int = option("seed", integer(), "Seed of the forest.", default=42)


@dataclass(frozen=True, slots=True)
class MissingValues:
    """The table without missing values in the columns named; NaN is missing too."""

    options: ClassVar[type[MissingOptions]] = MissingOptions
    doc: ClassVar[str] = (
        "Fills missing values by mean, mode or a random forest, or drops the rows that have some."
    )
    example: ClassVar[str] = """\
set people='''
{"name":"elena","age":57,"income":433000}
{"name":"candy","age":67,"income":null}
{"name":"bob","age":null,"income":89000}
''';
load jsonStr.`people` as people;
run people as DataMissingValueProcess.`` where method="mean" and processColumns="age,income" as filled;
"""

    def transform(self, call: Call[MissingOptions], run: Run, /) -> DataFrame:  # noqa: ARG002
        """All columns in their order; a mean or a forest makes whole numbers doubles."""
        return _METHODS[call.options.method](call)


def _dropped(call: Call[MissingOptions]) -> DataFrame:
    """Lazily, the rows that have a value in each column."""
    fields = call.frame.schema.fields if call.options.columns is None else _fields(call)
    return call.frame.where(
        reduce(lambda one, other: one & other, (present(each).isNotNull() for each in fields))
    )


def _fields(call: Call[MissingOptions], *families: str) -> Sequence[StructField]:
    if call.options.columns is None:
        raise MissingOption(_COLUMNS, call.algorithm.text, "columns that are filled", span=call.span)
    return fields_of(call.frame, call.options.columns, _COLUMNS, *families)


def _by_mean(call: Call[MissingOptions]) -> DataFrame:
    from pyspark.sql import functions as sf

    fields = _fields(call, NUMBER)
    means = _means(call.frame, fields)
    return _filled(
        call.frame,
        {each.name: sf.coalesce(present(each).cast("double"), sf.lit(means[each.name])) for each in fields},
    )


def _means(frame: DataFrame, fields: Sequence[StructField]) -> dict[str, float]:
    """The mean of each column, all from one aggregate; a column without values is refused."""
    from pyspark.sql import functions as sf

    (row,) = frame.agg(*(sf.avg(present(each).cast("double")) for each in fields)).collect()
    return _known(fields, row)


def _by_mode(call: Call[MissingOptions]) -> DataFrame:
    from pyspark.sql import functions as sf

    fields = _fields(call, "number", "string", "boolean", "date", "timestamp")
    found = {row.place: row.mode for row in most_common(value_counts(call.frame, fields)).collect()}
    modes = _known(fields, [found.get(place) for place in range(len(fields))])
    return _filled(
        call.frame,
        {
            each.name: sf.coalesce(present(each), sf.lit(modes[each.name]).cast(each.dataType))
            for each in fields
        },
    )


def _known(fields: Sequence[StructField], values: Sequence[Any]) -> dict[str, Any]:
    for field, value in zip(fields, values, strict=True):
        if value is None:
            raise DataFault(f"the column '{field.name}' has no value to fill it with", option=_COLUMNS)
    return {field.name: value for field, value in zip(fields, values, strict=True)}


def _by_forest(call: Call[MissingOptions]) -> DataFrame:
    """A forest for each column, fitted on the rows that have it; missing features stand at their mean."""
    from pyspark.sql import functions as sf

    targets = _fields(call, NUMBER)
    features = [field for field in call.frame.schema if is_number(field)]
    if len(features) < 2:  # noqa: PLR2004
        raise DataFault("a forest needs another column of numbers to learn from", option=_COLUMNS)
    means = _means(call.frame, features)
    whole = {
        each.name: sf.coalesce(present(each).cast("double"), sf.lit(means[each.name])) for each in features
    }
    filled = call.frame
    for target in targets:
        others = [column for name, column in whole.items() if name != target.name]
        filled = _guessed(filled, call.frame, target, others, call.options.seed)
    return filled


def _guessed(
    frame: DataFrame, training: DataFrame, target: StructField, others: Sequence[Column], seed: int
) -> DataFrame:
    from pyspark.ml.functions import array_to_vector
    from pyspark.ml.regression import RandomForestRegressor
    from pyspark.sql import functions as sf

    vector, label, guess = unused_names(frame, 3)
    features, value = array_to_vector(sf.array(*others)).alias(vector), present(target).cast("double")
    known = training.select(features, value.alias(label)).where(sf.col(label).isNotNull())
    forest = RandomForestRegressor(featuresCol=vector, labelCol=label, predictionCol=guess, seed=seed)
    predicted = forest.fit(known).transform(frame.withColumn(vector, features))
    return _filled(predicted, {target.name: sf.coalesce(value, sf.col(guess))}).drop(vector, guess)


def _filled(frame: DataFrame, values: dict[str, Column]) -> DataFrame:
    """The frame with some columns replaced, all in their order."""
    from pyspark.sql import functions as sf

    return frame.select(*(values.get(name, sf.col(quoted(name))).alias(name) for name in frame.columns))


_METHODS: MappingProxyType[str, Callable[[Call[MissingOptions]], DataFrame]] = MappingProxyType(
    {"mean": _by_mean, "mode": _by_mode, "drop": _dropped, "randomforest": _by_forest}
)
