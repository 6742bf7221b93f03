"""The check with what it is given: the stages of an engine, the policy, the store of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

from mlsql import stages
from mlsql.check.check import check, check_statements, errors_of
from mlsql.check.surroundings import Language, Surroundings
from mlsql.config.settings import Settings
from mlsql.diagnostics import Diagnostic
from mlsql.dialect import Dialect
from mlsql.file_systems import is_remote
from mlsql.grammar.nodes import Statement, Word
from mlsql.models.manifest import ModelStore
from mlsql.models.store import PathModelStore
from mlsql.plan import CommandStep, Step
from mlsql.policy.policy import Policy
from mlsql.policy.step_access import expect_permitted
from mlsql.spans import Script
from mlsql.stages.include import known_script
from mlsql.variables import Scope


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks scripts as an engine with these stages would run them; needs no Spark."""

    language: Language
    store: ModelStore

    @classmethod
    def from_settings(cls, settings: Settings, known: Mapping[type[Step], Any] | None = None) -> Self:
        """A checker for the stages *known*, or else for those that come with mlsql."""
        store = PathModelStore()
        judges: Mapping[type[Step], Any] = (
            stages.builtins(store, formats=settings.sources.allow) if known is None else known
        )
        commands = judges[CommandStep].commands
        return cls(Language.of_stages(judges, commands, settings.language.include_depth), store)

    def check(self, script: Script, scope: Scope, policy: Policy, **more: Any) -> tuple[Diagnostic, ...]:
        """All errors and warnings; *more* is what the surroundings know besides."""
        return check(script, self.language, self._around(scope, policy, **more))

    def expect_sound(self, statements: Sequence[Statement], scope: Scope, policy: Policy) -> None:
        """Raise everything that has to stop a run of *statements* in *scope* before it begins."""
        around = self._around(scope, policy, advises=False)
        error = errors_of(check_statements(statements, self.language, around))
        if error is not None:
            raise error

    def _around(self, scope: Scope, policy: Policy, **more: Any) -> Surroundings:
        def holds_model(path: Word) -> bool:
            place = policy.path(path.text, span=path.span, purpose="model")
            return is_remote(place) or bool(self.store.versions(place))  # a check asks no other machine

        return Surroundings(
            variables={name: scope.template(name) for name in scope.defined_names},
            dialect=scope.dialect,
            open_script=partial(known_script, policy=policy),
            permits=partial(expect_permitted, policy=policy),
            holds_model=holds_model,
            **more,
        )


def scope_without_spark(parameters: Mapping[str, str], dialect: Dialect) -> Scope:
    """The variables that a script begins with where there is no session; their texts do not matter."""
    return Scope.for_run(
        owner="",
        job_name="",
        home="",
        now=datetime.now(UTC),
        parameters=parameters,
        dialect=dialect,
    )
