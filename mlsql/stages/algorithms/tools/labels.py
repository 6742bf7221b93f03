"""Labels of any type as texts that can be compared, and rows that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault
from mlsql.session import quoted
from mlsql.stages.algorithms.tools.fields import BOOLEAN, NUMBER, STRING, field_of, present

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField


def label_field(frame: DataFrame, name: str, option: str) -> StructField:
    """The column *name*, which the *option* names, where it holds labels: numbers, booleans or texts."""
    return field_of(frame, name, option, NUMBER, BOOLEAN, STRING)


def label_text(field: StructField) -> Column:
    """A label as text, written alike whatever type holds it: 1, 1L and 1.0 are ``1``; null for NaN."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import FractionalType

    value = present(field)
    if not isinstance(field.dataType, FractionalType):
        return value.cast("string")
    number = value.cast("double")
    is_whole = (number == sf.floor(number)) & (sf.abs(number) < sf.lit(2.0**53))
    return sf.when(is_whole, number.cast("bigint").cast("string")).otherwise(number.cast("string"))


def normal_label(label: str) -> str:
    """A label of an option as :func:`label_text` writes it.

    >>> normal_label("1.0"), normal_label("yes")
    ('1', 'yes')
    """
    try:
        value = float(label)
    except ValueError:
        return label
    return str(int(value)) if value.is_integer() else label


def expect_none_missing(name: str, missing: int) -> None:
    """Raise DataFault when rows have no value in the column *name*."""
    if missing:
        raise DataFault(
            f"{missing:,} rows have no value in '{name}'",
            hint=f"leave them out before: … where {quoted(name)} is not null",
        )
