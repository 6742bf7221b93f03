"""A stored model in any Python program: ``mlsql.load_predictor``, without Spark and without a server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from mlsql.file_systems import is_remote
from mlsql.models.choice import choose
from mlsql.models.manifest import Column, Label, ModelStore
from mlsql.udf.predictors.ready import ReadyModel, ready

Row = Sequence[object] | Mapping[str, object]
"""The values of one row: by position, or by the names of the columns."""


@dataclass(frozen=True, slots=True)
class LoadedPredictor:
    """A stored model that answers here; threads may share it."""

    model: ReadyModel

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that it takes, in their order."""
        return self.model.inputs

    @property
    def output(self) -> str:
        """The Spark type of an answer."""
        return self.model.output

    @property
    def classes(self) -> tuple[Label, ...] | None:
        """A classifier's classes, in the order of their probabilities."""
        return self.model.classes

    @property
    def form(self) -> str:
        """In which form it answers: ``plain``, ``onnx`` or ``library``."""
        return self.model.form

    def predict(self, row: Row) -> Any:
        """The answer for one row; None where a null in it leaves it without one.

        Raises WrongRow, which names the column, for what the model does not take.
        """
        return self.model.answer(self._values(row))

    def probabilities(self, row: Row) -> list[float] | None:
        """How probable each class is for one row, in the order of :attr:`classes`."""
        return self.model.probabilities(self._values(row))

    def predict_many(self, rows: Iterable[Row] | Mapping[str, Sequence[object]]) -> list[Any]:
        """An answer a row, of rows or of columns by their names (a pandas frame is such)."""
        return self.model.answers(self._columns(rows))

    def probabilities_many(
        self, rows: Iterable[Row] | Mapping[str, Sequence[object]]
    ) -> list[list[float] | None]:
        """The probabilities of each row, in the same ways."""
        return self.model.many_probabilities(self._columns(rows))

    def _values(self, row: Row) -> Sequence[object]:
        return self.model.rows.named(row) if isinstance(row, Mapping) else row

    def _columns(self, rows: Any) -> Mapping[str, Sequence[object]]:
        if hasattr(rows, "columns") and hasattr(rows, "iloc"):
            return {name: rows[name].to_numpy() for name in rows.columns}
        return rows if isinstance(rows, Mapping) else self.model.rows.columns(map(self._values, rows))


def load_predictor(
    path: str | os.PathLike[str],
    *,
    version: int | None = None,
    index: int | None = None,
    metric: str | None = None,
) -> LoadedPredictor:
    """The model that a train has stored at *path*, a folder or a URI, ready to answer.

    That is the newest version, or *version*; of it the candidate *index*, or the best by *metric*,
    or by the usual one. MissingModel when there is none.
    """
    address = _address(path)
    stored = _store(address).open(address, version)
    return LoadedPredictor(ready(stored, choose(stored, index=index, metric=metric)))


def _address(path: str | os.PathLike[str]) -> str:
    """*path* as stores take it: of a ``file:`` URI the folder."""
    given = os.fspath(path)
    return unquote(urlsplit(given).path) if given.startswith("file:") else given


def _store(path: str) -> ModelStore:
    if is_remote(path):
        from mlsql.models.remote import RemoteModelStore

        return RemoteModelStore()
    from mlsql.models.store import DirectoryModelStore

    return DirectoryModelStore()
