"""Values that stand for others, by a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.stepping import FittedStep, StepFunction, one


@dataclass(frozen=True)
class Dictionary:
    """Keys with their values, under a name."""

    name: str
    keys: tuple[str, ...]
    values: tuple[Label, ...]


@dataclass(frozen=True)
class Lookups(FittedStep):
    """The value of a key in all dictionaries, and in each that has a name."""

    dictionaries: tuple[Dictionary, ...]
    output: str
    """The Spark type of a value."""
    missing: Label | None = None
    """The value of a key that has none."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(key)``, ``f_array(keys)``, and ``f_NAME(key)``."""
        names = sorted({each.name for each in self.dictionaries if each.name})
        key = one("key", "string")
        return (
            StepFunction(key, self.output, ""),
            StepFunction(one("keys", "array<string>"), f"array<{self.output}>", "", "_array"),
            *(StepFunction(key, self.output, name, f"_{name}") for name in names if name != "array"),
        )

    def ask(self, function: StepFunction, columns: Sequence[Any]) -> list[Any]:
        """The value of each key, or the values of the keys of each array."""
        values, missing = self._values[function.method], self.missing
        if function.output.startswith("array"):
            return [[values.get(key, missing) for key in keys] for keys in columns[0]]
        return [values.get(key, missing) for key in columns[0]]

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, Label]]:
        values: dict[str, dict[str, Label]] = {"": {}}
        for each in self.dictionaries:
            entries = dict(zip(each.keys, each.values, strict=True))
            values[""] |= entries
            values.setdefault(each.name, {}).update(entries)
        return values
