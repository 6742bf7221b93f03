"""``unregister function``."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.errors import UnknownName
from mlsql.plan import UnregisterStep
from mlsql.session import Nothing, Outcome, Run
from mlsql.udf.companions import forget_functions


@dataclass(frozen=True, slots=True)
class UnregisterStage:
    """Forget a function that a register made, with those that came with it, and have nobody answer it."""

    def run(self, step: UnregisterStep, run: Run, /) -> Outcome:
        """Nothing to show; a function that nobody registered is an error."""
        name, session = step.function.text, run.session
        is_kept = session.registrations.find(session.owner, name) is not None
        if name not in session.functions and not is_kept:
            known = session.functions
            hint = None if known else "this session has registered none"
            raise UnknownName("registered function", name, known, span=step.function.span, hint=hint)
        forget_functions(session, name)
        session.registrations.remove(session.owner, name)
        return Nothing()
