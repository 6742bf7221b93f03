"""What an algorithm can do: train a model, turn a table into another, predict with a model.

``train`` and ``run`` are the same call, made to whatever an algorithm can; ``predict`` asks for
:class:`Predicts`. An algorithm says what it can by the methods that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from mlsql.grammar.nodes import Word
from mlsql.options import Options
from mlsql.session import Run
from mlsql.spans import Span

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True)
class Call(Generic[OptionsT]):
    """One train, run or predict statement, as an algorithm sees it.

    ``path`` is as written: an algorithm that uses it asks the policy. ``given`` is what
    ``options`` was read from, with the spans, by the keys that the algorithm declares.
    """

    frame: DataFrame
    path: Word
    options: OptionsT
    given: Options
    span: Span


@runtime_checkable
class Trains(Protocol):
    """Fits models and stores them at the path."""

    @property
    def options(self) -> type[Any]:
        """What a statement may say to it."""
        ...

    def train(self, call: Call[Any], run: Run, /) -> DataFrame:
        """One row a fitted model; an error means that nothing was stored."""
        ...


@runtime_checkable
class Transforms(Protocol):
    """Makes a table of a table, lazily."""

    @property
    def options(self) -> type[Any]:
        """What a statement may say to it."""
        ...

    def transform(self, call: Call[Any], run: Run, /) -> DataFrame:
        """The table made; it starts no Spark job unless the algorithm has to look at the data."""
        ...


@runtime_checkable
class Predicts(Protocol):
    """Adds the answers of a stored model to a table."""

    @property
    def options(self) -> type[Any]:
        """What a statement may say to it."""
        ...

    def predict(self, call: Call[Any], run: Run, /) -> DataFrame:
        """The table with its rows and columns kept, and ``prediction``."""
        ...


Algorithm = Trains | Transforms | Predicts
