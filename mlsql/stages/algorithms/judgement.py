"""How good a model is, as whoever judges it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlsql.models.summaries import ClassDetail


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good a fitted model is on a table, and of a classifier how good on each class."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    detail: ClassDetail | None = None
    deviations: Mapping[str, float] = field(default_factory=dict)
    """After cross-validation: by how much the metrics differ between the folds."""

    @property
    def spread(self) -> str:
        """The deviations in words; empty without any."""
        told = ", ".join(f"{name} ± {deviation:.4f}" for name, deviation in self.deviations.items())
        return f"over the folds {told}" if told else ""
