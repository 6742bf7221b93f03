"""How an algorithm of Spark ML is declared: a frozen record, from which everything else comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    from pyspark.ml import Estimator

Gives = Literal["probabilities", "label", "number", "cluster", "topics"]
"""What a function answers: a vector of probabilities, a label, a double, an int, a vector of shares."""

FUNCTIONS: Mapping[Gives, str] = MappingProxyType(
    {
        "probabilities": "`f(features)` is the vector of probabilities, whose `vec_argmax` is the place of"
        " the class; `f_raw` has that of every group.",
        "label": "`f(features)` is the label; `f_all` has the answer of every group.",
        "number": "`f(features)` is a double; `f_all` has the answer of every group.",
        "cluster": "`f(features)` is the number of the cluster; `f_all` has the answer of every group.",
        "topics": "`f(features)` is the vector of the shares of the topics.",
    }
)
"""What ``register`` makes, as the documentation says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkEstimator:
    """An estimator of Spark ML under the name by which scripts call it."""

    name: str
    spark_class: str
    """As ``pyspark.ml.classification.LogisticRegression``."""
    kind: ModelKind
    gives: Gives
    doc: str
    example: str
    weights: str
    """What reads the plain form out of a fitted model: ``package.module:function``."""

    @property
    def needs_label(self) -> bool:
        """Whether there is nothing to learn without the answers."""
        return self.kind in ("classifier", "regressor")

    def make(self) -> Estimator[Any]:
        """A new one of Spark's, with Spark's defaults."""
        found: type[Estimator[Any]] = resolve_name(self.spark_class)
        return found()
