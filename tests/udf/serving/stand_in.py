"""Models that need no library: a sum of numbers, with a weight that says which version answers."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from mlsql.models.manifest import Column

PLACE = f"{__name__}:open_stand_in"


@dataclass(frozen=True)
class Sum:
    """Answers the sum of a row times *weight*; a text named ``die`` ends the process."""

    inputs: tuple[Column, ...]
    weight: float
    nbytes: int
    output: str = "double"
    has_probabilities: bool = True

    def answer(self, values):
        """The answer for one row."""
        for each in values:
            if each == "die":
                os._exit(3)
            if each == "wait":
                time.sleep(30)
        if any(each is None for each in values):
            return None
        return self.weight * sum(each for each in values if not isinstance(each, str))

    def probabilities(self, values):
        """Two classes."""
        answer = self.answer(values)
        return None if answer is None else [answer, 1 - answer]

    def answers(self, columns):
        """The answers for many rows."""
        rows = zip(*(columns[each.name] for each in self.inputs), strict=True)
        return [self.answer(each) for each in rows]

    def many_probabilities(self, columns):
        """The same for many rows."""
        rows = zip(*(columns[each.name] for each in self.inputs), strict=True)
        return [self.probabilities(each) for each in rows]


def open_stand_in(folder: str, index: int) -> Sum:
    """The model that :func:`tests.udf.serving.conftest.models` stored."""
    manifest = json.loads((Path(folder) / "manifest.json").read_text())
    told = json.loads((Path(folder) / "model" / str(index) / "weight.json").read_text())
    return Sum(tuple(Column(**each) for each in manifest["inputs"]), told["weight"], told["nbytes"])
