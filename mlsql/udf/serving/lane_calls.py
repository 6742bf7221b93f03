"""Calls in a query of the SQL lane: what is called, and the types that its arguments are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.udf.serving.functions import Companion
from mlsql.udf.serving.lane_functions import ANY, NUMBER
from mlsql.udf.serving.lane_types import (
    NUMBERS,
    Carried,
    NotCarriedOver,
    becomes,
    common,
    element_of,
    expect_type,
)


@dataclass(frozen=True, slots=True)
class ModelFunction:
    """A function of the caller: the types of its parameters by their names, and of its answers."""

    parameters: Mapping[str, str]
    output: str
    function: str = ""
    """Whose *companion* it is, when it is one."""
    companion: Companion = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A function that DuckDB has to have: *function* is a name of the caller's or of ours."""

    name: str
    """As the translated query calls it: with its types, and of a model with whose it is."""
    function: str
    parameters: tuple[str, ...]
    output: str
    is_model: bool
    companion: Companion = ""


def model_call(caller: str, name: str, model: ModelFunction) -> Call:
    """The call of *model*, which *caller* calls *name*."""
    types = tuple(model.parameters.values())
    meant = model.function or name
    told = f"{caller} {model.companion} {name}({','.join(types)})->{model.output}"
    return Call(told, meant, types, model.output, is_model=True, companion=model.companion)


def python_call(function: str, types: tuple[str, ...], output: str) -> Call:
    """The call of a function of ours."""
    return Call(f"{function}({','.join(types)})->{output}", function, types, output, is_model=False)


def in_order(given: Sequence[Any], names: tuple[str, ...], function: str) -> list[Any]:
    """The arguments in the order of the parameters, some of which may be named."""
    by_name = {each.this.name: each.expression for each in given if each.key == "kwarg"}
    positional = [each for each in given if each.key != "kwarg"]
    missing = names[len(positional) :]
    if set(missing) != by_name.keys() or len(positional) + len(by_name) != len(names):
        raise NotCarriedOver(f"these arguments of '{function}'")
    return [*positional, *(by_name[each] for each in missing)]


def bound(declared: Sequence[str], given: Sequence[Carried], name: str) -> tuple[tuple[str, ...], str]:
    """The types of the parameters when *given* are the arguments, and what their variable stands for."""
    variables = [_variable(each, one.type) for each, one in zip(declared, given, strict=True)]
    variable = common(each for each in variables if each is not None) or ""
    if any(NUMBER in each for each in declared):
        expect_type(variable, NUMBERS)
    types = tuple(filled(each, variable) for each in declared)
    for one, kind in zip(given, types, strict=True):
        if not kind or not becomes(one.type, kind):
            raise NotCarriedOver(f"{one.type} as an argument of '{name}'")
    return types, variable


def _variable(declared: str, given: str) -> str | None:
    """What the variable in a declared type stands for; None without one."""
    if declared in (ANY, NUMBER):
        return given
    into, inner = element_of(declared), element_of(given)
    return None if into is None or inner is None else _variable(into, inner)


def filled(declared: str, variable: str) -> str:
    """A declared type with what its variable stands for."""
    return declared.replace(ANY, variable).replace(NUMBER, variable)
