"""Where columns of numbers are cut into bins: one aggregate finds the cuts of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlsql.stages.algorithms.tools.fields import present

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField

_ACCURACY = 10_000


def cut_by_quantiles(
    frame: DataFrame, fields: Sequence[StructField], count: int
) -> dict[str, tuple[float, ...]]:
    """Cuts that put as many rows of the table into each of *count* bins of a column of numbers."""
    found = quantiles(frame, fields, [count] * len(fields)) if fields else []
    return {field.name: cuts_between(points) for field, points in zip(fields, found, strict=True)}


def cuts_between(points: Sequence[float]) -> tuple[float, ...]:
    """The cuts of *points*, the least value and marks from there on: ascending, without empty first bins.

    >>> cuts_between([1.0, 1.0, 2.0, 2.0, 5.0])
    (2.0, 5.0)
    """
    return tuple(sorted({each for each in points[1:] if each > points[0]})) if points else ()


def quantiles(frame: DataFrame, fields: Sequence[StructField], counts: Sequence[int]) -> list[list[float]]:
    """Of each column the least value, and those that part its rows into so many equal parts."""
    from pyspark.sql import functions as sf

    (row,) = frame.agg(
        *(
            sf.percentile_approx(
                present(field).cast("double"), [number / count for number in range(count)], _ACCURACY
            )
            for field, count in zip(fields, counts, strict=True)
        )
    ).collect()
    return [points or [] for points in row]


def widths(frame: DataFrame, fields: Sequence[StructField], counts: Sequence[int]) -> list[list[float]]:
    """Of each column the least value, and those that part its range into so many equal parts."""
    from pyspark.sql import functions as sf

    values = [present(field).cast("double") for field in fields]
    (row,) = frame.agg(*(sf.struct(sf.min(value), sf.max(value)) for value in values)).collect()
    return [
        [] if least is None else [least + (most - least) * number / count for number in range(count)]
        for (least, most), count in zip(row, counts, strict=True)
    ]
