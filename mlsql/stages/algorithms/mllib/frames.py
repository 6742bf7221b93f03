"""Tables as Spark ML learns from them: a vector of features, the number of the class, a weight."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column, Label
from mlsql.session import quoted
from mlsql.stages.algorithms.columns import FEATURES, LABEL
from mlsql.stages.algorithms.inputs import INPUTS
from mlsql.stages.algorithms.judging_answers import TRUTH

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

MOST_NUMBERED = 100
"""Labels 0, 1, … below it are the numbers of their classes, as Spark ML has it."""
MOST_CLASSES = 1_000
_FEATURES, WEIGHT = "features", "__weight"
_TYPES: Mapping[type, str] = MappingProxyType(
    {str: "string", bool: "boolean", int: "bigint", float: "double"}
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a prepared table things are."""

    columns: Columns
    classes: tuple[Label, ...] | None
    extra: tuple[str, ...] = ()
    """Further columns that a Param names."""

    @property
    def features(self) -> str:
        """The column with the vector: the table's own, or that which :meth:`assembler` makes."""
        own = self.columns.features
        if self.columns.form == "features":
            return own[0].name
        taken = {each.name.casefold() for each in own}
        return next(name for name in (_FEATURES, "assembled", "__features") if name not in taken)

    @property
    def assembler(self) -> Transformer | None:
        """What makes the vector of plain columns, and goes with the model; None where there is one."""
        if self.columns.form == "features":
            return None
        from pyspark.ml.feature import VectorAssembler

        return VectorAssembler(
            inputCols=[each.name for each in self.columns.features], outputCol=self.features
        )

    def prepared(self, frame: DataFrame) -> DataFrame:
        """The vector, the label as a double (NaN for a class that is not known), the weight."""
        from pyspark.sql import functions as sf

        columns = self.columns
        chosen = [_features(frame, each) for each in columns.features]
        if columns.label is not None:
            chosen.append(number_of(sf.col(quoted(columns.label.name)), self.classes).alias(TRUTH))
        if columns.weight is not None and columns.weight.name in frame.columns:
            chosen.append(sf.col(quoted(columns.weight.name)).cast("double").alias(WEIGHT))
        kept = frame.select(*chosen, *(quoted(each) for each in self.extra if each in frame.columns))
        return kept if self.assembler is None else self.assembler.transform(kept)


def check_types(columns: Columns) -> None:
    """DataFault for features that are no numbers."""
    for each in columns.features:
        if each.type == "string":
            raise DataFault(
                f"the column '{each.name}' is text, and Spark ML learns from numbers",
                option=INPUTS,
                hint="make numbers of it before: train … as StringIndex.`…`, or hash it",
            )
        if each.type.startswith("array<array"):
            raise DataFault(
                f"the column '{each.name}' is {each.type}, and Spark ML takes a vector",
                option=FEATURES,
                hint=f"flatten({each.name}) makes one array of it",
            )


def classes_of(frame: DataFrame, label: Column) -> tuple[Label, ...]:
    """The classes in the order of their numbers, in the label's type.

    Whole numbers from 0 are their own numbers, as Spark ML has it, whether each comes or not: so
    ``vec_argmax`` of the probabilities is the label. Other labels are numbered in ascending order.
    """
    from pyspark.sql import functions as sf

    name = quoted(label.name)
    rows = frame.select(sf.col(name).alias("label")).distinct().limit(MOST_CLASSES + 1).collect()
    found = sorted(_plain(row.label) for row in rows)
    if len(found) > MOST_CLASSES:
        message = f"the label column '{label.name}' has more than {MOST_CLASSES:,} values"
        raise DataFault(message, option=LABEL, hint="a number is found by a regressor")
    if found and all(_is_number_of_class(each) for each in found):
        kind = type(found[0])
        return tuple(kind(number) for number in range(max(2, int(found[-1]) + 1)))
    if len(found) < 2:  # noqa: PLR2004 — nothing to tell apart
        raise DataFault(f"the label column '{label.name}' has one value only: {found[0]}", option=LABEL)
    return tuple(found)


def _plain(value: Any) -> Any:
    """A decimal as a double; all else is a plain value already."""
    return value if isinstance(value, str | bool | int | float) else float(value)


def _is_number_of_class(value: Label) -> bool:
    if isinstance(value, str | bool) or not math.isfinite(value):
        return False
    return 0 <= value < MOST_NUMBERED and value == int(value)


def _features(frame: DataFrame, column: Column) -> Expression:
    from pyspark.ml.functions import array_to_vector
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import functions as sf

    found = sf.col(quoted(column.name))
    if not column.type.startswith("array") or isinstance(frame.schema[column.name].dataType, VectorUDT):
        return found
    return array_to_vector(found.cast("array<double>")).alias(column.name)


def number_of(label: Expression, classes: Sequence[Label] | None) -> Expression:
    """The number of the class that *label* is, NaN for none of them; without *classes* the label itself."""
    from pyspark.sql import functions as sf

    if classes is None:
        return label.cast("double")
    kind = _TYPES[type(classes[0])]
    pairs = ((sf.lit(one).cast(kind), sf.lit(float(number))) for number, one in enumerate(classes))
    numbers = sf.create_map(*(each for pair in pairs for each in pair))
    return sf.coalesce(sf.try_element_at(numbers, label.cast(kind)), sf.lit(math.nan))
