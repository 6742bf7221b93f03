"""How good a fitted model is on rows that it has not seen, by the functions of ``sklearn.metrics``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlsql.bridge.class_detail import class_detail
from mlsql.bridge.trainer import Answers, Fitted, Run, Traits
from mlsql.models.manifest import METRICS
from mlsql.models.summaries import ClassDetail

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset

SILHOUETTE_ROWS = 10_000
"""The silhouette compares every row with every other: of more rows a seeded sample is taken."""


Compute = Callable[[Answers, Traits], float | None]
"""A metric of some answers; None where they have nothing to compute it from."""


def evaluate(fitted: Fitted, data: Dataset, run: Run) -> dict[str, float]:
    """Every metric of the model's kind on *data*; one that cannot be computed is left out and logged."""
    return evaluate_in_detail(fitted, data, run)[0]


def evaluate_in_detail(
    fitted: Fitted, data: Dataset, run: Run
) -> tuple[dict[str, float], ClassDetail | None]:
    """The same, and of a classifier how it did on each class."""
    answers = fitted.answers(data)
    if answers is None:
        run.log("not evaluated: the model can only judge the rows that it was fitted on", "warning")
        return {}, None
    return dict(_measure(answers, fitted.traits, run)), class_detail(answers, fitted.traits)


def _measure(answers: Answers, traits: Traits, run: Run) -> Iterator[tuple[str, float]]:
    for name in (metric.name for metric in METRICS.values() if traits.kind in metric.kinds):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a metric cannot say it says by nan
                value = COMPUTED_BY[name](answers, traits)
        except ValueError as error:
            run.log(f"no {name}: {error}", "warning")
            continue
        if value is not None and math.isfinite(value):
            run.metric(name, value)
            yield name, value
        elif value is not None:
            run.log(f"no {name}: it is not defined on these rows", "warning")


def _compare(function: str, **options: Any) -> Compute:
    """What the function of ``sklearn.metrics`` says of truth and guess."""

    def compute(answers: Answers, _: Traits) -> float:
        import sklearn.metrics

        return float(getattr(sklearn.metrics, function)(answers.truth, answers.guess, **options))

    return compute


def _log_loss(answers: Answers, traits: Traits) -> float | None:
    from sklearn.metrics import log_loss

    if answers.probabilities is None or traits.classes is None:
        return None
    classes = list(traits.classes)
    return float(log_loss(answers.truth, answers.probabilities, labels=classes))


def _auc(answers: Answers, traits: Traits) -> float | None:
    from sklearn.metrics import roc_auc_score

    if answers.probabilities is None or traits.classes is None:
        return None
    classes = list(traits.classes)
    if len(classes) == 2:  # noqa: PLR2004 — the second class is the positive one
        return float(roc_auc_score(answers.truth == classes[1], answers.probabilities[:, 1]))
    return float(roc_auc_score(answers.truth, answers.probabilities, multi_class="ovr", labels=classes))


def _silhouette(answers: Answers, _: Traits) -> float:
    from sklearn.metrics import silhouette_score

    sample = SILHOUETTE_ROWS if len(answers.guess) > SILHOUETTE_ROWS else None
    return float(silhouette_score(answers.matrix, answers.guess, sample_size=sample, random_state=0))


_WEIGHTED: Mapping[str, Any] = {"average": "weighted", "zero_division": 0}

COMPUTED_BY: Mapping[str, Compute] = MappingProxyType(
    {
        "accuracy": _compare("accuracy_score"),
        "f1": _compare("f1_score", **_WEIGHTED),
        "precision": _compare("precision_score", **_WEIGHTED),
        "recall": _compare("recall_score", **_WEIGHTED),
        "logLoss": _log_loss,
        "auc": _auc,
        "rmse": _compare("root_mean_squared_error"),
        "mse": _compare("mean_squared_error"),
        "mae": _compare("mean_absolute_error"),
        "r2": _compare("r2_score"),
        "mape": _compare("mean_absolute_percentage_error"),
        "silhouette": _silhouette,
    }
)
"""How each of ``models.METRICS`` is computed."""
