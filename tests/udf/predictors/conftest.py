"""Fitted models in a store, with the forms that a training finds of them, written without MLflow."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.encoding import encoder
from mlsql.bridge.trainers.forms import Library
from mlsql.bridge.trainers.sklearn_fits import some_rows
from mlsql.bridge.trainers.sklearn_models import FittedEstimator
from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, StoredModel
from mlsql.models.store import DirectoryModelStore

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "age": RANDOM.normal(40, 10, 900),
        "city": RANDOM.choice(["Rome", "Bonn", "Oslo"], 900),
        "visits": RANDOM.integers(0, 9, 900),
        "member": RANDOM.random(900) < 0.5,
    }
)
LABELS = (TABLE["age"] + 10 * (TABLE["city"] == "Rome") > 42).astype(int).to_numpy()


@dataclass(frozen=True)
class Trained:
    """A stored model, and what it was made of."""

    stored: StoredModel
    library: Library

    @property
    def path(self) -> str:
        """Where the model lies."""
        return self.stored.ref.path

    @property
    def folder(self) -> Path:
        """The folder of its candidate."""
        return Path(self.stored.directory(0))

    @property
    def forms(self) -> dict[str, Any]:
        """What was found out of each form."""
        return {each.name: each for each in self.stored.manifest.candidates[0].forms}


@pytest.fixture(scope="session")
def train(tmp_path_factory):
    """Fits an estimator on a frame (columns form) or a matrix (features form) and stores what it finds."""

    def fit_and_store(estimator, rows, labels, *, kind="classifier", invalid="error", label="int"):
        columns = _columns(rows, kind, invalid, label)
        front = encoder(columns, estimator) if columns.has_categories else None
        matrix = front.fit_transform(rows) if front is not None else np.asarray(rows, dtype=float)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fits that are cut short
            estimator.fit(matrix, labels)
        given = some_rows(rows if front is not None else matrix)
        width = matrix.shape[1]
        fitted = FittedEstimator(estimator, kind, columns, width, given[:3], front, sample=given)
        with DirectoryModelStore().begin(str(tmp_path_factory.mktemp("model"))) as draft:
            folder = draft.directory / "model" / "0"
            folder.mkdir(parents=True)
            stored = draft.commit(_manifest(fitted, fitted.store_forms(folder)))
        return Trained(stored, Library(estimator, front))

    return fit_and_store


@pytest.fixture(scope="session")
def mixed(train):
    """A model of numbers, texts and booleans."""
    return train(LogisticRegression(), TABLE, LABELS)


def _columns(rows, kind, invalid, label):
    labelled = None if kind == "clusterer" else Column("label", label)
    if not hasattr(rows, "columns"):
        return Columns("features", (Column("features", "array<double>"),), labelled, invalid=invalid)
    types = {"float64": "double", "int64": "bigint", "bool": "boolean", "object": "string"}
    named = tuple(Column(name, types[str(rows[name].dtype)]) for name in rows.columns)
    return Columns("columns", named, labelled, invalid=invalid)


def _manifest(fitted, forms):
    traits = fitted.traits
    done = CandidateRecord(
        index=0,
        algorithm=type(fitted.estimator).__name__,
        params={},
        status="success",
        started="",
        ended="",
        seconds=0.0,
        rows=1,
        forms=forms,
    )
    return Manifest(
        algorithm="SKLearn",
        kind=traits.kind,
        form=fitted.columns.form,
        inputs=fitted.columns.features,
        features=traits.features,
        output=traits.answer,
        invalid=fitted.columns.invalid,
        classes=traits.classes,
        candidates=(done,),
        data=DataRecord(rows=1, bytes=1, checksum="00000000", transport="memory"),
    )
