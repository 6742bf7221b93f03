"""How columns are published: Arrow carries no vector, and a matrix has no arrays in arrays.

A vector is a struct of ``size``, ``indices`` and ``values``, where the size of a dense one is -1 and its
indices are empty: Spark writes nulls in their place four times slower. Arrays of arrays are put in a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.session import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql.types import DataType

VECTOR = "vector"
ARRAYS = ("array<number>", "array<array<number>>")
"""Families of columns of which one row is one row of a matrix."""


def family(kind: DataType) -> str:
    """Types of one family can stand for each other."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import ArrayType, BooleanType, NumericType, StringType

    if isinstance(kind, VectorUDT):
        return "array<number>"
    if isinstance(kind, ArrayType):
        return f"array<{family(kind.elementType)}>"
    for name, types in (("number", NumericType), ("boolean", BooleanType), ("string", StringType)):
        if isinstance(kind, types):
            return name
    return kind.simpleString()


def is_array(written: str) -> bool:
    """Whether a column of the type *written* is a matrix of its own."""
    return written == VECTOR or written.startswith("array")


def written(kind: DataType) -> str:
    """The type as a manifest holds it."""
    from pyspark.sql.types import StringType

    return "string" if isinstance(kind, StringType) else kind.simpleString()


def spark_type(written: str) -> DataType:
    """The type that a manifest holds."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import DataType

    return VectorUDT() if written == VECTOR else DataType.fromDDL(written)


def published(name: str, kind: DataType, wanted: DataType) -> Expression:
    """The column *name* of the type *kind* as one of the type *wanted* is published, both of one family."""
    from pyspark.ml.functions import array_to_vector, vector_to_array
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import functions as sf

    column = sf.col(quoted(name))
    given = column.isNotNull()  # Spark's conversions fail on a null
    if isinstance(wanted, VectorUDT):
        vector = column if isinstance(kind, VectorUDT) else sf.when(given, array_to_vector(column))
        return _taken_apart(vector).alias(name)
    if isinstance(kind, VectorUDT):
        column = sf.when(given, vector_to_array(column))
    elif kind == wanted and not family(wanted).startswith("array<array"):
        return column
    flat = column.cast(wanted)
    return (sf.flatten(flat) if family(wanted).startswith("array<array") else flat).alias(name)


def _taken_apart(vector: Expression) -> Expression:
    from pyspark.sql import functions as sf

    own = sf.unwrap_udt(vector)
    parts = (
        sf.coalesce(own["size"], sf.lit(-1)).alias("size"),
        sf.coalesce(own["indices"], sf.array().cast("array<int>")).alias("indices"),
        own["values"].alias("values"),
    )
    return sf.when(vector.isNotNull(), sf.struct(*parts))
