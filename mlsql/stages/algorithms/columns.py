"""The columns of a table that a training needs, as they are published: plain numbers and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.errors import MissingColumn
from mlsql.models import Column
from mlsql.session import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructField

FEATURES, INPUTS, LABEL, EVALUATE = "featuresCol", "inputCols", "labelCol", "evaluateTable"
_PLAIN = ("number", "boolean")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for: one features column or several inputs, perhaps a label."""

    features: str
    inputs: tuple[str, ...] | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table cut down to what is published, and what its columns are for."""

    frame: DataFrame
    columns: Columns


def prepare(frame: DataFrame, wanted: Wanted) -> Prepared:
    """The columns asked for, in their order: vectors become arrays, everything else stays as it is."""
    option = FEATURES if wanted.inputs is None else INPUTS
    names = _distinct([_found(frame, name, option) for name in wanted.inputs or (wanted.features,)])
    expressions = [_features(frame, name, option) for name in names]
    label = None if wanted.label is None else _found(frame, wanted.label, LABEL)
    if label is not None:
        if label in names:
            raise OptionFault(f"the column '{label}' is both label and feature", option=option)
        expressions.append(_label(frame, label))
    published = frame.select(expressions)
    described = [Column(field.name, field.dataType.simpleString()) for field in published.schema]
    features = tuple(described[: len(names)])
    arrays = [column for column in features if column.type.startswith("array")]
    if arrays and len(features) > 1:
        raise DataFault(
            f"the column '{arrays[0].name}' holds arrays, so it must be the only one",
            option=option,
            hint=f'{FEATURES}="{arrays[0].name}", or plain columns in {INPUTS}',
        )
    answers = described[-1] if label is not None else None
    return Prepared(published, Columns("features" if arrays else "columns", features, answers))


def prepare_alike(frame: DataFrame, training: Prepared, table: str) -> DataFrame:
    """The same columns of the table that judges, called *table*, in the types of the training table."""
    return frame.select([_alike(frame, field, f"table '{table}'") for field in training.frame.schema])


def prepare_stored(frame: DataFrame, columns: Columns) -> DataFrame:
    """The *columns* that a stored model was trained on, out of another table."""
    from pyspark.sql.types import DataType, StructField

    known = [*columns.features, *([columns.label] if columns.label else [])]
    fields = [StructField(each.name, DataType.fromDDL(each.type)) for each in known]
    return frame.select([_alike(frame, field, "table") for field in fields])


def _alike(frame: DataFrame, field: StructField, table: str) -> Expression:
    known = {name.casefold(): name for name in frame.columns}
    name = known.get(field.name.casefold())
    if name is None:
        raise DataFault(f"the {table} has no column '{field.name}', which the training uses", option=EVALUATE)
    kind = frame.schema[name].dataType
    if _family(kind) != _family(field.dataType):
        raise DataFault(
            f"the column '{name}' of the {table} is {kind.simpleString()}, "
            f"that of the training table {field.dataType.simpleString()}",
            option=EVALUATE,
        )
    return _without_vector(name, kind).cast(field.dataType).alias(field.name)


def _found(frame: DataFrame, name: str, option: str) -> str:
    """The column as the table writes it; Spark does not tell case apart."""
    if name in frame.columns:
        return name
    for known in frame.columns:
        if known.casefold() == name.casefold():
            return known
    raise MissingColumn(name, frame.columns, option=option)


def _distinct(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if names.count(name) > 1:
            raise OptionFault(f"the column '{name}' is named twice", option=INPUTS)
    return names


def _features(frame: DataFrame, name: str, option: str) -> Expression:
    kind = frame.schema[name].dataType
    family = _family(kind)
    if family == "array<number>" or (family in _PLAIN and option == INPUTS):
        return _without_vector(name, kind)
    if family in _PLAIN:
        wanted, hint = "a features column is a vector or an array", f'plain columns: {INPUTS}="{name}, …"'
    else:
        wanted, hint = "features are numbers, or vectors or arrays of numbers", None
    raise DataFault(f"the column '{name}' is {kind.simpleString()}; {wanted}", option=option, hint=hint)


def _label(frame: DataFrame, name: str) -> Expression:
    kind = frame.schema[name].dataType
    if _family(kind) not in (*_PLAIN, "string"):
        raise DataFault(
            f"the label column '{name}' is {kind.simpleString()}; a label is a number, a boolean or a text",
            option=LABEL,
        )
    return _without_vector(name, kind)


def _without_vector(name: str, kind: DataType) -> Expression:
    """The column; a vector, which Arrow cannot carry, as an array."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import functions as sf

    column = sf.col(quoted(name))
    return vector_to_array(column).alias(name) if isinstance(kind, VectorUDT) else column


def _family(kind: DataType) -> str:
    """Types of one family can stand for each other."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import ArrayType, BooleanType, NumericType, StringType

    if isinstance(kind, VectorUDT):
        return "array<number>"
    if isinstance(kind, ArrayType):
        return f"array<{_family(kind.elementType)}>"
    for family, types in (("number", NumericType), ("boolean", BooleanType), ("string", StringType)):
        if isinstance(kind, types):
            return family
    return kind.simpleString()
