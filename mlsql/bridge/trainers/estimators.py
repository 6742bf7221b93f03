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
    if name in table:
        return table[name]
    for known in table:
        if known.casefold() == name.casefold():
            return table[known]
    near = nearest(name, table)
    hint = f"did you mean '{near}'?" if near else f"scikit-learn has {listed(table)}"
    raise OptionFault(f"scikit-learn has no estimator '{name}'", option=option, hint=hint)


def takes_list(params: Mapping[str, str], name: str) -> bool:
    """Whether the parameter *name* takes a list, of ``alg`` or of an estimator in it (``estimator__x``)."""
    owner, _, own = name.rpartition("__")
    try:
        estimator = find_estimator(params.get(owner or "alg", ""), option="alg")
    except OptionFault:
        return False
    return own in estimator.parameters and estimator.parameters[own].takes_list


def read_recipe(
    estimator: Estimator, texts: Mapping[str, str], *, option: str, prefix: str = ""
) -> tuple[Recipe, list[OptionFault]]:
    """The recipe that *texts* ask for, and everything that is wrong with them.

    *option* is the option that named the estimator; *prefix* stands before the keys of *texts*
    (``estimator__`` for the parameters of an inner one).
    """
    own, inner = _split(texts)
    faults: list[OptionFault] = []
    values: dict[str, Any] = {}
    for name, text in own.items():
        try:
            values[name] = _read(estimator, name, text, prefix)
            if isinstance(values[name], Nested):
                named = find_estimator(values[name].name, option=prefix + name)
                asked, key = inner.pop(name, {}), prefix + name
                values[name], more = read_recipe(named, asked, option=key, prefix=f"{key}__")
                faults += more
        except OptionFault as fault:
            inner.pop(name, None)
            faults.append(fault)
    faults += [_ownerless(estimator, f"{owner}__{name}", prefix) for owner in inner for name in inner[owner]]
    return Recipe(estimator, values), [*faults, *_missing(estimator, own, option)]


def _split(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The parameters of an estimator itself, and those of the estimators in it by their owner."""
    own: dict[str, str] = {}
    inner: dict[str, dict[str, str]] = {}
    for key, text in texts.items():
        owner, nested, name = key.partition("__")
        if nested:
            inner.setdefault(owner, {})[name] = text
        else:
            own[key] = text
    return own, inner


def _read(estimator: Estimator, name: str, text: str, prefix: str) -> Any:
    parameter = estimator.parameters.get(name)
    if parameter is None:
        raise _unknown(estimator, name, prefix)
    try:
        return parameter.read(text)
    except ValueError as error:
        raise OptionFault(
            f"the parameter '{name}' of {estimator.name} takes {parameter.expected}, not '{text}'",
            option=prefix + name,
        ) from error


def _missing(estimator: Estimator, given: Mapping[str, str], option: str) -> Iterator[OptionFault]:
    for parameter in estimator.parameters.values():
        if parameter.default is None and parameter.name not in given:
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


def _ownerless(estimator: Estimator, name: str, prefix: str) -> OptionFault:
    """The fault of a parameter within something that is no estimator, or none that is given."""
    owner = name.partition("__")[0]
    parameter = estimator.parameters.get(owner)
    if parameter is None:
        return _unknown(estimator, name, prefix)
    if not parameter.takes_estimator:
        return OptionFault(
            f"the parameter '{owner}' of {estimator.name} is no estimator", option=prefix + name
        )
    return OptionFault(
        f"'{prefix}{name}' is a parameter of '{prefix}{owner}', which is not given",
        option=prefix + name,
        hint=f"name the estimator: '{prefix}{owner}'",
    )
