"""The loop: each statement becomes a step, at its turn, and its stage runs it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.events import StatementEnded, StatementStarted
from mlsql.grammar.nodes import Statement
from mlsql.plan import Step, resolve
from mlsql.session import Run, Table
from mlsql.stages.base import Stage


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Runs statements in source order; *stages* holds the one for each type of step."""

    stages: Mapping[type[Step], Stage[Any]]

    def run(self, statements: Sequence[Statement], run: Run) -> Table | None:
        """The table of the last statement, None when it made none; a failing one stops the script."""
        for number, statement in enumerate(statements, start=1):
            title, start = title_of(statement), time.monotonic()
            run.emit(StatementStarted(number, len(statements), title, statement.span))
            with run.guard(statement.span):
                step = resolve(statement, run.scope)
                outcome = self.stages[type(step)].run(step, run)
            run.last = outcome if isinstance(outcome, Table) else None
            run.emit(StatementEnded(number, len(statements), title, time.monotonic() - start))
        return run.last


def title_of(statement: Statement, *, most: int = 72) -> str:
    """The statement in one line of at most *most* characters, as progress shows it."""
    line = " ".join(statement.span.text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
