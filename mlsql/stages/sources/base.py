"""What a source can do: read a table from a path, write one to it, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mlsql.grammar.nodes import SaveMode, Word
from mlsql.session import Run

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@runtime_checkable
class Reads(Protocol):
    """Can be loaded from."""

    @property
    def read_options(self) -> type[Any]:
        """What a ``load`` may say."""
        ...

    def read(self, run: Run, path: Word, options: Any, /) -> DataFrame:
        """The table at *path*, which is as written: a source of files asks the policy about it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """What a source takes that has nothing to be told."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a ``save`` writes to, and what becomes of what lies there."""

    path: Word
    mode: SaveMode
    partition_by: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a ``save`` wrote: its place, how many rows (None: not known), in how many files."""

    place: str
    rows: int | None
    files: int


@runtime_checkable
class Writes(Protocol):
    """Can be saved to."""

    @property
    def write_options(self) -> type[Any]:
        """What a ``save`` may say."""
        ...

    def write(self, run: Run, frame: DataFrame, target: Target, options: Any, /) -> Written:
        """Write *frame*, evaluating it once."""
        ...


@runtime_checkable
class Connects(Protocol):
    """Can be connected to: an alias then stands for the options that say how it is reached."""

    @property
    def connect_options(self) -> type[Any]:
        """What a ``connect`` may say; what it says holds for each ``load`` and ``save`` by the alias."""
        ...


@runtime_checkable
class Documented(Protocol):
    """Says what it is."""

    @property
    def doc(self) -> str:
        """One sentence."""
        ...


Source = Reads | Writes | Connects
