"""The estimators of scikit-learn, XGBoost and LightGBM as a table that is read without importing them.

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
from mlsql.models.manifest import ModelKind
from mlsql.names import listed, nearest

TABLE = "estimators.json"
LIBRARIES = ("sklearn", "xgboost", "lightgbm")
"""Whose estimators can be fitted: anything else could be any code."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """What the table knows of one estimator."""

    name: str
    module: str
    kind: ModelKind
    parameters: Mapping[str, Parameter]
    takes_weights: bool = False
    """Whether its ``fit`` takes weights of rows."""
    takes_batches: bool = False
    """Whether it has ``partial_fit``; with some a parameter decides."""

    @property
    def library(self) -> str:
        """What has to be installed, as it is imported: ``sklearn``."""
        return self.module.partition(".")[0]

    @property
    def goes_on(self) -> bool:
        """Whether a fit can go on from a fitted one."""
        return self.takes_batches or "warm_start" in self.parameters

    def load(self) -> Any:
        """The class itself; from here on its library is imported."""
        try:
            return resolve_name(f"{self.module}:{self.name.rpartition('.')[2]}")
        except ModuleNotFoundError as error:
            if error.name != self.library:
                raise
            message = (
                f"{self.library} is not installed where models are fitted: pip install 'mlsql[boosting]'"
            )
            raise OptionFault(message, option="alg") from error


@dataclass(frozen=True, slots=True)
class Recipe:
    """An estimator and the values of its parameters, some of which are recipes themselves."""

    estimator: Estimator
    values: Mapping[str, Any]

    def make(self) -> Any:
        """A new, unfitted estimator."""
        return self.estimator.load()(**self.made())

    def made(self) -> dict[str, Any]:
        """The values of the parameters, new estimators among them."""
        return {
            name: value.make() if isinstance(value, Recipe) else value for name, value in self.values.items()
        }


@cache
def read_table() -> Mapping[str, Estimator]:
    """Every estimator by its name."""
    return {name: _estimator(name, one) for name, one in _raw()["estimators"].items()}


@cache
def _raw() -> Mapping[str, Any]:
    raw: Mapping[str, Any] = json.loads(files(__package__).joinpath(TABLE).read_text(encoding="utf-8"))
    return raw


def _estimator(name: str, one: Mapping[str, Any]) -> Estimator:
    can = {"takes_weights": one.get("weights", False), "takes_batches": one.get("batches", False)}
    return Estimator(name, one["module"], one["kind"], parameters(one["parameters"]), **can)


@cache
def _folded_table() -> Mapping[str, Estimator]:
    """Every estimator by each way to call it, in lower case."""
    table = read_table()
    long = {f"{each.module}.{name}".casefold(): each for name, each in table.items()}
    return {**long, **{name.casefold(): each for name, each in table.items()}}


def find_estimator(name: str, *, option: str) -> Estimator:
    """The estimator called *name*, in any case; *option* is to blame when there is none.

    It may be called by its class alone, when it is one of scikit-learn, or by the module too
    (``sklearn.svm.SVC``, ``xgboost.XGBClassifier``).
    """
    library = name.partition(".")[0]
    if "." in name and library not in LIBRARIES:
        allowed = listed(f"{each}." for each in LIBRARIES)
        raise OptionFault(
            f"'{name}' is none of {allowed}", option=option, hint="estimators are those of these"
        )
    folded = name.casefold()
    found = _folded_table().get(folded)
    if found is not None:
        return found
    own = folded.rpartition(".")[2] if library == "sklearn" else folded
    for refused, reason in _raw()["refused"].items():
        if own == refused.casefold():
            raise OptionFault(f"{refused} cannot be trained: {reason}", option=option)
    raise OptionFault(f"{_title(name)} has no estimator '{name}'", option=option, hint=_near(name))


def _title(name: str) -> str:
    library = name.partition(".")[0]
    return library if library in LIBRARIES[1:] else "scikit-learn"


def _near(name: str) -> str:
    """What to write instead."""
    table = read_table()
    own = name.rpartition(".")[2].casefold()
    same = next((known for known in table if known.rpartition(".")[2].casefold() == own), None)
    near = same or nearest(name, table)
    return f"did you mean '{near}'?" if near else f"there are {listed(table)}"


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
