"""The functions that a scorer answers, and the models behind them, as the SQL lane sees them too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from mlsql.errors import ScriptError
from mlsql.models.manifest import Column
from mlsql.registrations import Registration

Companion = Literal["", "proba", "all"]
"""Which of ``f``, ``f_proba`` and ``f_all`` is meant."""


class ReadyModel(Protocol):
    """A stored model in the form in which it answers fastest; ``mlsql.udf.predictors.ready`` opens it."""

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that it takes, in the order of the arguments."""
        ...

    @property
    def output(self) -> str:
        """The Spark type of an answer."""
        ...

    @property
    def has_probabilities(self) -> bool:
        """Whether it can tell how probable each class is."""
        ...

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        ...

    def answer(self, values: Sequence[object], /) -> object:
        """The answer for one row, by position; a null among *values* as its manifest says."""
        ...

    def probabilities(self, values: Sequence[object], /) -> list[float] | None:
        """How probable each class is for one row."""
        ...

    def answers(self, columns: Mapping[str, Sequence[object]], /) -> list[object]:
        """The answers for many rows."""
        ...

    def many_probabilities(self, columns: Mapping[str, Sequence[object]], /) -> list[list[float] | None]:
        """The probabilities for many rows."""
        ...


class Served(Protocol):
    """A function whose model is loaded."""

    def one(self, values: Sequence[object], companion: Companion = "", /) -> object:
        """The answer for one row, by position."""
        ...

    def many(self, rows: Sequence[Sequence[object]], companion: Companion = "", /) -> Sequence[object]:
        """The answer for each of several rows."""
        ...


class Functions(Protocol):
    """What :class:`~mlsql.udf.serving.sql_lane.SqlLane` is made with."""

    @property
    def revision(self) -> int:
        """Another number after each change of what is registered."""
        ...

    def names(self, caller: str) -> Mapping[str, Registration]:
        """What *caller* may call, by the name that he calls it; nothing is loaded."""
        ...

    def is_loaded(self, caller: str, name: str) -> bool:
        """Whether :meth:`served` gives it without waiting."""
        ...

    def served(self, caller: str, name: str) -> Served:
        """The function *name* (``f``, ``f@3``, ``ann.f``) with its model, loaded if it is not yet.

        Raises UnknownFunction, or what is wrong with the model.
        """
        ...


class AnsweredElsewhere(ScriptError):
    """A function that runs code of its owner's: the scorer at *door*, in the same folder, answers it."""

    def __init__(self, function: str, door: str) -> None:
        self.function, self.door = function, door
        super().__init__(f"'{function}' is answered at the door {door}")


def door_of(owner: str) -> str:
    """The name, without its kind, of the door at which models are answered that run code of *owner*."""
    return f"own-{hashlib.sha256(owner.encode()).hexdigest()[:12]}"
