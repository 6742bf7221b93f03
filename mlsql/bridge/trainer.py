"""What a trainer is: it fits one candidate in a worker and hands back what can predict and be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Candidate, Columns
from mlsql.errors import ScriptErrors
from mlsql.forms import FormRecord
from mlsql.models.manifest import Label, ModelKind
from mlsql.registry import Registry

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset, Matrix

Params = Mapping[str, str]
"""The parameters of one candidate as the script gives them, without ``fitParam.N.``."""


class Run(Protocol):
    """What a trainer may tell while it fits."""

    def progress(self, doing: str, share: float | None = None) -> None:
        """How far the fit has come; *share* from 0 to 1."""
        ...

    def log(self, message: str, level: str = "info") -> None:
        """A line for the log of the run."""
        ...

    def metric(self, name: str, value: float) -> None:
        """A number that was measured."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a fitted model is, for its manifest and for whoever calls it."""

    kind: ModelKind
    features: int
    """The width of the matrix that it was fitted on."""
    answer: str
    """The Spark type of a prediction."""
    classes: tuple[Label, ...] | None = None
    """A classifier's classes in the order of its probabilities, in the label's type."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """The versions that its stored form needs, by package."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the fit itself has measured, for its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a model says about the rows of a table, beside the truth where there is one."""

    matrix: Matrix
    truth: Matrix | None
    guess: Matrix
    probabilities: Matrix | None = None
    """A column a class, in the order of ``Traits.classes``; None where the model has none."""


class Fitted(Protocol):
    """A fitted model, before it is stored."""

    @property
    def traits(self) -> Traits:
        """What it is."""
        ...

    def answers(self, data: Dataset) -> Answers | None:
        """What it says about *data*; None when it can only judge the rows that it was fitted on."""
        ...

    def save(self, directory: Path) -> None:
        """Store it in *directory* as an MLflow model that loads without this package."""
        ...


@runtime_checkable
class StoresForms(Protocol):
    """A fitted model that has faster forms than that of its library."""

    def store_forms(self, directory: Path) -> tuple[FormRecord, ...]:
        """Store them in *directory* beside what ``save`` has stored; what was found out of each form."""
        ...


class Trainer(Protocol):
    """Fits the candidates of one ``train … as NAME``; its class is made without arguments."""

    @property
    def flavor(self) -> str:
        """The MLflow module that ``Fitted.save`` uses; imported while the fit runs."""
        ...

    def kind(self, params: Params) -> ModelKind:
        """What kind of model *params* ask for; checks as :meth:`check` does."""
        ...

    def check(self, params: Params) -> None:
        """Raise OptionFault (ScriptErrors of several) for what cannot be.

        Runs in the driver and imports no library; a fault names the parameter without its prefix.
        """
        ...

    def takes_list(self, params: Params, name: str) -> bool:
        """Whether the parameter *name* takes a list, so that ``[4,5]`` is one value of it and no grid.

        Runs in the driver as :meth:`check` does; False for what is not known.
        """
        ...

    def prepare(self, params: Params) -> None:
        """Import what :meth:`train` will need, while the data is still on its way."""
        ...

    def continues(self, params: Params) -> bool:
        """Whether a fit with *params* can go on from a stored model.

        Runs in the driver as :meth:`check` does.
        """
        ...

    def train(self, data: Dataset, params: Params, run: Run, initial: Fitted | None = None) -> Fitted:
        """Fit on *data*, going on from *initial* where there is one.

        Whatever it raises becomes the candidate's message.
        """
        ...

    def load(self, directory: Path, columns: Columns) -> Fitted:
        """The model that ``Fitted.save`` stored in *directory*; *columns* are those it was fitted on."""
        ...


@runtime_checkable
class WeighsRows(Protocol):
    """A trainer that knows before the rows are sent whether a fit can weigh them."""

    def takes_weights(self, params: Params) -> bool:
        """Whether a fit with *params* can; runs in the driver as ``check`` does."""
        ...


def candidate_faults(trainer: Trainer, candidates: Sequence[Candidate]) -> list[OptionFault]:
    """Everything that is wrong with the parameters of *candidates*, each by its whole key.

    What several candidates of one group share is told once.
    """
    faults = (fault for candidate in candidates for fault in _faults(trainer, candidate))
    distinct = {(fault.option, fault.message): fault for fault in faults}
    return list(distinct.values()) or _faults_of_kinds(trainer, candidates)


def _faults(trainer: Trainer, candidate: Candidate) -> Iterator[OptionFault]:
    try:
        trainer.check(candidate.params)
    except OptionFault as fault:
        yield _whole(fault, candidate)
    except ScriptErrors as several:
        yield from (_whole(fault, candidate) for fault in several.errors if isinstance(fault, OptionFault))


def _whole(fault: OptionFault, candidate: Candidate) -> OptionFault:
    return OptionFault(fault.message, option=candidate.prefix + fault.option, hint=fault.hint)


def _faults_of_kinds(trainer: Trainer, candidates: Sequence[Candidate]) -> list[OptionFault]:
    """One training is for models of one kind."""
    kinds = {trainer.kind(candidate.params): candidate for candidate in candidates}
    if len(kinds) <= 1:
        return []
    (one, _), (other, candidate), *_ = kinds.items()
    message = f"one candidate is a {other}, another a {one}: a training is for models of one kind"
    return [OptionFault(message, option=f"{candidate.prefix}alg")]


def builtins() -> Registry[Trainer]:
    """The trainers that come with this package, and those of installed plug-ins."""
    trainers: Registry[Trainer] = Registry("trainer")
    trainers.add("SKLearn", "mlsql.bridge.trainers.sklearn:TRAINER")
    trainers.add("XGBoostExt", "mlsql.bridge.trainers.boosters:XGBOOST")
    trainers.add("LightGBM", "mlsql.bridge.trainers.boosters:LIGHTGBM")
    trainers.add("PythonAlg", "mlsql.bridge.trainers.script:TRAINER")
    networks = "mlsql.bridge.trainers.tensorflow.trainer"
    trainers.add("TensorFlow", f"{networks}:NETWORK")
    trainers.add("FCClassify", f"{networks}:FC_CLASSIFY")
    trainers.add("FCRegress", f"{networks}:FC_REGRESS")
    trainers.add("CNNClassify", f"{networks}:CNN_CLASSIFY")
    trainers.add("AttentionLSTMClassify", f"{networks}:ATTENTION_LSTM_CLASSIFY")
    trainers.add("LSTMRegress", f"{networks}:LSTM_REGRESS")
    trainers.add_plugins("mlsql.trainers")
    return trainers
