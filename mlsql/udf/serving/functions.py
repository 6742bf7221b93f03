"""The functions that a scorer answers, and the models behind them, as the SQL lane sees them too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Served:
    """A function that a caller of the SQL lane may call: how it is registered, and its loaded model."""

    name: str
    """As this caller calls it: ``f``, or ``ann.f``."""
    registration: Registration
    model: ReadyModel


class Functions(Protocol):
    """What :class:`~mlsql.udf.serving.sql_lane.SqlLane` is made with; called outside the event loop."""

    def names(self, caller: str) -> Mapping[str, Registration]:
        """What *caller* may call, by the name that he calls it; nothing is loaded."""
        ...

    def served(self, caller: str, name: str) -> Served:
        """The function *name* (``f``, ``f@3``, ``ann.f``) with its model, loaded if it is not yet.

        Raises UnknownFunction, or what is wrong with the model.
        """
        ...


class AnsweredElsewhere(ScriptError):
    """A function that runs code of its owner's: the scorer at *socket*, in the same folder, answers it."""

    def __init__(self, function: str, socket: str) -> None:
        self.function, self.socket = function, socket
        super().__init__(f"'{function}' is answered at the socket {socket}")


def socket_of(owner: str) -> str:
    """The name of the socket at which models are answered that run code of *owner*."""
    return f"own-{hashlib.sha256(owner.encode()).hexdigest()[:12]}.sock"
