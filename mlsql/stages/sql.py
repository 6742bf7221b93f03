"""Pass-through statements: what Spark runs at once and of which no table of ours is made."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.plan import SqlStep
from mlsql.session import Nothing, Outcome, Run, Table


@dataclass(frozen=True, slots=True)
class SqlStage:
    """``create``, ``insert``, ``drop`` … and ``show``, ``describe``, ``explain``."""

    def run(self, step: SqlStep, run: Run, /) -> Outcome:
        """The rows that Spark shows, if it shows any."""
        frame = run.sql(step.query)
        return Table(None, frame) if frame.columns else Nothing()
