"""What the interpreter asks of a stage."""

from __future__ import annotations

from typing import Protocol, TypeVar

from mlsql.session import Outcome, Run

StepT = TypeVar("StepT", contravariant=True)


class Stage(Protocol[StepT]):
    """Runs the steps of one statement kind; holds the registries that it looks names up in."""

    def run(self, step: StepT, run: Run, /) -> Outcome:
        """Do what the step says; errors are placed at the part of the step that is to blame."""
        ...
