"""``register Algorithm.path as function where …``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.forms import told_forms
from mlsql.grammar.nodes import Word
from mlsql.models.manifest import CandidateRecord, ModelStore, StoredModel
from mlsql.options import is_filled, option, option_errors
from mlsql.plan import RegisterStep
from mlsql.registrations import Registration
from mlsql.registry import Registry
from mlsql.session import FunctionSignature, Outcome, Run, Table
from mlsql.stages.algorithms.base import Algorithm, Checks, Defines, RegisterCall, Registers, Trains
from mlsql.stages.algorithms.choice import ModelAddress, ModelChoice, chosen_model
from mlsql.stages.faults import by_own_key, placed_at_options
from mlsql.stages.registered import OWNERS, definition_registration, model_registration, step_of
from mlsql.udf.companions import register_functions

_ROW = (
    "function string, signature string, path string, version int, group int, metrics map<string, double>,"
    " serving string"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOptions(ModelChoice):
    """Which model a function stands for, and who may call it besides the owner."""

    callers: tuple[str, ...] | None = option(
        "callers",
        OWNERS,
        "Other owners who may call it over HTTP and sockets; else those who may already.",
        default=None,
    )


@dataclass(frozen=True, slots=True)
class RegisterStage:
    """Make a stored model callable in SQL; the result is one row that says which and how.

    Beside the function come ``f_all`` and, of a model with probabilities, ``f_proba``.
    """

    algorithms: Registry[Algorithm]
    store: ModelStore

    def run(self, step: RegisterStep, run: Run, /) -> Outcome:
        """One row: function, signature, path, version, group, metrics, and in which form it answers."""
        registration, row = self._made(step, run)
        run.session.registrations.put(registration)
        return Table(None, run.spark.createDataFrame([row], _ROW))

    def restore(self, registration: Registration, run: Run, /) -> None:
        """Make what was registered earlier callable in the session of *run*."""
        self._made(step_of(registration), run)

    def _made(self, step: RegisterStep, run: Run) -> tuple[Registration, tuple[object, ...]]:
        """Make the function; what is kept of it, and the row that tells it."""
        name = step.algorithm
        algorithm = self.algorithms.get(name.text, span=name.span)
        if isinstance(algorithm, Defines):
            return _defined(algorithm, step, run)
        self._expect_models_of(name)
        choice = run.read_options(RegisterOptions, step.options, owner="register", span=step.span)
        address = ModelAddress(name, step.path)
        stored, candidate = chosen_model(self.store, address, choice, step.options, run)
        with run.guard(step.function.span):
            signature = self._registered(step, stored, candidate, run)
        row = (
            signature.name,
            str(signature),
            stored.directory(candidate.index),
            stored.ref.version,
            candidate.index,
            dict(candidate.metrics),
            told_forms(candidate.forms),
        )
        return model_registration(signature, stored, candidate, run.session, choice.callers), row

    def names_model(self, step: RegisterStep, /) -> bool:
        """Whether the path is that of a stored model, not what an algorithm defines a function by."""
        return self._definer(step) is None

    def check(self, step: RegisterStep, /) -> Iterator[ScriptError]:
        """What is wrong with the algorithm and the options."""
        definer = self._definer(step)
        if definer is not None:
            yield from _definition_errors(definer, step)
            return
        yield from option_errors(RegisterOptions, step.options, owner="register", span=step.span)
        if is_filled(step.algorithm.text):
            self._expect_models_of(step.algorithm)

    def _definer(self, step: RegisterStep) -> Defines | None:
        name = step.algorithm.text
        algorithm = self.algorithms.get(name) if name in self.algorithms else None
        return algorithm if isinstance(algorithm, Defines) else None

    def _registered(
        self, step: RegisterStep, stored: StoredModel, candidate: CandidateRecord, run: Run
    ) -> FunctionSignature:
        algorithm = self.algorithms.get(step.algorithm.text)
        register = algorithm.register if isinstance(algorithm, Registers) else register_functions
        return register(run.session, step.function.text, stored, candidate)

    def _expect_models_of(self, algorithm: Word) -> None:
        if not isinstance(self.algorithms.get(algorithm.text, span=algorithm.span), Trains):
            raise ScriptError(f"'{algorithm.text}' stores no models to register", span=algorithm.span)


def _defined(algorithm: Defines, step: RegisterStep, run: Run) -> tuple[Registration, tuple[object, ...]]:
    """The same row of a function that the statement itself says, which has no model."""
    name = step.algorithm
    options = run.read_options(algorithm.define_options, step.options, owner=name.text, span=name.span)
    given = by_own_key(algorithm.define_options, step.options)
    call = RegisterCall(step.function, name, step.path, options, given, step.span)
    with run.guard(step.function.span), placed_at_options(given, name.span):
        signature = algorithm.define(call, run)
    row = (signature.name, str(signature), *[None] * 5)
    return definition_registration(step, signature, run.session), row


def _definition_errors(algorithm: Defines, step: RegisterStep) -> Iterator[ScriptError]:
    """What is wrong with the options, and what the algorithm knows of them."""
    name = step.algorithm
    yield from option_errors(algorithm.define_options, step.options, owner=name.text, span=name.span)
    if isinstance(algorithm, Checks):
        given = by_own_key(algorithm.define_options, step.options)
        with placed_at_options(given, name.span):
            algorithm.check(given)
