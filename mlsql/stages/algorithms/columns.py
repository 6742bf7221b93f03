"""The columns of a table that a training needs, as they are published: plain values and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.models import Column, NullHandling
from mlsql.session import quoted
from mlsql.stages.algorithms.inputs import INPUTS, found, selected

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructField

FEATURES, LABEL, WEIGHT, EVALUATE = "featuresCol", "labelCol", "weightCol", "evaluateTable"
_PLAIN = ("number", "boolean", "string")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for: one features column or several inputs, perhaps a label and a weight."""

    features: str
    inputs: tuple[str, ...] | None
    label: str | None
    weight: str | None = None
    invalid: NullHandling = "error"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table cut down to what is published, and what its columns are for."""

    frame: DataFrame
    columns: Columns


def prepare(frame: DataFrame, wanted: Wanted) -> Prepared:
    """The columns asked for, in their order: vectors become arrays, everything else stays as it is."""
    option = FEATURES if wanted.inputs is None else INPUTS
    label = None if wanted.label is None else found(frame.columns, wanted.label, LABEL)
    weight = None if wanted.weight is None else found(frame.columns, wanted.weight, WEIGHT)
    if wanted.inputs is None:
        names: tuple[str, ...] = (found(frame.columns, wanted.features, option),)
    else:
        names = selected(wanted.inputs, frame.columns, (label, weight))
    _check_roles(names, label, weight, option)
    expressions = [_features(frame, name, option) for name in names]
    if label is not None:
        expressions.append(_label(frame, label))
    if weight is not None:
        expressions.append(_weight(frame, weight))
    published = frame.select(expressions)
    described = {field.name: Column(field.name, field.dataType.simpleString()) for field in published.schema}
    features = tuple(described[name] for name in names)
    arrays = [column for column in features if column.type.startswith("array")]
    if arrays and len(features) > 1:
        raise DataFault(
            f"the column '{arrays[0].name}' holds arrays, so it must be the only one",
            option=option,
            hint=f'{FEATURES}="{arrays[0].name}", or plain columns in {INPUTS}',
        )
    answers = None if label is None else described[label]
    weights = None if weight is None else described[weight]
    form: Literal["columns", "features"] = "features" if arrays else "columns"
    return Prepared(published, Columns(form, features, answers, weights, wanted.invalid))


def prepare_alike(frame: DataFrame, training: Prepared, table: str) -> DataFrame:
    """The same columns of the table that judges, called *table*, in the types of the training table.

    Its rows need no weight.
    """
    weight = training.columns.weight
    fields = [field for field in training.frame.schema if weight is None or field.name != weight.name]
    return frame.select([_alike(frame, field, f"table '{table}'") for field in fields])


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


def _check_roles(names: tuple[str, ...], label: str | None, weight: str | None, option: str) -> None:
    """Raise OptionFault for a column that is to be two things."""
    if label in names:
        raise OptionFault(f"the column '{label}' is both label and feature", option=option)
    if weight in names:
        raise OptionFault(f"the column '{weight}' is both weight and feature", option=option)
    if weight is not None and weight == label:
        raise OptionFault(f"the column '{weight}' is both label and weight", option=WEIGHT)


def _features(frame: DataFrame, name: str, option: str) -> Expression:
    from pyspark.sql import functions as sf

    kind = frame.schema[name].dataType
    family = _family(kind)
    if family == "string" and option == INPUTS:
        return sf.col(quoted(name)).cast("string").alias(name)  # without a collation
    if family == "array<number>" or (family in _PLAIN and option == INPUTS):
        return _without_vector(name, kind)
    if family in _PLAIN:
        wanted, hint = "a features column is a vector or an array", f'plain columns: {INPUTS}="{name}, …"'
    else:
        wanted, hint = "features are numbers, booleans, texts, or a vector or an array of numbers", None
    raise DataFault(f"the column '{name}' is {kind.simpleString()}; {wanted}", option=option, hint=hint)


def _label(frame: DataFrame, name: str) -> Expression:
    kind = frame.schema[name].dataType
    if _family(kind) not in _PLAIN:
        raise DataFault(
            f"the label column '{name}' is {kind.simpleString()}; a label is a number, a boolean or a text",
            option=LABEL,
        )
    return _without_vector(name, kind)


def _weight(frame: DataFrame, name: str) -> Expression:
    kind = frame.schema[name].dataType
    if _family(kind) != "number":
        raise DataFault(f"the weight column '{name}' is {kind.simpleString()}, no number", option=WEIGHT)
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
