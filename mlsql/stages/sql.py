"""Pass-through statements: what Spark runs at once and of which no table of ours is made."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mlsql.plan import SqlStep
from mlsql.session import Nothing, Outcome, Run, Table

_EXPLAINED = re.compile(
    r"explain\s+(?:(?:logical|formatted|extended|codegen|cost)\s+)?(?=(?:select|with|from|values)\b|\()",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SqlStage:
    """``create``, ``insert``, ``drop`` … and ``show``, ``describe``, ``explain``."""

    def run(self, step: SqlStep, run: Run, /) -> Outcome:
        """The rows that Spark shows, if it shows any; it would explain a wrong query by its error."""
        explained = _EXPLAINED.match(step.query.text)
        if explained is not None:
            blank = " " * explained.end()
            run.sql(replace(step.query, text=blank + step.query.text[explained.end() :]))
        frame = run.sql(step.query)
        return Table(None, frame) if frame.columns else Nothing()
