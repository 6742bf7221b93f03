"""Columns of numbers, or one of arrays or vectors, that a step works on number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column
from mlsql.options import NAMES, option
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import INPUT, INPUTS, FeatureStep, OutputOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.base import Step
    from mlsql.udf.predictors.plain.numbers import Prepared

NUMBERS = Column("features", "array<double>")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersOptions(OutputOptions):
    """The numbers that a step works on."""

    inputs: tuple[str, ...] = option(
        INPUTS, NAMES, "Columns of numbers, or one column of arrays or vectors.", aliases=(INPUT,)
    )


OptionsT = TypeVar("OptionsT", bound=NumbersOptions)


class NumbersStep(FeatureStep[OptionsT]):
    """A step whose function takes the numbers as one array and gives one."""

    def inputs(self, options: OptionsT) -> Mapping[str, str]:
        """The columns."""
        return dict.fromkeys(options.inputs, INPUTS)

    def check_inputs(self, call: Call[OptionsT]) -> None:
        """Only numbers will do; an array or a vector stands alone."""
        check_numbers(call.frame, call.options.inputs)

    def takes(self, options: OptionsT, frame: DataFrame) -> Columns:  # noqa: ARG002
        """The numbers as one array; nulls in it where they are values."""
        return Columns("features", (NUMBERS,), invalid="keep" if self.nulls_are_values else "error")

    def outputs(self, options: OptionsT, frame: DataFrame) -> Mapping[str, str]:
        """The numbers in place of the old ones; in a column of their own, several as one array."""
        names, answer = options.inputs, f"{{f}}({as_array(frame, options.inputs)})"
        if not is_nested(frame, names):
            if options.output and len(names) > 1:
                return {options.output: answer}
            made = (options.output,) if options.output else names
            return {name: f"{answer}[{place}]" for place, name in enumerate(made)}
        is_vector = type_of(frame, names[0]) == "vector"
        return {options.output or names[0]: f"vec_dense({answer})" if is_vector else answer}


def prepared(steps: Sequence[Step], width: int, *, fills: bool = False) -> Prepared:
    """The step that puts arrays of *width* numbers through *steps*."""
    from mlsql.udf.predictors.plain.numbers import Prepared

    return Prepared(tuple(steps), width, width, fills=fills)


def check_numbers(frame: DataFrame, names: Sequence[str], option: str = INPUTS) -> None:
    """DataFault for a column that holds no numbers, or that is an array beside others."""
    nested = ("vector", "array")
    for name in names:
        kind = type_of(frame, name)
        if kind.startswith(nested) and len(names) > 1:
            message = f"'{name}' is {_with_article(kind)}: it stands alone"
            raise DataFault(message, option=option, hint="VectorAssemble puts columns side by side")
        if not _is_numeric(kind):
            raise DataFault(
                f"'{name}' holds {kind}, and no numbers", option=option, hint="cast it in a select before"
            )


def is_nested(frame: DataFrame, names: Sequence[str]) -> bool:
    """Whether they are one column of arrays or vectors."""
    return len(names) == 1 and type_of(frame, names[0]).startswith(("vector", "array"))


def as_array(frame: DataFrame, names: Sequence[str]) -> str:
    """SQL of the numbers as one array or vector."""
    if is_nested(frame, names):
        return quoted(names[0])
    return f"array({', '.join(f'cast({quoted(each)} as double)' for each in names)})"


def split_numbers(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """A table of doubles, a column a number, called ``0``, ``1`` and so on."""
    if not is_nested(frame, names):
        return frame.selectExpr(*(f"cast({quoted(each)} as double) as `{n}`" for n, each in enumerate(names)))
    arrays = frame.selectExpr(f"vec_array({quoted(names[0])}) as numbers")
    sizes = arrays.selectExpr("min(size(numbers)) as least", "max(size(numbers)) as most").first()
    assert sizes is not None
    if sizes.least != sizes.most:
        raise DataFault(
            f"the arrays in '{names[0]}' hold {sizes.least} to {sizes.most} numbers, not equally many",
            option=INPUTS,
        )
    return arrays.selectExpr(*(f"numbers[{place}] as `{place}`" for place in range(sizes.most)))


def figures(table: DataFrame, *aggregates: str) -> list[Any]:
    """An array for each of *aggregates*, SQL in which ``{0}`` is a column, with a figure a column."""
    import numpy as np

    asked = [each.format(quoted(name)) for each in aggregates for name in table.columns]
    row = table.selectExpr(*asked).first()
    assert row is not None
    width = len(table.columns)
    values = [row[place : place + width] for place in range(0, len(asked), width)]
    return [np.array(each, dtype=np.float64) for each in values]


def type_of(frame: DataFrame, name: str) -> str:
    """The Spark type of a column, ``vector`` for a vector."""
    return frame.select(quoted(name)).dtypes[0][1]


def _is_numeric(kind: str) -> bool:
    element = kind.removeprefix("array<").removesuffix(">")
    simple = ("tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "vector", "void")
    return element in simple or element.startswith("decimal")


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind.startswith("array") else f"a {kind}"
