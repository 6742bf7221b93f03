"""``unregister function``."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.errors import UnknownName
from mlsql.plan import UnregisterStep
from mlsql.session import Nothing, Outcome, Run
from mlsql.udf.companions import forget_functions


@dataclass(frozen=True, slots=True)
class UnregisterStage:
    """Forget a function that a register made in this session, with those that came with it."""

    def run(self, step: UnregisterStep, run: Run, /) -> Outcome:
        """Nothing to show; a function that nobody registered is an error."""
        name = step.function.text
        if name not in run.session.functions:
            known = run.session.functions
            hint = None if known else "this session has registered none"
            raise UnknownName("registered function", name, known, span=step.function.span, hint=hint)
        forget_functions(run.session, name)
        return Nothing()
