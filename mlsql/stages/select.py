"""``select … as table``."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.plan import SelectStep
from mlsql.session import Outcome, Run, Table


@dataclass(frozen=True, slots=True)
class SelectStage:
    """Name the rows of a query; nothing is computed until they are used."""

    def run(self, step: SelectStep, run: Run, /) -> Outcome:
        """The table, or the bare result when the statement gives it no name."""
        frame = run.sql(step.query)
        return Table(None, frame) if step.table is None else run.define(step.table, frame)
