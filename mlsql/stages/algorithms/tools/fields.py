"""The columns that an option names, checked: they are there, and of a type that the tool can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault
from mlsql.session import quoted
from mlsql.stages.algorithms.inputs import found
from mlsql.stages.algorithms.published import family

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

NUMBER, BOOLEAN, STRING = "number", "boolean", "string"
_TOLD = {NUMBER: "numbers", BOOLEAN: "booleans", STRING: "texts"}


def field_of(frame: DataFrame, name: str, option: str, *families: str) -> StructField:
    """The column *name* as the table writes it, of one of the *families* of types when some are given."""
    field = frame.schema[found(frame.columns, name, option)]
    if families and family(field.dataType) not in families:
        wanted = " or ".join(_TOLD.get(each, each) for each in families)
        raise DataFault(
            f"the column '{field.name}' is {field.dataType.simpleString()}; it has to hold {wanted}",
            option=option,
        )
    return field


def fields_of(frame: DataFrame, names: Iterable[str], option: str, *families: str) -> list[StructField]:
    """The columns *names*, each once, checked like one."""
    fields = {field.name: field for field in (field_of(frame, name, option, *families) for name in names)}
    return list(fields.values())


def column(field: StructField) -> Column:
    """The column as an expression, whatever its name is."""
    from pyspark.sql import functions as sf

    return sf.col(quoted(field.name))


def is_number(field: StructField) -> bool:
    """Whether the column holds numbers of any kind."""
    return family(field.dataType) == NUMBER


def present(field: StructField) -> Column:
    """The column with null where it holds no number: what NaN says is that there is none."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import FractionalType

    value = column(field)
    if isinstance(field.dataType, FractionalType):
        return sf.when(~sf.isnan(value), value)
    return value


def text(field: StructField) -> Column:
    """The value as text, whatever it is; null where there is none."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType, UserDefinedType, VariantType

    value = present(field)
    if isinstance(field.dataType, BinaryType):
        return sf.hex(value)
    if isinstance(field.dataType, ArrayType | MapType | StructType | UserDefinedType | VariantType):
        return sf.when(value.isNotNull(), sf.to_json(sf.struct(value.alias("value"))))
    return value.cast("string")


def expect_free(frame: DataFrame, names: Sequence[str], *, option: str | None = None, hint: str) -> None:
    """Raise DataFault when a column of the table has one of the *names* already."""
    taken = set(map(str.casefold, frame.columns))
    for name in names:
        if name.casefold() in taken:
            raise DataFault(f"the table has a column '{name}' already", option=option, hint=hint)
