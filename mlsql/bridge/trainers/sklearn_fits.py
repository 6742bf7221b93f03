"""How an estimator is fitted: on the whole matrix, or in batches, from the start or going on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainer import Params, Run
from mlsql.bridge.trainers.classes import behind_classes
from mlsql.bridge.trainers.encoding import encoder
from mlsql.bridge.trainers.reading import check_width, takes_sparse
from mlsql.bridge.trainers.sklearn_models import FittedEstimator
from mlsql.models.manifest import ModelKind
from mlsql.options import Kind, integer

if TYPE_CHECKING:
    import pandas as pd

    from mlsql.bridge.batching import Piece
    from mlsql.bridge.dataset import Dataset, Matrix

SIZE, EPOCHS, SEED = "batchSize", "epochs", "seed"
BATCHING = (SIZE, EPOCHS, SEED)
"""Parameters that are ours, and not the estimator's."""
_KINDS: Mapping[str, Kind[int]] = {SIZE: integer(1), EPOCHS: integer(1), SEED: integer(0, 2**32 - 1)}
_DEFAULT_SIZE = 1024
EXAMPLE_ROWS = 3
SAMPLE_ROWS = 200
"""Of the training, by which faster forms of a model are compared with it."""
_MOST_WIDE = 10_000
"""Rows that are wider are no sample: made dense they take long."""


@dataclass(frozen=True, slots=True)
class Batching:
    """That an estimator is fitted in batches of *size* rows, in an order that *seed* draws every epoch."""

    size: int
    epochs: int
    seed: int


def read_batching(params: Params) -> tuple[Batching | None, list[OptionFault]]:
    """What *params* say of batches, None when nothing; and what is wrong with it."""
    values: dict[str, int] = {}
    faults: list[OptionFault] = []
    for name in (name for name in BATCHING if name in params):
        try:
            values[name] = _KINDS[name].read(params[name])
        except ValueError:
            message = f"{name} is {_KINDS[name].expected}, not '{params[name]}'"
            faults.append(OptionFault(message, option=name))
    if not values.keys() & {SIZE, EPOCHS}:
        return None, faults
    return Batching(values.get(SIZE, _DEFAULT_SIZE), values.get(EPOCHS, 1), values.get(SEED, 0)), faults


@dataclass(frozen=True, slots=True)
class Given:
    """What an estimator is fitted on, and the first rows as they are before the *encoder*."""

    data: Dataset
    example: Matrix | pd.DataFrame | None
    is_sparse: bool = False
    piece: Piece | None = None
    """All rows; None where batches come out of the file."""
    encoder: Any = None
    sample: Matrix | pd.DataFrame | None = None

    def epochs(self, batching: Batching) -> Iterator[Iterator[Piece]]:
        """The batches of each epoch, in the order that the seed draws."""
        for number in range(batching.epochs):
            if self.piece is None:
                yield self.data.epoch(batching.size, number, seed=batching.seed, sparse=self.is_sparse)
            else:
                yield _shuffled(self.piece, batching, number)

    def fitted(self, estimator: Any, kind: ModelKind) -> FittedEstimator:
        """The *estimator* when it is fitted on this."""
        width = self.data.features if self.piece is None else int(self.piece.matrix.shape[1])
        return FittedEstimator(
            estimator,
            kind,
            self.data.columns,
            width,
            self.example,
            self.encoder,
            self.is_sparse,
            self.sample,
        )


def read_given(data: Dataset, estimator: Any, before: FittedEstimator | None, *, whole: bool) -> Given:
    """The rows of *data* for *estimator*: *whole*, or as batches that never hold them all.

    Texts are encoded at once: as *before*, where the fit goes on from that.
    """
    from mlsql.bridge.batching import Piece

    sparse = takes_sparse(estimator)
    if data.columns.has_categories:
        return _encoded(data, estimator, None if before is None else before.encoder)
    if not whole:
        first = next(data.epoch(SAMPLE_ROWS, 0, sparse=sparse)).matrix
        is_sparse = sparse and data.is_sparse
        return Given(
            data, None if is_sparse else first[:EXAMPLE_ROWS].copy(), is_sparse, sample=some_rows(first)
        )
    matrix, label = data.arrays(sparse=sparse)
    piece = Piece(matrix, label, data.weights())
    if sparse and data.is_sparse:
        return Given(data, None, is_sparse=True, piece=piece, sample=some_rows(matrix))
    return Given(data, matrix[:EXAMPLE_ROWS].copy(), piece=piece, sample=some_rows(matrix))


def some_rows(rows: Any) -> Any:
    """Some of the *rows* from all over them, dense."""
    import numpy as np

    if rows.shape[1] > _MOST_WIDE:
        return None
    places = np.unique(np.linspace(0, rows.shape[0] - 1, SAMPLE_ROWS, dtype=int))
    if hasattr(rows, "columns"):
        return rows.iloc[places].reset_index(drop=True)
    taken = rows[places]
    return taken.toarray() if hasattr(taken, "toarray") else taken


def _encoded(data: Dataset, estimator: Any, front: Any) -> Given:
    from mlsql.bridge.batching import Piece

    frame = data.inputs()
    if front is None:
        check_width(estimator, data)
        front = encoder(data.columns, estimator)
        matrix = front.fit_transform(frame)
    else:
        matrix = front.transform(frame)
    piece = Piece(matrix, data.labels(), data.weights())
    example = frame.head(EXAMPLE_ROWS).copy()
    return Given(data, example, piece=piece, encoder=front, sample=some_rows(frame))


def fit_whole(estimator: Any, given: Given, *, is_further: bool) -> Any:
    """*estimator* after one ``fit`` on all rows; *is_further*: which starts from what it has learnt."""
    assert given.piece is not None
    if is_further:
        kept = estimator.get_params(deep=False)["warm_start"]
        _fit(estimator.set_params(warm_start=True), given.piece)
        return estimator.set_params(warm_start=kept)
    estimator = behind_classes(estimator, given.data.classes)
    return _fit(estimator, given.piece)


def _fit(estimator: Any, piece: Piece) -> Any:
    weights = {} if piece.weight is None else {"sample_weight": piece.weight}
    return estimator.fit(piece.matrix, piece.label, **weights)


def fit_in_batches(estimator: Any, given: Given, batching: Batching, run: Run) -> None:
    """``partial_fit`` on every batch of every epoch; it tells how far it is, and the loss it knows."""
    import numpy as np

    takes_classes = "classes" in inspect.signature(estimator.partial_fit).parameters
    classes = getattr(estimator, "classes_", given.data.classes)
    fixed = {"classes": np.array(classes)} if takes_classes else {}
    for number, pieces in enumerate(given.epochs(batching), 1):
        for piece in pieces:
            weights = {} if piece.weight is None else {"sample_weight": piece.weight}
            estimator.partial_fit(piece.matrix, piece.label, **fixed, **weights)
        loss = getattr(estimator, "loss_", None)
        told = f", loss {loss:.4g}" if isinstance(loss, float) else ""
        run.progress(f"epoch {number} of {batching.epochs}{told}", number / batching.epochs)


def _shuffled(piece: Piece, batching: Batching, epoch: int) -> Iterator[Piece]:
    import numpy as np

    from mlsql.bridge.batching import resized

    order = np.random.default_rng([batching.seed, epoch]).permutation(piece.rows)
    return resized(iter([piece.take(order)]), batching.size)
