"""A stored network and its answers; this file is stored with every network and imports nothing of ours."""

from __future__ import annotations

import json
import pickle
import runpy
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

CHUNK = 4096
"""Rows that the network sees at a time."""
NETWORK, DESCRIPTION, ENCODER, SCRIPT = "network.keras", "network.json", "encoder.pickle", "network.py"


@dataclass(frozen=True)
class Description:
    """What the network itself does not say."""

    columns: Sequence[str]
    """Names of the inputs; none where it takes a matrix."""
    classes: Sequence[Any] | None = None
    """What the outputs are the probabilities of; None for a network that regresses."""
    mean: float = 0.0
    deviation: float = 1.0
    """Of a number that it answers with."""
    vocabulary: int | None = None
    """Word indices are below it."""


@dataclass(frozen=True)
class Network:
    """A network that answers for a matrix or a pandas frame."""

    model: Any
    description: Description
    encoder: Any = None
    """Makes the matrix of a frame with texts."""

    def predict(self, features: Any) -> Any:
        """The label of the most probable class, or a number, for each row."""
        outputs = self._outputs(features)
        if self.description.classes is None:
            return outputs[:, 0] * self.description.deviation + self.description.mean
        return self.labels[outputs.argmax(axis=1)]

    @property
    def labels(self) -> Any:
        """The classes as an array of their own type, texts as objects."""
        classes = self.description.classes
        return np.array(classes, dtype=object if classes and isinstance(classes[0], str) else None)

    def probabilities(self, features: Any) -> Any:
        """How probable each class is, a row for each row of *features*."""
        outputs = self._outputs(features)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def _outputs(self, features: Any) -> Any:
        found = [*self._chunks(self._matrix(features))]
        outputs = self.model.output_shape[-1]
        return np.concatenate([np.empty((0, outputs)), *found])

    def _chunks(self, matrix: Any) -> Iterator[Any]:
        for start in range(0, len(matrix), CHUNK):
            yield np.asarray(self.model(matrix[start : start + CHUNK], training=False), dtype="float64")

    def _matrix(self, features: Any) -> Any:
        if hasattr(features, "columns"):
            features = features[list(self.description.columns)]
        if self.encoder is not None:
            features = self.encoder.transform(features)
        if hasattr(features, "toarray"):  # a sparse matrix of SciPy
            features = features.toarray()
        matrix = np.asarray(features, dtype="float32")
        if self.description.vocabulary is None:
            return matrix
        return np.where((matrix >= 0) & (matrix < self.description.vocabulary), matrix, 0)

    def save(self, folder: Path, script: str | None = None) -> None:
        """Write everything into *folder*, with the *script* that made the network and this file."""
        folder.mkdir(parents=True)
        self.model.save(folder / NETWORK)
        description = json.dumps(asdict(self.description), ensure_ascii=False)
        (folder / DESCRIPTION).write_text(description, encoding="utf-8")
        if self.encoder is not None:
            (folder / ENCODER).write_bytes(pickle.dumps(self.encoder))
        if script is not None:
            (folder / SCRIPT).write_text(script, encoding="utf-8")
        source = Path(__file__)
        (folder / source.name).write_bytes(source.read_bytes())


def load(folder: str) -> Network:
    """The network that lies in *folder*; its script is run first, which may define layers of its own."""
    import keras

    place = Path(folder)
    script, encoder = place / SCRIPT, place / ENCODER
    own = runpy.run_path(str(script)) if script.exists() else {}
    model = keras.saving.load_model(
        place / NETWORK,
        compile=False,
        safe_mode=not own,
        custom_objects={name: each for name, each in own.items() if callable(each)},
    )
    description = Description(**json.loads((place / DESCRIPTION).read_text(encoding="utf-8")))
    return Network(model, description, pickle.loads(encoder.read_bytes()) if encoder.exists() else None)  # noqa: S301
