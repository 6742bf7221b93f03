"""The columns of a table that a training needs, as they are published: plain values and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column, Manifest, NullHandling
from mlsql.session import quoted
from mlsql.stages.algorithms.inputs import INPUTS, found, selected
from mlsql.stages.algorithms.published import ARRAYS, family, is_array, published, spark_type, written

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

FEATURES, LABEL, WEIGHT, EVALUATE = "featuresCol", "labelCol", "weightCol", "evaluateTable"
_PLAIN = ("number", "boolean", "string")
_DAYS = "make numbers of it in a select before: unix_timestamp(at), dayofweek(at), month(at)"
_NUMBERS_OF = {
    "date": _DAYS,
    "timestamp": _DAYS,
    "timestamp_ntz": _DAYS,
    "struct": "take its fields in a select before: place.x as x",
    "map": "take its values in a select before: sizes['width'] as width",
}
"""How features are made of what is none, by the name of its type."""


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
    """The columns asked for, in their order: vectors as :mod:`published` says, all else as it is."""
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
    described = {name: Column(name, written(frame.schema[name].dataType)) for name in frame.columns}
    features = tuple(described[name] for name in names)
    arrays = [column for column in features if is_array(column.type)]
    if arrays and len(features) > 1:
        raise DataFault(
            f"the column '{arrays[0].name}' holds arrays, so it must be the only one",
            option=option,
            hint=f'{FEATURES}="{arrays[0].name}", or plain columns in {INPUTS}',
        )
    answers = None if label is None else described[label]
    weights = None if weight is None else described[weight]
    form: Literal["columns", "features"] = "features" if arrays else "columns"
    columns = Columns(form, features, answers, weights, wanted.invalid)
    return Prepared(frame.select(expressions), columns)


def prepare_alike(frame: DataFrame, training: Prepared, table: str) -> DataFrame:
    """The same columns of the table that judges, called *table*, in the types of the training table.

    Its rows need no weight.
    """
    return _select_alike(frame, training.columns, f"table '{table}'")


def stored_columns(manifest: Manifest) -> Columns:
    """What the columns are for that a stored model was trained on."""
    return Columns(manifest.form, manifest.inputs, manifest.label, invalid=manifest.invalid)


def prepare_stored(frame: DataFrame, columns: Columns) -> DataFrame:
    """The *columns* that a stored model was trained on, out of another table."""
    return _select_alike(frame, columns, "table")


def expect_alike(frame: DataFrame, columns: Columns, table: str) -> None:
    """DataFault unless *frame*, called *table*, has the *columns* of the training table."""
    _select_alike(frame, columns, table)


def _select_alike(frame: DataFrame, columns: Columns, table: str) -> DataFrame:
    known = [*columns.features, *([columns.label] if columns.label else [])]
    return frame.select([_alike(frame, column, table) for column in known])


def _alike(frame: DataFrame, column: Column, table: str) -> Expression:
    known = {name.casefold(): name for name in frame.columns}
    name = known.get(column.name.casefold())
    if name is None:
        raise DataFault(
            f"the {table} has no column '{column.name}', which the training uses", option=EVALUATE
        )
    kind, wanted = frame.schema[name].dataType, spark_type(column.type)
    if family(kind) != family(wanted):
        raise DataFault(
            f"the column '{name}' of the {table} is {kind.simpleString()}, "
            f"that of the training table {column.type}",
            option=EVALUATE,
        )
    return published(name, kind, wanted).alias(column.name)


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
    shape = family(kind)
    if shape == "string" and option == INPUTS:
        return sf.col(quoted(name)).cast("string").alias(name)  # without a collation
    if shape in ARRAYS or (shape in _PLAIN and option == INPUTS):
        return published(name, kind, kind)
    hint: str | None
    if shape in _PLAIN:
        wanted, hint = "a features column is a vector or an array", f'plain columns: {INPUTS}="{name}, …"'
    else:
        wanted = "features are numbers, booleans, texts, or a vector or an array of numbers"
        hint = _NUMBERS_OF.get(kind.typeName())
    raise DataFault(f"the column '{name}' is {kind.simpleString()}; {wanted}", option=option, hint=hint)


def _label(frame: DataFrame, name: str) -> Expression:
    kind = frame.schema[name].dataType
    if family(kind) not in _PLAIN:
        raise DataFault(
            f"the label column '{name}' is {kind.simpleString()}; a label is a number, a boolean or a text",
            option=LABEL,
        )
    return published(name, kind, kind)


def _weight(frame: DataFrame, name: str) -> Expression:
    kind = frame.schema[name].dataType
    if family(kind) != "number":
        raise DataFault(f"the weight column '{name}' is {kind.simpleString()}, no number", option=WEIGHT)
    return published(name, kind, kind)
