"""``register Algorithm.path as function where …``."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.model_store import choose
from mlsql.models import ModelStore, StoredModel
from mlsql.options import TEXT, integer, option, read_options
from mlsql.plan import RegisterStep
from mlsql.registry import Registry
from mlsql.session import Outcome, Run, Table
from mlsql.stages.algorithms.base import Algorithm, Trains
from mlsql.stages.faults import span_of
from mlsql.udf.scoring import model_function

_ROW = "function string, signature string, path string, version int, group int, metrics map<string, double>"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOptions:
    """Which of the models that lie at a path is meant."""

    version: int | None = option("modelVersion", integer(0), "Version; else the newest.", default=None)
    index: int | None = option("algIndex", integer(0), "Number of the model in its version.", default=None)
    metric: str | None = option(
        "autoSelectByMetric",
        TEXT,
        "Take the model that is best by this metric.",
        default=None,
    )


@dataclass(frozen=True, slots=True)
class RegisterStage:
    """Make a stored model callable in SQL; the result is one row that says which and how."""

    algorithms: Registry[Algorithm]
    store: ModelStore

    def run(self, step: RegisterStep, run: Run, /) -> Outcome:
        """One row: function, signature, path, version, group, metrics."""
        name = step.algorithm
        if not isinstance(self.algorithms.get(name.text, span=name.span), Trains):
            raise ScriptError(f"'{name.text}' stores no models to register", span=name.span)
        options = read_options(RegisterOptions, step.options, owner="register", span=step.span)
        stored = self._open(step, options, run)
        chosen_by = span_of(step.options, "autoSelectByMetric" if options.index is None else "algIndex")
        with run.guard(chosen_by or step.path.span):
            candidate = choose(stored, index=options.index, metric=options.metric)
        with run.guard(step.function.span):
            signature = model_function(run.spark, step.function.text, stored, candidate)
        run.session.functions[signature.name] = signature
        row = (
            signature.name,
            str(signature),
            stored.directory(candidate.index),
            stored.ref.version,
            candidate.index,
            dict(candidate.metrics),
        )
        return Table(None, run.spark.createDataFrame([row], _ROW))

    def _open(self, step: RegisterStep, options: RegisterOptions, run: Run) -> StoredModel:
        path = run.policy.path(step.path.text, span=step.path.span, purpose="model")
        with run.guard(span_of(step.options, "modelVersion") or step.path.span):
            stored = self.store.open(path, options.version)
        trained_by = stored.manifest.algorithm
        if trained_by.casefold() != step.algorithm.text.casefold():
            raise ScriptError(
                f"the model at `{path}` was trained by {trained_by}",
                span=step.algorithm.span,
                hint=f"register {trained_by}.`{step.path.text}` as {step.function.text}",
            )
        return stored
