"""What a check is told beside the script: the stages that judge, variables, tables and models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

from mlsql.dialect import MLSQL, Dialect
from mlsql.errors import ScriptError
from mlsql.grammar.nodes import Word
from mlsql.plan import IncludeStep, Step
from mlsql.registry import Registry
from mlsql.spans import Script
from mlsql.templates import Rendered
from mlsql.variables import Scope


@runtime_checkable
class Checks(Protocol):
    """A stage that knows of a step, before the run, what cannot be."""

    def check(self, step: Any, /) -> Iterable[ScriptError]:
        """What is wrong with *step*, given or raised; a text that holds ``${…}`` is not judged."""
        ...


@runtime_checkable
class TellsModels(Protocol):
    """A stage that knows whether the path of its step is that of a stored model."""

    def names_model(self, step: Any, /) -> bool:
        """Whether it is; where nobody knows yet, it is."""
        ...


@dataclass(frozen=True, slots=True)
class Language:
    """What an engine can do: the stages that judge their steps, and the built-in *commands* by name.

    Includes, macros and blocks lie in each other at most *deepest* deep.
    """

    judges: Mapping[type[Step], Checks]
    commands: Registry[Any]
    deepest: int = 16

    @classmethod
    def of_stages(cls, stages: Mapping[type[Step], Any], commands: Registry[Any], deepest: int = 16) -> Self:
        """What *stages* can do; those that know nothing before the run are left out."""
        judges = {kind: stage for kind, stage in stages.items() if isinstance(stage, Checks)}
        return cls(judges, commands, deepest)

    def names_model(self, step: Step) -> bool:
        """Whether the path of *step*, a register, is that of a stored model."""
        stage: object = self.judges.get(type(step))
        return not isinstance(stage, TellsModels) or stage.names_model(step)


def no_script(_step: IncludeStep) -> None:
    """Nothing is known of what is included."""


def no_tables() -> Collection[str]:
    """The catalogue is not known."""
    return ()


def no_model(_path: Word) -> bool:
    """No model lies anywhere."""
    return False


def all_permitted(_step: Step) -> None:
    """Every step may begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known beside the script itself."""

    variables: Mapping[str, str | None] = field(default_factory=dict)
    """The templates of the variables that it begins with; None for one whose text is not known."""
    more_variables: bool = False
    """Whether more variables may come from outside, so that an undefined one is only odd."""
    dialect: Dialect = MLSQL
    open_script: Callable[[IncludeStep], Script | None] = no_script
    """The script that an include means; None when that shows in the run only."""
    parse_query: Callable[[Rendered], None] | None = None
    """Raises what Spark's own parser says of a query; None without Spark."""
    permits: Callable[[Step], None] = all_permitted
    """Raises what a policy has against a step."""
    texts: Scope | None = None
    """The same variables with their texts, for the queries; the check adds those of the script."""
    tables: Callable[[], Collection[str]] = no_tables
    """Lists the catalogue; asked only when a script names a table that it does not make."""
    holds_model: Callable[[Word], bool] = no_model
    advises: bool = True
    """Whether tables and models that nobody makes are told."""
