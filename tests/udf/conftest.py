"""Models as a train stores them: MLflow folders with a manifest, made in a store of their own."""

import warnings
from dataclasses import dataclass
from typing import Any

import pytest

from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, StoredModel
from mlsql.models.store import DirectoryModelStore
from mlsql.spark.sessions import own_session


@dataclass(frozen=True)
class Model:
    """A stored model and the fitted estimator in it."""

    stored: StoredModel
    estimator: Any

    @property
    def candidate(self):
        """The one candidate it has."""
        return self.stored.manifest.candidates[0]

    @property
    def folder(self):
        """Its MLflow model."""
        return self.stored.directory(0)


@pytest.fixture(scope="session")
def store_model(tmp_path_factory):
    """Stores a fitted estimator: a new path each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        import mlflow.sklearn

    def store(estimator, inputs, *, form="columns", features=None, output="double", pickler="cloudpickle"):
        with DirectoryModelStore().begin(str(tmp_path_factory.mktemp("model"))) as draft:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                mlflow.sklearn.save_model(
                    estimator,
                    draft.directory / "model" / "0",
                    serialization_format=pickler,
                    pip_requirements=["scikit-learn"],
                )
            manifest = _manifest(inputs, form, features or len(inputs), output)
            return Model(draft.commit(manifest), estimator)

    return store


@pytest.fixture
def session(spark, builtin_functions):
    """A Spark session as an owner gets it."""
    session = own_session(spark)
    session.conf.set("spark.sql.shuffle.partitions", 1)
    builtin_functions.register(session)
    return session


def _manifest(inputs, form, features, output):
    done = CandidateRecord(
        index=0, algorithm="any", params={}, status="success", started="", ended="", seconds=0.0, rows=1
    )
    return Manifest(
        algorithm="SKLearn",
        kind="classifier",
        form=form,
        inputs=tuple(Column(*each) for each in inputs.items()),
        features=features,
        output=output,
        candidates=(done,),
        data=DataRecord(rows=1, bytes=1, checksum="00000000", transport="memory"),
    )
