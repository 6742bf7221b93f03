"""The estimators of scikit-learn as a table that is read without importing scikit-learn.

``estimators.json`` is written by ``python -m mlsql.bridge.trainers.survey``; a test compares it
with the installed version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pkgutil import resolve_name
from typing import Any

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainers.parameters import Nested, Parameter, parameters
from mlsql.models import ModelKind
from mlsql.names import listed, nearest

TABLE = "estimators.json"


@dataclass(frozen=True, slots=True)
class Estimator:
    """What the table knows of one estimator."""

    name: str
    module: str
    kind: ModelKind
    parameters: Mapping[str, Parameter]

    def load(self) -> Any:
        """The class itself; from here on scikit-learn is imported."""
        return resolve_name(f"{self.module}:{self.name}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """An estimator and the values of its parameters, some of which are recipes themselves."""

    estimator: Estimator
    values: Mapping[str, Any]

    def make(self) -> Any:
        """A new, unfitted estimator."""
        values = {
            name: value.make() if isinstance(value, Recipe) else value for name, value in self.values.items()
        }
        return self.estimator.load()(**values)


@cache
def read_table() -> Mapping[str, Estimator]:
    """Every estimator by its name."""
    raw = json.loads(files(__package__).joinpath(TABLE).read_text(encoding="utf-8"))
    return {
        name: Estimator(name, one["module"], one["kind"], parameters(one["parameters"]))
        for name, one in raw["estimators"].items()
    }


def find_estimator(name: str, *, option: str) -> Estimator:
    """The estimator called *name*, in any case; *option* is to blame when there is none."""
    table = read_table()
    for known in table:
        if known.casefold() == name.casefold():
            return table[known]
    near = nearest(name, table)
    hint = f"did you mean '{near}'?" if near else f"scikit-learn has {listed(table)}"
    raise OptionFault(f"scikit-learn has no estimator '{name}'", option=option, hint=hint)


def read_recipe(
    estimator: Estimator, texts: Mapping[str, str], *, option: str, prefix: str = ""
) -> tuple[Recipe, list[OptionFault]]:
    """The recipe that *texts* ask for, and everything that is wrong with them.

    *option* is the option that named the estimator; *prefix* stands before the keys of *texts*
    (``estimator__`` for the parameters of an inner one).
    """
    faults: list[OptionFault] = []
    values: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            if "__" not in name:
                values[name] = _read(estimator, name, text, prefix)
            elif name.partition("__")[0] not in texts:
                raise _unowned(estimator, name, prefix)
        except OptionFault as fault:
            faults.append(fault)
    for name, value in values.items():
        if isinstance(value, Nested):
            values[name] = _read_nested(value, name, texts, prefix, faults)
    faults += _missing(estimator, texts, option)
    return Recipe(estimator, values), faults


def _read(estimator: Estimator, name: str, text: str, prefix: str) -> Any:
    parameter = estimator.parameters.get(name)
    if parameter is None:
        raise _unknown(estimator, name, prefix)
    try:
        return parameter.read(text)
    except ValueError as error:
        raise OptionFault(
            f"the parameter '{prefix}{name}' of {estimator.name} takes {parameter.expected}, not '{text}'",
            option=prefix + name,
        ) from error


def _read_nested(
    nested: Nested, name: str, texts: Mapping[str, str], prefix: str, faults: list[OptionFault]
) -> Recipe | None:
    inner = {
        key.removeprefix(f"{name}__"): text for key, text in texts.items() if key.startswith(f"{name}__")
    }
    try:
        estimator = find_estimator(nested.name, option=prefix + name)
    except OptionFault as fault:
        faults.append(fault)
        return None
    recipe, more = read_recipe(estimator, inner, option=prefix + name, prefix=f"{prefix}{name}__")
    faults += more
    return recipe


def _missing(estimator: Estimator, texts: Mapping[str, str], option: str) -> Iterator[OptionFault]:
    for parameter in estimator.parameters.values():
        if parameter.default is None and parameter.name not in texts:
            yield OptionFault(
                f"{estimator.name} needs the parameter '{parameter.name}'",
                option=option,
                hint=f"it takes {parameter.expected}",
            )


def _unknown(estimator: Estimator, name: str, prefix: str) -> OptionFault:
    known = estimator.parameters
    near = nearest(name, known)
    hint = f"did you mean '{prefix}{near}'?" if near else f"its parameters: {listed(known)}"
    return OptionFault(f"{estimator.name} has no parameter '{name}'", option=prefix + name, hint=hint)


def _unowned(estimator: Estimator, name: str, prefix: str) -> OptionFault:
    owner = name.partition("__")[0]
    if owner not in estimator.parameters:
        return _unknown(estimator, name, prefix)
    return OptionFault(
        f"'{prefix}{name}' is a parameter of '{prefix}{owner}', which is not given",
        option=prefix + name,
        hint=f"name the estimator: '{prefix}{owner}'",
    )
