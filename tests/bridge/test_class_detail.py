"""What is kept of a classifier's answers, class by class, is what scikit-learn says of them."""

from __future__ import annotations

import numpy as np
import pytest

from mlsql.bridge.class_detail import MOST_CLASSES, MOST_CONFUSED, class_detail
from mlsql.bridge.trainer import Answers, Traits


def detail_of(truth, guess, classes, kind="classifier"):
    """The detail of these labels."""
    answers = Answers(matrix=np.zeros((len(truth), 1)), truth=np.array(truth), guess=np.array(guess))
    return class_detail(answers, Traits(kind=kind, features=1, answer="string", classes=classes))


def test_each_class_has_its_figures_and_the_answers_that_its_rows_got():
    """In the order of the classes; a class without a row or an answer has zeros."""
    detail = detail_of(["a", "a", "b", "b"], ["a", "b", "b", "b"], ("a", "b", "c"))
    assert detail.classes == ("a", "b", "c")
    assert detail.precision == (1.0, pytest.approx(2 / 3), 0.0)
    assert detail.recall == (0.5, 1.0, 0.0)
    assert detail.f1 == (pytest.approx(2 / 3), pytest.approx(0.8), 0.0)
    assert detail.support == (2, 2, 0)
    assert detail.confusion == ((1, 1, 0), (0, 2, 0), (0, 0, 0))


def test_a_class_that_training_did_not_see_comes_behind_the_others():
    """Its rows are all wrong."""
    detail = detail_of([0, 2, 1, 2], [0, 1, 1, 0], (0, 1))
    assert (detail.classes, detail.support, detail.recall) == ((0, 1, 2), (1, 1, 2), (1.0, 1.0, 0.0))
    assert detail.confusion[2] == (1, 1, 0)


def test_very_many_classes_have_no_matrix_and_then_no_detail():
    """A matrix of a million numbers is read by nobody."""
    for count, has_detail in ((MOST_CONFUSED + 1, True), (MOST_CLASSES + 1, False)):
        detail = detail_of([0, 1], [0, 1], tuple(range(count)))
        assert (detail is not None) == has_detail
        assert detail is None or (detail.confusion is None and len(detail.f1) == count)


def test_other_kinds_have_no_detail():
    """A regressor has no classes."""
    assert detail_of([0.5], [0.4], None, kind="regressor") is None
