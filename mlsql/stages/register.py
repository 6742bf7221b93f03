"""``register Algorithm.path as function where …``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.grammar.nodes import Word
from mlsql.models import CandidateRecord, ModelStore, StoredModel
from mlsql.options import is_filled, option_errors
from mlsql.plan import RegisterStep
from mlsql.registry import Registry
from mlsql.session import FunctionSignature, Outcome, Run, Table
from mlsql.stages.algorithms.base import Algorithm, Registers, Trains
from mlsql.stages.algorithms.choice import ModelAddress, ModelChoice, chosen_model
from mlsql.udf.companions import register_functions

_ROW = "function string, signature string, path string, version int, group int, metrics map<string, double>"


@dataclass(frozen=True, slots=True)
class RegisterStage:
    """Make a stored model callable in SQL; the result is one row that says which and how.

    Beside the function come ``f_all`` and, of a model with probabilities, ``f_proba``.
    """

    algorithms: Registry[Algorithm]
    store: ModelStore

    def run(self, step: RegisterStep, run: Run, /) -> Outcome:
        """One row: function, signature, path, version, group, metrics."""
        name = step.algorithm
        self._expect_models_of(name)
        choice = run.read_options(ModelChoice, step.options, owner="register", span=step.span)
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
        )
        return Table(None, run.spark.createDataFrame([row], _ROW))

    def check(self, step: RegisterStep, /) -> Iterator[ScriptError]:
        """What is wrong with the algorithm and the options."""
        yield from option_errors(ModelChoice, step.options, owner="register", span=step.span)
        if is_filled(step.algorithm.text):
            self._expect_models_of(step.algorithm)

    def _registered(
        self, step: RegisterStep, stored: StoredModel, candidate: CandidateRecord, run: Run
    ) -> FunctionSignature:
        algorithm = self.algorithms.get(step.algorithm.text)
        register = algorithm.register if isinstance(algorithm, Registers) else register_functions
        return register(run.session, step.function.text, stored, candidate)

    def _expect_models_of(self, algorithm: Word) -> None:
        if not isinstance(self.algorithms.get(algorithm.text, span=algorithm.span), Trains):
            raise ScriptError(f"'{algorithm.text}' stores no models to register", span=algorithm.span)
