"""OneHot, VectorAssemble, VectorIndex, PolynomialExpansion: columns and numbers made vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.options import BOOLEAN, NAMES, TEXT, integer, one_of, option
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import (
    INPUT,
    INPUTS,
    FeatureStep,
    InputOptions,
    Lesson,
    OutputOptions,
)
from mlsql.stages.algorithms.features.numeric import NUMBERS, check_numbers, is_nested, type_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.numbers import Prepared
    from mlsql.udf.predictors.plain.vectorising import Assembled, OneHotVector

_INVALID = one_of("error", "keep")
OptionsT = TypeVar("OptionsT", bound=InputOptions)


class VectorStep(FeatureStep[OptionsT]):
    """A step from one column to vectors, or arrays."""

    takes_vectors: ClassVar[bool] = True
    """Whether the column holds vectors or arrays; else it holds numbers."""

    def inputs(self, options: OptionsT) -> Mapping[str, str]:
        """The column."""
        return {options.input: INPUT}

    def check_inputs(self, call: Call[OptionsT]) -> None:
        """The column holds what the step takes."""
        name = call.options.input
        check_numbers(call.frame, [name], INPUT)
        if is_nested(call.frame, [name]) != self.takes_vectors:
            wanted = "vectors or arrays" if self.takes_vectors else "a number a row"
            kind = type_of(call.frame, name)
            hint = "VectorAssemble makes a vector of columns" if self.takes_vectors else None
            raise DataFault(f"'{name}' holds {kind}, and not {wanted}", option=INPUT, hint=hint)

    def takes(self, options: OptionsT, frame: DataFrame) -> Columns:
        """The numbers of a vector as one array, or one number."""
        return Columns("features", (NUMBERS,)) if self.takes_vectors else super().takes(options, frame)

    def outputs(self, options: OptionsT, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """The result in place of the column, or behind the others."""
        return {options.output or options.input: f"{{f}}({quoted(options.input)})"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneHotOptions(InputOptions):
    """How categories become places."""

    drops_last: bool = option(
        "dropLast", BOOLEAN, "Whether the last category is the vector of zeros, as in Spark.", default=True
    )
    invalid: str = option(
        "handleInvalid", _INVALID, "What a number beyond the categories is.", default="error"
    )


class OneHot(VectorStep[OneHotOptions]):
    """A category, counted from 0, as a vector."""

    name: ClassVar[str] = "OneHot"
    options: ClassVar[type[OneHotOptions]] = OneHotOptions
    doc: ClassVar[str] = (
        "Categories, numbered from 0 as StringIndex numbers them, as sparse vectors with a 1 in one place."
    )
    example: ClassVar[str] = """\
select id % 3 as category from range(9) as rows;
train rows as OneHot.`out/example/places` where inputCol="category" and dropLast="false" as vectors;
register OneHot.`out/example/places` as place;
select place(2) as last as answers;
"""
    takes_vectors: ClassVar[bool] = False

    def learn(self, lesson: Lesson[OneHotOptions]) -> OneHotVector:
        """How many categories there are."""
        from mlsql.udf.predictors.plain.vectorising import OneHotVector

        options, column = lesson.options, f"double({quoted(lesson.options.input)})"
        row = lesson.frame.selectExpr(
            f"max({column}) as most", f"count_if({column} < 0 or {column} <> floor({column})) as bad"
        ).first()
        assert row is not None
        if row.bad or not row.most < 2**31:
            raise DataFault(
                f"'{options.input}' holds numbers that are no categories: 0, 1, 2, …", option=INPUT
            )
        return OneHotVector(int(row.most) + 1, options.drops_last, options.invalid == "keep")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembleOptions(OutputOptions):
    """What stands side by side."""

    inputs: tuple[str, ...] = option(INPUTS, NAMES, "Columns of numbers, arrays or vectors, in their order.")
    output: str | None = option("outputCol", TEXT, "Column for the vector.", default="features")
    invalid: str = option(
        "handleInvalid", _INVALID, "Whether a null makes the vector null, or is NaN in it.", default="error"
    )


class VectorAssemble(FeatureStep[AssembleOptions]):
    """Columns side by side in one vector."""

    name: ClassVar[str] = "VectorAssemble"
    options: ClassVar[type[AssembleOptions]] = AssembleOptions
    doc: ClassVar[str] = "Puts columns of numbers, arrays and vectors side by side into one vector."
    example: ClassVar[str] = """\
select id as a, array(id, id * id) as b from range(5) as rows;
train rows as VectorAssemble.`out/example/assembled` where inputCols="a,b" as vectors;
register VectorAssemble.`out/example/assembled` as assemble;
select assemble(1, array(2, 3)) as vector as answers;
"""

    def inputs(self, options: AssembleOptions) -> Mapping[str, str]:
        """The columns."""
        return dict.fromkeys(options.inputs, INPUTS)

    def check_inputs(self, call: Call[AssembleOptions]) -> None:
        """Each holds numbers, or arrays of them."""
        for name in call.options.inputs:
            check_numbers(call.frame, [name])

    def learn(self, lesson: Lesson[AssembleOptions]) -> Assembled:
        """How wide the arrays are."""
        from mlsql.udf.predictors.plain.vectorising import Assembled

        names = lesson.options.inputs
        nested = [name for name in names if is_nested(lesson.frame, [name])]
        widths = vector_widths(lesson.frame, nested)
        kinds = tuple(_taken_as(lesson.frame, name) for name in names)
        keeps = lesson.options.invalid == "keep"
        return Assembled(names, kinds, tuple(widths.get(name, 1) for name in names), keeps)

    def outputs(self, options: AssembleOptions, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """The vector behind the other columns."""
        return {str(options.output): f"{{f}}({', '.join(map(quoted, options.inputs))})"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndexOptions(InputOptions):
    """Which features are categories."""

    most: int = option(
        "maxCategories", integer(2), "A feature with at most so many values is one of categories.", default=20
    )
    invalid: str = option(
        "handleInvalid", _INVALID, "What a new value of such a feature is.", default="error"
    )


class VectorIndex(VectorStep[VectorIndexOptions]):
    """Numbers of categories in place of their values, in features with few of them."""

    name: ClassVar[str] = "VectorIndex"
    options: ClassVar[type[VectorIndexOptions]] = VectorIndexOptions
    doc: ClassVar[str] = (
        "Numbers the values of those features of a vector that have few values, as trees want them."
    )
    example: ClassVar[str] = """\
select vec_dense(array(id % 2 * 5 - 1, id)) as features from range(9) as points;
train points as VectorIndex.`out/example/indexed` where inputCol="features" and maxCategories="3" as indexed;
register VectorIndex.`out/example/indexed` as index;
select index(array(4, 7)) as vector as answers;
"""

    def learn(self, lesson: Lesson[VectorIndexOptions]) -> Prepared:
        """The categories that Spark's VectorIndexer finds."""
        import numpy as np
        from pyspark.ml.feature import VectorIndexer

        from mlsql.udf.predictors.plain.numbers import CategoryPlaces

        indexer = VectorIndexer(inputCol="v", outputCol="o", maxCategories=lesson.options.most)
        model = indexer.fit(vectors_in(lesson.frame, lesson.options.input))
        found = {feature: _by_place(places) for feature, places in model.categoryMaps.items()}
        values = tuple(
            np.array(found.get(feature, []), dtype=np.float64) for feature in range(model.numFeatures)
        )
        return to_vectors(CategoryPlaces(values, lesson.options.invalid == "keep"), len(values), len(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolynomialOptions(InputOptions):
    """Which products there are."""

    degree: int = option("degree", integer(1), "So many factors a product has at most.", default=2)


class PolynomialExpansion(VectorStep[PolynomialOptions]):
    """All products of the numbers up to a degree."""

    name: ClassVar[str] = "PolynomialExpansion"
    options: ClassVar[type[PolynomialOptions]] = PolynomialOptions
    doc: ClassVar[str] = (
        "Adds to the numbers of a vector their products up to a degree: x, y to x, xx, y, xy, yy."
    )
    example: ClassVar[str] = """\
select vec_dense(array(id, 2)) as features from range(5) as points;
train points as PolynomialExpansion.`out/example/products` where inputCol="features" and degree=2 as made;
register PolynomialExpansion.`out/example/products` as expand;
select expand(array(3, 2)) as vector as answers;
"""

    def learn(self, lesson: Lesson[PolynomialOptions]) -> Prepared:
        """The exponents, which the width alone decides."""
        import numpy as np

        from mlsql.udf.predictors.plain.numbers import Monomials

        width = vector_widths(lesson.frame, [lesson.options.input])[lesson.options.input]
        exponents = np.array(powers(width, lesson.options.degree))
        return to_vectors(Monomials(exponents), width, len(exponents))


def powers(width: int, degree: int) -> list[tuple[int, ...]]:
    """The exponents of all products of up to *degree* of *width* numbers, in Spark's order.

    >>> powers(2, 2)
    [(1, 0), (2, 0), (0, 1), (1, 1), (0, 2)]
    """
    last_first = _powers(width, degree)
    return [each[::-1] for each in last_first if any(each)]


def _powers(width: int, degree: int) -> list[tuple[int, ...]]:
    if width == 0:
        return [()]
    return [(power, *rest) for power in range(degree + 1) for rest in _powers(width - 1, degree - power)]


def _taken_as(frame: DataFrame, name: str) -> str:
    """The type of the parameter for a column of numbers: of a vector any, so that it stays sparse."""
    kind = type_of(frame, name)
    return "any" if kind == "vector" else "array<double>" if kind.startswith("array") else "double"


def _by_place(places: Mapping[float, int]) -> list[float]:
    return sorted(places, key=lambda value: places[value])


def vector_widths(frame: DataFrame, names: list[str]) -> dict[str, int]:
    """How many numbers the vectors or arrays of each column hold; DataFault where that differs."""
    if not names:
        return {}
    sizes = [f"size(vec_array({quoted(name)}))" for name in names]
    row = frame.selectExpr(*(f"{figure}({size})" for figure, size in product(("min", "max"), sizes))).first()
    assert row is not None
    least, most = row[: len(names)], row[len(names) :]
    for name, low, high in zip(names, least, most, strict=True):
        if low != high:
            raise DataFault(f"'{name}' holds {low} to {high} numbers a row, not equally many", option=INPUT)
    return dict(zip(names, least, strict=True))


def as_vector(frame: DataFrame, name: str) -> str:
    """SQL of a column of vectors or arrays as vectors."""
    column = quoted(name)
    return column if type_of(frame, name) == "vector" else f"vec_dense({column})"


def vectors_in(frame: DataFrame, name: str) -> DataFrame:
    """A table of the column ``v`` of vectors."""
    return frame.selectExpr(f"{as_vector(frame, name)} as v")


def to_vectors(step: Any, width: int, gives: int) -> Prepared:
    """*step* from vectors of *width* numbers to vectors of so many as it *gives*."""
    from mlsql.udf.predictors.plain.numbers import Prepared
    from mlsql.udf.predictors.plain.stepping import VECTOR

    return Prepared((step,), width, gives, VECTOR)
