"""A form answers only where it was found exact; what was found is told, and kept in the manifest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlsql.bridge.trainers import forms
from mlsql.bridge.trainers.forms import Forms, Library
from mlsql.bridge.trainers.plain_forms import converted
from mlsql.forms import FormRecord, bulk_form, serving_form, told_forms
from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest

ROWS = np.random.default_rng(0).normal(size=(100, 3))
LABELS = (ROWS[:, 0] > 0).astype(int)

PLAIN = FormRecord(name="plain", exact=True, difference=2e-12, microseconds=9.5, bulk=3.0)
LIBRARY = FormRecord(name="library", exact=True, microseconds=400.0, bulk=1.0)
OTHER = FormRecord(name="onnx", exact=False, reason="0.50% of the labels are others", microseconds=1.0)


def tampered(**changes):
    """The conversion of an estimator to a model with other numbers."""
    return lambda *given: dataclasses.replace(converted(*given), **changes)


def test_the_fastest_exact_form_is_chosen():
    """For one row and for many apart; one that is not exact never, however fast."""
    assert serving_form([OTHER, LIBRARY, PLAIN]) == "plain"
    assert bulk_form([OTHER, LIBRARY, PLAIN]) == "library"
    assert serving_form([OTHER]) is bulk_form([]) is None


def test_the_forms_are_told_in_a_line():
    """The one that answers first; why another does not last."""
    told = told_forms([OTHER, LIBRARY, PLAIN])
    assert told == "plain 9.5 µs, differs by 2e-12; library 400 µs; onnx not: 0.50% of the labels are others"
    assert told_forms([]) is None
    assert str(dataclasses.replace(LIBRARY, microseconds=1240.4)) == "library 1,240 µs"


def test_a_manifest_keeps_the_forms():
    """And one of before there were any is still read."""
    done = CandidateRecord(
        index=0,
        algorithm="any",
        params={},
        status="success",
        started="",
        ended="",
        seconds=0.0,
        rows=1,
        forms=(PLAIN, OTHER),
    )
    manifest = Manifest(
        algorithm="SKLearn",
        kind="classifier",
        form="columns",
        inputs=(Column("a", "double"),),
        features=1,
        output="int",
        candidates=(done,),
        data=DataRecord(rows=1, bytes=1, checksum="00000000", transport="memory"),
    )
    text = manifest.to_json()
    assert Manifest.from_json(text).candidates[0].forms == (PLAIN, OTHER)
    assert '"forms"' in text
    old = dataclasses.asdict(done)
    del old["forms"]
    assert CandidateRecord(**old).forms == ()


@pytest.mark.parametrize(
    ("estimator", "labels", "changes", "reason"),
    [
        (LogisticRegression(), LABELS, {"threshold": 0.5}, "of the labels are others"),
        (LogisticRegression(), LABELS, {"link": "none"}, "probabilities"),
        (LinearRegression(), ROWS[:, 1], {"intercept": 1e-6}, "doubles differ by up to"),
    ],
)
def test_a_gate_that_fails_is_told(estimator, labels, changes, reason, tmp_path, monkeypatch):
    """The library answers then, and nothing of the form is left."""
    estimator.fit(ROWS, labels)
    monkeypatch.setattr(forms, "converted", tampered(**changes))
    monkeypatch.setattr(forms.Forms, "_onnx", lambda *_: OTHER)
    plain, *_, library = Forms(Library(estimator), ROWS).store(tmp_path)
    assert reason in plain.reason
    assert not plain.exact
    assert library.exact
    assert not (tmp_path / "plain").exists()


def test_a_fit_is_kept_whatever_becomes_of_its_forms(tmp_path):
    """What was raised is told, and the library answers."""

    class Moody(LogisticRegression):
        def predict(self, features):
            raise RuntimeError("not today")

    plain, library = Forms(Library(Moody().fit(ROWS, LABELS)), ROWS).store(tmp_path)
    assert not plain.exact
    assert library.exact
    assert serving_form([plain, library]) is None
