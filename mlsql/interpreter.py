"""The loop: each statement becomes a step, at its turn, and its stage runs it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.errors import ScriptError
from mlsql.events import StatementEnded, StatementStarted
from mlsql.grammar.nodes import Statement
from mlsql.plan import Step, resolve
from mlsql.session import Run, Splice, Table
from mlsql.stages.base import Stage

DEEPEST = 16
"""How deep includes, macros and blocks may lie in each other."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Runs statements in source order; *stages* holds the one for each type of step."""

    stages: Mapping[type[Step], Stage[Any]]

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
        with run.guard(statement.span):
            step = resolve(statement, run.scope)
            outcome = self.stages[type(step)].run(step, run)
        if isinstance(outcome, Splice):
            self._splice(outcome, statement, run, depth + 1)
        else:
            run.last = outcome if isinstance(outcome, Table) else None

    def _splice(self, splice: Splice, statement: Statement, run: Run, depth: int) -> None:
        """Run what *statement* stands for in its place."""
        if depth > DEEPEST:
            raise ScriptError(
                f"more than {DEEPEST} statements that stand for others, one inside the other",
                span=statement.span,
                hint="does a macro call itself?",
            )
        for part in splice.parts:
            with run.scope.bound(part.bindings):
                for each in part.statements:
                    self._run(each, run, depth)


def title_of(statement: Statement, *, most: int = 72) -> str:
    """The statement in one line of at most *most* characters, as progress shows it."""
    line = " ".join(statement.span.text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
