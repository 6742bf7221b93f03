"""``train table as Algorithm.path where … as table``; ``run`` is the same, ``predict`` its sibling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.errors import ScriptError
from mlsql.options import is_filled, option_errors
from mlsql.plan import TrainStep
from mlsql.registry import Registry
from mlsql.session import Outcome, Run, Table
from mlsql.stages.algorithms.base import Algorithm, Call, Checks, Defines, Predicts, Trains, Transforms
from mlsql.stages.faults import by_own_key, placed_at_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Act = Callable[[Call[Any], Run], "DataFrame"]


@dataclass(frozen=True, slots=True)
class TrainStage:
    """Give a table to an algorithm, which trains on it, transforms it or predicts for it."""

    algorithms: Registry[Algorithm]

    def run(self, step: TrainStep, run: Run, /) -> Outcome:
        """What the algorithm returns: a row a model, or the table it made."""
        name = step.algorithm
        act, declared = _act(self.algorithms.get(name.text, span=name.span), step)
        options = run.read_options(declared, step.options, owner=name.text, span=name.span)
        given = by_own_key(declared, step.options)
        is_named = step.output is not None
        call = Call(run.table(step.table), name, step.path, options, given, step.span, is_named)
        with placed_at_options(given, name.span):
            frame = act(call, run)
        return Table(None, frame) if step.output is None else run.define(step.output, frame)

    def check(self, step: TrainStep, /) -> Iterator[ScriptError]:
        """What is wrong with the algorithm, the options and what the algorithm knows of them."""
        name = step.algorithm
        if not is_filled(name.text):
            return
        algorithm = self.algorithms.get(name.text, span=name.span)
        _, declared = _act(algorithm, step)
        yield from option_errors(declared, step.options, owner=name.text, span=name.span)
        if step.verb != "predict" and isinstance(algorithm, Checks):
            given = by_own_key(declared, step.options)
            with placed_at_options(given, name.span):
                algorithm.check(given)


def _act(algorithm: Algorithm, step: TrainStep) -> tuple[Act, type[Any]]:
    """What the verb asks of the algorithm, and the options of that; an error when it cannot do it."""
    if step.verb == "predict":
        if isinstance(algorithm, Predicts):
            return algorithm.predict, algorithm.predict_options
        hint = "register the model as a function and call that in a select"
    else:
        if isinstance(algorithm, Trains):
            return algorithm.train, algorithm.options
        if isinstance(algorithm, Transforms):
            return algorithm.transform, algorithm.options
        hint = f"predict {step.table.text} as {step.algorithm.text}.`…`"
        if isinstance(algorithm, Defines):
            hint = f"register {step.algorithm.text}.`…` as f"
    raise ScriptError(f"'{step.algorithm.text}' does not {step.verb}", span=step.algorithm.span, hint=hint)
