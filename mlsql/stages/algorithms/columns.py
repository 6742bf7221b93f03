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
    from pyspark.sql.types import DataType

FEATURES, INPUTS, LABEL, EVALUATE = "featuresCol", "inputCols", "labelCol", "evaluateTable"


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
            hint=f"{FEATURES}=\"{arrays[0].name}\", or plain columns in {INPUTS}",
        )
    form = "features" if arrays else "columns"
    return Prepared(published, Columns(form, features, described[-1] if label is not None else None))


def prepare_alike(frame: DataFrame, training: Prepared, table: str) -> DataFrame:
    """The same columns of the table that judges, called *table*, in the types of the training table."""
    from pyspark.sql import functions as sf

    columns = training.frame.columns
    known = {name.casefold() for name in frame.columns}
    for name in columns:
        if name.casefold() not in known:
            raise DataFault(
                f"the table '{table}' has no column '{name}', on which the training is done", option=EVALUATE
            )
    label = training.columns.label
    wanted = Wanted(columns[0], tuple(each.name for each in training.columns.features), label.name if label else None)
    found = prepare(frame, wanted).frame
    for theirs, ours in zip(found.schema, training.frame.schema, strict=True):
        if _group(theirs.dataType) != _group(ours.dataType):
            raise DataFault(
                f"the column '{theirs.name}' of the table '{table}' is {theirs.dataType.simpleString()}, "
                f"that of the training table {ours.dataType.simpleString()}",
                option=EVALUATE,
            )
    return found.select([sf.col(quoted(each.name)).cast(each.dataType) for each in training.frame.schema])


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
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import functions as sf
    from pyspark.sql.types import ArrayType

    column, kind = sf.col(quoted(name)), frame.schema[name].dataType
    if isinstance(kind, VectorUDT):
        return vector_to_array(column).alias(name)
    if isinstance(kind, ArrayType) and _is_number(kind.elementType):
        return column
    if _is_number(kind) and option == INPUTS:
        return column
    plain = _is_number(kind)
    raise DataFault(
        f"the column '{name}' is {kind.simpleString()}; "
        + ("a features column is a vector or an array" if plain else "features are numbers, vectors or arrays of numbers"),
        option=option,
        hint=f'plain columns are named by {INPUTS}="{name}, …"' if plain else None,
    )


def _label(frame: DataFrame, name: str) -> Expression:
    from pyspark.sql import functions as sf
    from pyspark.sql.types import StringType

    kind = frame.schema[name].dataType
    if not _is_number(kind) and not isinstance(kind, StringType):
        raise DataFault(
            f"the label column '{name}' is {kind.simpleString()}; a label is a number, a boolean or a text",
            option=LABEL,
        )
    return sf.col(quoted(name))


def _is_number(kind: DataType) -> bool:
    from pyspark.sql.types import BooleanType, NumericType

    return isinstance(kind, NumericType | BooleanType)


def _group(kind: DataType) -> str:
    """Types of one group can stand for each other."""
    from pyspark.sql.types import ArrayType, BooleanType, NumericType

    if isinstance(kind, ArrayType):
        return f"array<{_group(kind.elementType)}>"
    if isinstance(kind, NumericType):
        return "number"
    return "boolean" if isinstance(kind, BooleanType) else kind.simpleString()
