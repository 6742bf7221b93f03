"""Arguments as a caller hands them over, checked by position and name, as the features of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import numpy as np

from mlsql.errors import DataError
from mlsql.models.manifest import Column, Manifest
from mlsql.names import nearest

Sort = Literal["number", "text", "boolean", "numbers", "any"]
"""What an argument is; ``numbers`` is an array of them, ``any`` is handed over as it comes."""
_NUMBERS: frozenset[type] = frozenset(
    {int, float, np.float64, np.float32, np.int64, np.int32, np.int16, np.int8, np.uint8}
)
_AT_ONCE: Mapping[Sort, frozenset[type]] = {
    "number": _NUMBERS,
    "text": frozenset({str}),
    "boolean": frozenset({bool, np.bool_}),
    "numbers": frozenset(),
    "any": frozenset({str, list, np.ndarray}),
}
"""Types of values that need no further look."""
_WORDS: Mapping[Sort, str] = {
    "number": "a number",
    "text": "a text",
    "boolean": "true or false",
    "numbers": "an array of numbers",
    "any": "a value",
}


class WrongRow(DataError):
    """A row that a model does not take: its number of values, a name or a type is another."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Reads the arguments of one model."""

    inputs: tuple[Column, ...]
    sorts: tuple[Sort, ...]
    keeps: bool
    """Whether a null is a value: NaN among numbers. Else the row has no answer."""
    width: int | None
    """Of an array of numbers; None: any."""
    _taken: tuple[frozenset[type], ...] = field(repr=False)
    are_columns: bool = False
    """Whether features are columns though all of them are numbers: a fitted step takes them so."""

    @classmethod
    def of(cls, manifest: Manifest) -> Rows:
        """Those of a stored model."""
        sorts = tuple(sort_of(each) for each in manifest.inputs)
        taken = tuple(_AT_ONCE[each] for each in sorts)
        return cls(manifest.inputs, sorts, manifest.invalid == "keep", manifest.features, taken)

    @property
    def is_matrix(self) -> bool:
        """Whether features are a matrix of numbers; else they are columns."""
        return not self.are_columns and set(self.sorts) <= {"number", "boolean"}

    def one(self, values: Sequence[object]) -> Any:
        """The features of one row; None when a null leaves it without an answer."""
        if len(values) != len(self.inputs):
            raise WrongRow(f"it takes {self._signature()}, not {_counted(len(values))}")
        if not all(map(frozenset.__contains__, self._taken, map(type, values))):
            values = [self._value(each, number) for number, each in enumerate(values)]
            if not self.keeps and any(each is None for each in values):
                return None
        if self.sorts == ("numbers",):
            return values[0] if values[0] is not None else self._empty
        return self._numbers(values) if self.is_matrix else list(values)

    def _numbers(self, values: Sequence[object]) -> Any:
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError as error:
            raise WrongRow("a number among its values is beyond a double") from error

    def named(self, row: Mapping[str, object]) -> list[object]:
        """The values of *row* in the order of the inputs."""
        self._check_names(row)
        return [row[each.name] for each in self.inputs]

    def columns(self, rows: Iterable[Sequence[object]]) -> dict[str, list[object]]:
        """*rows* of values by position as columns by name."""
        names, given = [each.name for each in self.inputs], list(rows)
        for number, row in enumerate(given):
            if len(row) != len(names):
                raise WrongRow(
                    f"it takes {self._signature()}, not {_counted(len(row))} as in row {number + 1}"
                )
        return {name: [row[place] for row in given] for place, name in enumerate(names)}

    def many(self, columns: Mapping[str, Sequence[object]]) -> tuple[Any, Any]:
        """The features of many rows, and which rows have an answer: None when all have."""
        self._check_names(columns)
        given = [self._column(columns[each.name], number) for number, each in enumerate(self.inputs)]
        if len({len(values) for values, _ in given}) > 1:
            raise WrongRow("its columns are not of one length")
        missing = [nulls for _, nulls in given if nulls is not None]
        present = None if self.keeps or not missing else ~np.logical_or.reduce(missing)
        taken = [_only(values, present) for values, _ in given]
        if self.sorts == ("numbers",):
            return taken[0], present
        return np.column_stack(taken) if self.is_matrix else taken, present

    def _check_names(self, given: Mapping[str, object]) -> None:
        names = [each.name for each in self.inputs]
        for missing in [each for each in names if each not in given]:
            raise WrongRow(f"the column '{missing}' is missing", hint=f"it takes {self._signature()}")
        for unknown in [each for each in given if each not in names]:
            near = nearest(unknown, names)
            hint = f"did you mean '{near}'?" if near else f"it takes {self._signature()}"
            raise WrongRow(f"it takes no column '{unknown}'", hint=hint)

    def _signature(self) -> str:
        told = ", ".join(f"{each.name} {each.type}" for each in self.inputs)
        return f"{_counted(len(self.inputs))} ({told})"

    def _value(self, value: object, number: int) -> object:
        """The value of one argument as its sort has it; None for a null that leaves no answer."""
        sort = self.sorts[number]
        if value is None:
            return float("nan") if self.keeps and sort == "number" else None
        if sort == "numbers":
            return self._array(value, number)
        if sort == "number" and type(value) is not bool and isinstance(value, Real | Decimal):
            try:
                return float(value)
            except OverflowError as error:
                raise self._wrong(number, "a number beyond a double") from error
        if type(value) in self._taken[number] or sort == "any":
            return value
        raise self._wrong(number, _told(value))

    def _array(self, value: object, number: int) -> Any:
        """The numbers of one array, nested ones flat; None when one is null and that leaves no answer."""
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise self._wrong(number, "arrays of several lengths") from error
        kind = array.dtype.kind
        if kind not in "iufO" or not array.ndim or (kind == "O" and not _has_only(array, (Real, type(None)))):
            raise self._wrong(number, _told(value))
        if self.width is not None and array.size != self.width:
            raise WrongRow(f"'{self.inputs[number].name}' takes {self.width} features, not {array.size}")
        if kind == "O" and not self.keeps and any(each is None for each in array.flat):
            return None
        return array.astype(np.float64, copy=False).reshape(-1)

    def _column(self, values: Any, number: int) -> tuple[Any, Any]:
        """The values of one column, and where they are null: None when nowhere."""
        sort = self.sorts[number]
        if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and sort == "number":
            return values.astype(np.float64), None
        if sort == "numbers" and isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
            if values.ndim < 2 or values[:1].size not in (0, self.width or values[:1].size):  # noqa: PLR2004
                raise WrongRow(f"'{self.inputs[number].name}' takes {self.width} features a row")
            return values.reshape(len(values), -1).astype(np.float64), None
        listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
        if not self._taken[number].issuperset(map(type, listed)):
            listed = [self._value(each, number) for each in listed]
        nulls = np.array([each is None for each in listed], dtype=bool)
        has_nulls = bool(nulls.any())
        return self._as_array(listed, sort), nulls if has_nulls else None

    def _as_array(self, values: list[Any], sort: Sort) -> Any:
        if sort == "numbers":
            rows = [self._empty if each is None else each for each in values]
            if len({len(each) for each in rows}) > 1:
                raise WrongRow("its arrays are not of one length")
            return np.array(rows, dtype=np.float64).reshape(len(values), -1 if values else self.width or 0)
        return values if sort in ("text", "any") else np.array(values, dtype=np.float64)

    @property
    def _empty(self) -> Any:
        return np.full(self.width or 1, np.nan)

    def _wrong(self, number: int, given: str) -> WrongRow:
        column, sort = self.inputs[number], self.sorts[number]
        return WrongRow(f"argument {number + 1}, '{column.name}', is {_WORDS[sort]}, not {given}")


def sort_of(column: Column) -> Sort:
    """What an argument of this Spark type is."""
    kind = column.type.casefold()
    if kind in ("string", "boolean"):
        return "text" if kind == "string" else "boolean"
    if kind == "vector" or kind.startswith(("array<double", "array<float", "array<array<")):
        return "numbers"
    if kind.startswith(("array<", "struct<", "map<", "binary")):
        return "numbers" if kind.startswith(("array<int", "array<bigint", "array<decimal")) else "any"
    return "number"


def _only(values: Any, present: Any) -> Any:
    """The values of the rows that are *present*."""
    if present is None or isinstance(values, np.ndarray):
        return values if present is None else values[present]
    return [each for each, is_there in zip(values, present, strict=True) if is_there]


def _has_only(array: Any, kinds: tuple[type, ...]) -> bool:
    return all(isinstance(each, kinds) and not isinstance(each, bool) for each in array.flat)


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 — that fits a sentence


def _counted(count: int) -> str:
    return f"{count} {'value' if count == 1 else 'values'}"
