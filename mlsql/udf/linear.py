"""A linear model as an expression of SQL, which Spark compiles: no Python, no batch, no copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlsql.models import LINEAR, Label
from mlsql.udf.predictors.folder import read_description

_NOT_FINITE = "(isnan({0}) or abs({0}) = double('infinity'))"


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights and an intercept a row; the *classes* of a classifier, in the order of the rows."""

    weights: Sequence[Sequence[float]]
    intercepts: Sequence[float]
    classes: Sequence[Label] | None

    @classmethod
    def in_folder(cls, folder: Path) -> Self | None:
        """The weights that the MLflow model in *folder* was stored with; None of another kind of model."""
        told = (read_description(folder).get("metadata") or {}).get(LINEAR)
        return cls(**told) if told else None

    def answer(self, values: Sequence[str], output: str, name: str) -> str:
        """The answer over *values*, SQL of one feature each, as the type *output*.

        Null when one of them is null; NaN and infinity are errors, as they are to the estimator,
        which name the function *name*.
        """
        scores = [
            f"({' + '.join([*map(_product, values, row), _double(intercept)])})"
            for row, intercept in zip(self.weights, self.intercepts, strict=True)
        ]
        answer = self._of_scores(scores, output)
        told = f"raise_error({_literal(f'{name} takes no NaN and no infinity, as in one of the rows')})"
        return (
            f"case when {_any(values, '{} is null')} then null"
            f" when {_any(scores, _NOT_FINITE)} then if({_any(values, _NOT_FINITE)}, {told}, {answer})"
            f" else {answer} end"
        )

    def of_array(self, features: str, output: str, name: str) -> str:
        """The answer over *features*, SQL of one array, whose width is checked."""
        width = len(self.weights[0])
        values = [f"{features}[{place}]" for place in range(width)]
        begin = _literal(f"{name} takes {width} features, not ")
        told = f"concat({begin}, size({features}), ' as in one of the rows')"
        return (
            f"case when {features} is null then null when size({features}) <> {width}"
            f" then raise_error({told}) else {self.answer(values, output, name)} end"
        )

    def _of_scores(self, scores: Sequence[str], output: str) -> str:
        if self.classes is None:
            return f"cast({scores[0]} as {output})"
        labels = [f"cast({_literal(each)} as {output})" for each in self.classes]
        if len(scores) == 1:
            return f"if({scores[0]} > 0, {labels[1]}, {labels[0]})"
        row = f"array({', '.join(scores)})"
        return f"array({', '.join(labels)})[cast(array_position({row}, array_max({row})) - 1 as int)]"


def _any(values: Sequence[str], condition: str) -> str:
    return " or ".join(condition.format(each) for each in values)


def _product(value: str, weight: float) -> str:
    return f"{value} * {_double(weight)}"


def _double(number: float) -> str:
    return f"({float(number)!r}D)"


def _literal(label: Label) -> str:
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, str):
        return "'" + label.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return _double(label) if isinstance(label, float) else f"({label})"
