"""``!profile t``: what is in each column of a table, in one pass over it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlsql.session import Outcome, Run, Table
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand
from mlsql.stages.commands.forms import Given
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

_ROW = (
    "column string, type string, count bigint, nulls bigint, distinct bigint, min string, max string,"
    " mean double, q25 double, median double, q75 double"
)
_QUANTILES = (0.25, 0.5, 0.75)
_SKETCH = 15
"""The base-2 logarithm of a sketch's size: the number of distinct values is right to about a hundredth."""


def _profile(given: Given, run: Run) -> Outcome:
    """One row a column; one Spark job for all of them."""
    frame = run.table(given["TABLE"])
    fields = list(frame.schema)
    if not fields:
        return Table(None, local_table(run.spark, [], _ROW))
    numbered = frame.toDF(*map(str, range(len(fields))))  # the table's own names may stand twice
    measures = [_measures(numbered[str(number)], each.dataType) for number, each in enumerate(fields)]
    (found,) = numbered.agg(*(measure for column in measures for measure in column)).collect()
    width = len(found) // len(fields)
    rows = [
        (each.name, each.dataType.simpleString(), *found[width * number : width * (number + 1)])
        for number, each in enumerate(fields)
    ]
    return Table(None, local_table(run.spark, rows, _ROW))


def _measures(column: Column, kind: DataType) -> tuple[Column, ...]:
    """The values from ``count`` to ``q75``, null where the type knows no such thing."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import NumericType

    unknown, is_ordered = sf.lit(None), _is_ordered(kind)
    mean, quantiles = unknown, (unknown,) * len(_QUANTILES)
    if isinstance(kind, NumericType):
        found = sf.percentile_approx(column, [*_QUANTILES])
        mean, quantiles = sf.avg(column), tuple(found[number] for number in range(len(_QUANTILES)))
    return (
        sf.count(column),
        sf.count_if(column.isNull()),
        _distinct(column, kind),
        (sf.min(column) if is_ordered else unknown).cast("string"),
        (sf.max(column) if is_ordered else unknown).cast("string"),
        *(each.cast("double") for each in (mean, *quantiles)),
    )


def _distinct(column: Column, kind: DataType) -> Column:
    """How many values there are, by a sketch.

    ``approx_count_distinct`` of this precision is 1,600 columns of a plan each: twelve of them are
    analysed for a minute.
    """
    from pyspark.sql import functions as sf

    name = kind.simpleString()
    hashable = column.cast("string") if "map<" in name or "variant" in name else column
    hashed = sf.when(column.isNotNull(), sf.xxhash64(hashable))
    return sf.coalesce(sf.hll_sketch_estimate(sf.hll_sketch_agg(hashed, _SKETCH)), sf.lit(0))


def _is_ordered(kind: DataType) -> bool:
    """Whether values of *kind* have a least one that reads well as text."""
    from pyspark.sql import types

    dates = types.DateType | types.TimestampType | types.TimestampNTZType | types.AnsiIntervalType
    return isinstance(kind, types.NumericType | types.StringType | types.BooleanType | dates)


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "profile": FormCommand(
            "What is in each column: values, nulls, distinct ones, the least, greatest and mean, quartiles.",
            ("TABLE",),
            _profile,
        )
    }
)
"""By the name behind the ``!``."""
