"""How a classifier did on each class: precision, recall, f1, and which answers the rows of a class got."""

from __future__ import annotations

from typing import Any

from mlsql.bridge.trainer import Answers, Traits
from mlsql.models.summaries import ClassDetail

MOST_CLASSES = 1_000
"""Of a classifier with more classes nothing is kept, for it could not be read."""
MOST_CONFUSED = 50
"""Of one with more classes there is no confusion matrix, which has a number for each pair of them."""


def class_detail(answers: Answers, traits: Traits) -> ClassDetail | None:
    """The detail of *answers*; None of what is no classifier, or one of too many classes.

    Classes that are only in the truth, and not in training, come behind the others.
    """
    if traits.kind != "classifier" or answers.truth is None or traits.classes is None:
        return None
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = [*traits.classes, *_others(answers, traits)]
    if len(classes) > MOST_CLASSES:
        return None
    figures = precision_recall_fscore_support(answers.truth, answers.guess, labels=classes, zero_division=0)
    precision, recall, f1, support = (tuple(each.tolist()) for each in figures)
    confusion = None
    if len(classes) <= MOST_CONFUSED:
        counts = confusion_matrix(answers.truth, answers.guess, labels=classes)
        confusion = tuple(map(tuple, counts.tolist()))
    return ClassDetail(
        classes=tuple(classes),
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        confusion=confusion,
    )


def _others(answers: Answers, traits: Traits) -> list[Any]:
    """The labels in the truth that the model does not know, in ascending order."""
    import numpy as np

    found = np.unique(answers.truth) if answers.truth is not None else np.empty(0)
    return sorted(set(found.tolist()) - set(traits.classes or ()))
