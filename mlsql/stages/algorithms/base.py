"""What an algorithm can do: train a model, turn a table into another, predict with a model.

``train`` and ``run`` are the same call, made to whatever an algorithm can; ``predict`` asks for
:class:`Predicts`. ``register`` makes functions of the models that an algorithm has stored, unless the
algorithm :class:`Defines` a function by what the statement says: code of the user's, a chain of models.
An algorithm says what it can by the methods that it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from mlsql.bridge.trainers.estimators import Estimator
from mlsql.grammar.nodes import Word
from mlsql.models.manifest import CandidateRecord, StoredModel
from mlsql.options import Options
from mlsql.session import FunctionSignature, Run, Session
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
    algorithm: Word
    path: Word
    options: OptionsT
    given: Options
    span: Span
    is_named: bool = True
    """Whether the statement says what the table made is called; else nothing can ask for it."""


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
    def predict_options(self) -> type[Any]:
        """What a ``predict`` may say."""
        ...

    def predict(self, call: Call[Any], run: Run, /) -> DataFrame:
        """The table with its rows and columns kept, and ``prediction``."""
        ...


@runtime_checkable
class Judges(Protocol):
    """Knows how good its stored models are."""

    def judge(
        self, call: Call[Any], stored: StoredModel, candidate: CandidateRecord, run: Run, /
    ) -> Mapping[str, float]:
        """The metrics of *candidate* on the table of *call*, which is that of ``run … as Evaluate``."""
        ...


@runtime_checkable
class Registers(Protocol):
    """Makes functions of its stored models in its own way: others answer as ``manifest.output`` says."""

    def register(
        self, session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, /
    ) -> FunctionSignature:
        """Make *candidate* callable as *name* in the SQL of *session*, with what belongs to it.

        The signatures of all functions made stand in ``session.functions``, companions with
        ``companion_of``; the one called *name* is returned.
        """
        ...


@dataclass(frozen=True, slots=True)
class RegisterCall(Generic[OptionsT]):
    """One register statement, as an algorithm that defines functions sees it; see :class:`Call`."""

    function: Word
    algorithm: Word
    path: Word
    options: OptionsT
    given: Options
    span: Span


@runtime_checkable
class Defines(Protocol):
    """Makes a function by what a register statement says, with no stored model of its own at the path."""

    @property
    def define_options(self) -> type[Any]:
        """What a ``register`` may say."""
        ...

    def define(self, call: RegisterCall[Any], run: Run, /) -> FunctionSignature:
        """Make ``call.function`` callable in the SQL of ``run.session``; how it is called.

        The signatures of all functions made stand in ``session.functions``, companions with
        ``companion_of``; what had the name before is replaced, together with its companions.
        """
        ...


@runtime_checkable
class Checks(Protocol):
    """Knows before it is given a table what cannot be trained, or before it runs what cannot be defined."""

    def check(self, given: Options, /) -> None:
        """Raise it, as ``train`` would (ScriptErrors of several); a value with ``${…}`` is not judged."""
        ...


@runtime_checkable
class Described(Protocol):
    """Says what it is for, and shows it."""

    @property
    def doc(self) -> str:
        """What it does, in one sentence."""
        ...

    @property
    def example(self) -> str:
        """A script that runs as it stands."""
        ...


@runtime_checkable
class Surveyed(Protocol):
    """Fits models of many names, whose parameters are known without importing their library."""

    def survey(self) -> Mapping[str, Estimator]:
        """Each model by its name; empty when nothing is known."""
        ...


Algorithm = Trains | Transforms | Predicts | Defines
"""What ``train``, ``run``, ``predict`` and ``register`` name, looked up without regard to case."""
