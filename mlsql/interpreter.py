"""The loop: each statement becomes a step, at its turn, and its stage runs it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.errors import ScriptError
from mlsql.events import StatementEnded, StatementStarted
from mlsql.grammar.nodes import For, If, Statement
from mlsql.plan import CommandStep, Step, resolve
from mlsql.policy.step_access import expect_permitted
from mlsql.session import Run, Splice, Table
from mlsql.spans import mask_secrets
from mlsql.stages.base import Stage

_TOO_MANY_BLOCKS = "conditions can be joined by `and`; the setting language.include_depth allows more"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Runs statements in source order; *stages* holds the one for each type of step.

    Includes, macros and blocks lie in each other at most *deepest* deep.
    """

    stages: Mapping[type[Step], Stage[Any]]
    deepest: int = 16

    def run(self, statements: Sequence[Statement], run: Run) -> Table | None:
        """The table that the last statement with an outcome made, None when it made none.

        A failing statement stops the script.
        """
        for number, statement in enumerate(statements, start=1):
            title, start = title_of(statement), time.monotonic()
            run.emit(StatementStarted(number, len(statements), title, statement.span))
            self._run(statement, run, depth=0)
            run.emit(StatementEnded(number, len(statements), title, time.monotonic() - start))
        return run.last

    def _run(self, statement: Statement, run: Run, depth: int) -> None:
        before = run.last
        with run.guard(statement.span):
            step = resolve(statement, run.scope)
            expect_permitted(step, run.policy)
            outcome = self.stages[type(step)].run(step, run)
        if isinstance(outcome, Splice):
            self._splice(outcome, statement, run, depth + 1)
        else:
            run.last = outcome if isinstance(outcome, Table) else None
            run.last_span = statement.span
        if run.last is not before:
            run.remember(by_command=isinstance(step, CommandStep))

    def _splice(self, splice: Splice, statement: Statement, run: Run, depth: int) -> None:
        """Run what *statement* stands for in its place."""
        if depth > self.deepest:
            raise ScriptError(
                f"more than {self.deepest} statements that stand for others, one inside the other",
                span=statement.span,
                hint=_TOO_MANY_BLOCKS if isinstance(statement, If | For) else "does a macro call itself?",
            )
        for passage in splice.passages:
            with run.scope.bound(passage.bindings):
                for each in passage.statements:
                    self._run(each, run, depth)
        if splice.output is not None and run.last is not None:
            run.last = run.define(splice.output, run.last.frame)


def title_of(statement: Statement, *, most: int = 72) -> str:
    """The statement in one line of at most *most* characters, as progress shows it, without secrets."""
    line = mask_secrets(" ".join(statement.span.text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
