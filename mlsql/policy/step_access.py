"""What a step is about to do, as the table permissions are asked before it begins.

The tables that a query names are not told here: they show in its plan.
"""

from __future__ import annotations

from functools import singledispatch

from mlsql.plan import ConnectStep, LoadStep, RegisterStep, SaveStep, Step, TrainStep
from mlsql.policy.policy import Policy


@singledispatch
def expect_permitted(step: Step, policy: Policy) -> None:
    """Refuse *step* unless the permissions of *policy* let it read, write or train what it names."""


@expect_permitted.register
def _(step: LoadStep, policy: Policy) -> None:
    policy.access("load", step.format.text, step.path.text, span=step.path.span)


@expect_permitted.register
def _(step: SaveStep, policy: Policy) -> None:
    policy.access("save", step.format.text, step.path.text, span=step.path.span)


@expect_permitted.register
def _(step: ConnectStep, policy: Policy) -> None:
    alias = step.alias or step.format
    policy.access("connect", step.format.text, alias.text, span=alias.span)


@expect_permitted.register
def _(step: RegisterStep, policy: Policy) -> None:
    policy.access("register", step.algorithm.text, step.path.text, span=step.path.span)


@expect_permitted.register
def _(step: TrainStep, policy: Policy) -> None:
    policy.access(step.verb, step.algorithm.text, step.path.text, span=step.algorithm.span)
