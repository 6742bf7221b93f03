"""``train table as Algorithm.path where … as table``; ``run`` is the same, ``predict`` its sibling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.errors import ScriptError
from mlsql.options import read_options
from mlsql.plan import TrainStep
from mlsql.registry import Registry
from mlsql.session import Outcome, Run, Table
from mlsql.stages.algorithms.base import Algorithm, Call, Predicts, Trains, Transforms
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
        algorithm = self.algorithms.get(name.text, span=name.span)
        act = _act(algorithm, step)
        options = read_options(algorithm.options, step.options, owner=name.text, span=name.span)
        given = by_own_key(algorithm.options, step.options)
        call = Call(run.table(step.table), step.path, options, given, step.span)
        with placed_at_options(given, name.span):
            frame = act(call, run)
        return Table(None, frame) if step.output is None else run.define(step.output, frame)


def _act(algorithm: Algorithm, step: TrainStep) -> Act:
    """What the verb asks of the algorithm; an error when it cannot do it."""
    if step.verb == "predict":
        if isinstance(algorithm, Predicts):
            return algorithm.predict
        hint = "register the model as a function and call that in a select"
    else:
        if isinstance(algorithm, Trains):
            return algorithm.train
        if isinstance(algorithm, Transforms):
            return algorithm.transform
        hint = f"predict {step.table.text} as {step.algorithm.text}.`…`"
    raise ScriptError(f"'{step.algorithm.text}' does not {step.verb}", span=step.algorithm.span, hint=hint)
