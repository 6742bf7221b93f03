"""The rows that a request brings for a function, by name or by position, in the order of its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.errors import ScriptError, ScriptErrors, UnknownName
from mlsql.models.manifest import Column

_WHOLE = frozenset({"tinyint", "smallint", "int", "long", "bigint"})
_ARRAY = "array<"
_ONE_FLOAT = {float}
_LARGEST = 2**1023
"""Of the whole numbers that are doubles, about."""


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows for *function*, which takes *inputs*; what cannot be is a ScriptError that names it."""

    function: str
    inputs: tuple[Column, ...]

    def read(self, rows: object) -> list[list[object]]:
        """Each row's values in the order of the inputs; numbers where doubles are taken are doubles."""
        if not isinstance(rows, list):
            raise ScriptError("the rows are no array", hint=self._shown())
        return [self._row(number, each) for number, each in enumerate(rows, start=1)]

    def _row(self, number: int, row: object) -> list[object]:
        if isinstance(row, dict):
            values = self._by_name(number, row)
        elif isinstance(row, list):
            values = self._by_position(number, row)
        else:
            raise ScriptError(f"row {number} is neither an object nor an array", hint=self._shown())
        read = zip(self.inputs, values, strict=True)
        return [self._value(number, column, value) for column, value in read]

    def _by_name(self, number: int, row: Mapping[str, object]) -> Sequence[object]:
        try:
            if len(row) == len(self.inputs):
                return [row[each.name] for each in self.inputs]
        except KeyError:
            pass  # which one it is, the errors say
        errors = [*self._name_errors(number, row)]
        raise errors[0] if len(errors) == 1 else ScriptErrors(errors)

    def _name_errors(self, number: int, row: Mapping[str, object]) -> Iterator[ScriptError]:
        names = [each.name for each in self.inputs]
        for each in row.keys() - set(names):
            yield UnknownName(f"input of {self.function}", each, names)
        for each in names:
            if each not in row:
                said = f"row {number} has no '{each}', which {self.function} takes"
                yield ScriptError(said, hint=f'"{each}": null says that it is not known')

    def _by_position(self, number: int, row: Sequence[object]) -> Sequence[object]:
        if len(self.inputs) == 1 and self.inputs[0].type.startswith(_ARRAY) and _is_flat(row):
            return [row]  # the features themselves
        if len(row) != len(self.inputs):
            wanted = ", ".join(each.name for each in self.inputs)
            said = f"row {number} has {len(row)} values, and {self.function} takes {len(self.inputs)}"
            raise ScriptError(said, hint=f"in this order: {wanted}")
        return row

    def _value(self, number: int, column: Column, value: object) -> object:
        if value is None or (type(value) is float and not column.type.startswith((_ARRAY, "s", "b"))):
            return value
        try:
            return _read(column.type, value)
        except (TypeError, OverflowError) as error:
            said = f"'{column.name}' in row {number} is {_shown(value)}, and {self.function} takes"
            raise ScriptError(f"{said} {_wanted(column.type)}") from error

    def _shown(self) -> str:
        first = ", ".join(f'"{each.name}": …' for each in self.inputs)
        return f'{{"rows": [{{{first}}}]}}'


def _read(kind: str, value: Any) -> object:
    """*value* at a type of Spark; a TypeError when it is another."""
    if value is None:
        return None
    if kind.startswith(_ARRAY):
        element = kind[len(_ARRAY) : -1]
        if element == "double" and type(value) is list and set(map(type, value)) == _ONE_FLOAT:
            return value  # as nearly always
        return [_read(element, each) for each in _expect(value, list)]
    if kind in ("string", "boolean"):
        return _expect(value, str if kind == "string" else bool)
    if isinstance(value, bool):
        raise TypeError
    number = float(_expect(value, int, float))
    return value if kind in _WHOLE else number


def _expect(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        raise TypeError
    return value


def _is_flat(row: Sequence[object]) -> bool:
    return not any(isinstance(each, list) for each in row) and row != [None]


def _wanted(kind: str) -> str:
    if kind.startswith(_ARRAY):
        return f"an array of {'arrays of ' if kind.count(_ARRAY) > 1 else ''}numbers ({kind})"
    return {"string": "a text", "boolean": "true or false"}.get(kind, "a number")


def _shown(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case list():
            odd = next((each for each in value if type(each) is not float and each is not None), None)
            return "an array" if odd is None else f"an array that holds {_shown(odd)}"
        case dict():
            return "an object"
        case _:
            is_large = isinstance(value, int) and abs(value) > _LARGEST
            return "a number that is too large" if is_large else "a number"
