"""A fitted network: what it is, what it says of a dataset, and how it is stored."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Answers, Traits
from mlsql.bridge.trainers.tensorflow.answering import CHUNK, Network
from mlsql.bridge.trainers.tensorflow.signatures import example, signature
from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    import pandas as pd

    from mlsql.bridge.dataset import Dataset, Matrix

LIBRARIES = ("mlflow", "keras", "numpy", "pandas")
FLAVOR, FOLDER, LOGS = "mlsql_keras", "artifacts/network", "tensorboard"
"""What ``MLmodel`` calls our form; where in the model the network lies, and where its logs."""

_STORED = '''\
"""How MLflow asks the network that is stored here."""

import runpy

import mlflow


class StoredNetwork(mlflow.pyfunc.PythonModel):
    """Runs the code that is stored with the network."""

    _skip_type_hint_validation = True  # else MLflow asks for hints

    def load_context(self, context):
        folder = context.artifacts["network"]
        self.network = runpy.run_path(folder + "/answering.py")["load"](folder)

    def predict(self, context, model_input, params=None):
        return self.network.predict(model_input)


mlflow.models.set_model(StoredNetwork())
'''


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """A network with the first rows of what it was fitted on, and the logs of the fit."""

    network: Network
    kind: ModelKind
    columns: Columns
    width: int
    rows: Matrix | pd.DataFrame
    script: str | None = None
    logs: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def traits(self) -> Traits:
        """What the network is."""
        classes = self.network.description.classes
        return Traits(
            kind=self.kind,
            features=self.width,
            answer=self._answer(),
            classes=None if classes is None else tuple(classes),
            libraries=self._libraries(),
        )

    def answers(self, data: Dataset) -> Answers:
        """What the network says of the rows of *data*, of which few are in memory at a time."""
        classes = self.network.description.classes
        outputs = np.concatenate(
            [np.empty((0, 1 if classes is None else len(classes))), *self._outputs(data)]
        )
        probabilities = None if classes is None else outputs
        guess = outputs[:, 0] if classes is None else self.network.labels[outputs.argmax(axis=1)]
        # The matrix is for metrics of clusterings, which no network is.
        return Answers(
            matrix=np.empty((len(guess), 0)), truth=data.labels(), guess=guess, probabilities=probabilities
        )

    def save(self, directory: Path) -> None:
        """Store it with the code that it needs to answer, which MLflow's pyfunc runs."""
        import mlflow.pyfunc
        from mlflow.models import Model

        described = Model()
        described.add_flavor(FLAVOR, kind=self.kind)
        with tempfile.TemporaryDirectory() as folder, _quiet():
            code, network = Path(folder) / "stored_network.py", Path(folder) / "network"
            code.write_text(_STORED, encoding="utf-8")
            self.network.save(network, self.script)
            mlflow.pyfunc.save_model(
                str(directory),
                python_model=str(code),
                artifacts={"network": str(network)},
                mlflow_model=described,
                pip_requirements=[f"{name}=={number}" for name, number in self._libraries().items()],
                signature=signature(self.columns, self.width, self._answer()),
                input_example=example(self.columns, self.rows),
            )
        logs = directory / LOGS
        logs.mkdir()
        for name, content in self.logs.items():
            (logs / name).write_bytes(content)

    def _outputs(self, data: Dataset) -> Iterator[Matrix]:
        """Probabilities or numbers, some rows at a time."""
        ask = self.network.predict if self.kind == "regressor" else self.network.probabilities
        if self.network.encoder is not None:
            yield ask(data.inputs()).reshape(data.rows, -1)
            return
        for matrix, _ in data.batches(CHUNK, dtype="float32"):
            yield ask(matrix).reshape(len(matrix), -1)

    def _answer(self) -> str:
        if self.kind == "regressor" or self.columns.label is None:
            return "double"
        kind = self.columns.label.type
        return "double" if kind.startswith("decimal") else kind

    def _libraries(self) -> dict[str, str]:
        import tensorflow as tf

        encoding = () if self.network.encoder is None else ("scikit-learn",)
        return {"tensorflow": tf.__version__} | {name: version(name) for name in (*LIBRARIES, *encoding)}


@contextmanager
def _quiet() -> Iterator[None]:
    """A block in which MLflow keeps its advice, and its search for packages of 1.3 s, to itself."""
    from mlflow.utils import requirements_utils

    # 3.17 lists the files of every installed package to compare our pinned versions with them.
    vars(requirements_utils)["_MODULES_TO_PACKAGES"] = {}
    for name in ("mlflow.pyfunc", "mlflow.models.model", "mlflow.models.signature"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
