"""A random order of the rows of a table that is always the same one: by a hash of what they hold.

A lazy table is evaluated again and again, and its rows come in another order each time. So what is
drawn or numbered goes by a hash of the row's content, never by ``rand`` or by order. Equal rows are
numbered among themselves, and the number takes part in the hash: which of them has which number does
not matter, since they are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.session import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_EXACT_JSON = {
    "ignoreNullFields": "false",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


def with_keys(frame: DataFrame, salt: str) -> tuple[DataFrame, list[str]]:
    """The frame with columns that put its rows into a random but fixed order, and their names.

    The first is the hash of content, number among equals and *salt*, the others settle a tie.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as sf

    key, first, second, number = names = unused_names(frame, 4)
    content = [part for field in frame.schema for part in _hashed(field)]
    # Two hashes: with one of 64 bits, rows of a very large table would meet that are not equal.
    hashes = {first: sf.xxhash64(sf.lit(1), *content), second: sf.xxhash64(sf.lit(2), *content)}
    equals = Window.partitionBy(first, second).orderBy(first)
    keyed = (
        frame.withColumns(hashes)
        .withColumn(number, sf.row_number().over(equals))
        .withColumn(key, sf.xxhash64(sf.lit(salt), first, second, number))
    )
    return keyed, names


def unused_names(frame: DataFrame, count: int) -> list[str]:
    """Names that no column has; the same for the same table."""
    taken = {name.casefold() for name in frame.columns}
    candidates = (f"__sampler_{number}" for number in range(count + len(taken)))
    return [name for name in candidates if name not in taken][:count]


def _hashed(field: StructField) -> Sequence[Column]:
    """What of a column goes into the hash, which skips nulls and lengths, and takes no maps."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import ArrayType, MapType, StructType, VariantType

    column = sf.col(quoted(field.name))
    if isinstance(field.dataType, ArrayType | MapType | StructType | VariantType):
        column = sf.to_json(sf.struct(column.alias("value")), _EXACT_JSON)
    return column, column.isNull()
