"""Which of the models that lie at a path a statement means, as ``register`` and ``predict`` say it."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.errors import ScriptError
from mlsql.events import Log
from mlsql.grammar.nodes import Word
from mlsql.models.choice import choose
from mlsql.models.manifest import CandidateRecord, ModelStore, StoredModel
from mlsql.options import TEXT, Options, integer, option
from mlsql.session import Run
from mlsql.stages.algorithms.retired import current_name
from mlsql.stages.faults import span_of

VERSION, INDEX, METRIC = "modelVersion", "algIndex", "autoSelectByMetric"
OUTDATED = ("pythonScriptPath", "enableCopyTrainParamsToPython")
"""What old scripts say of how a model of Python answers; it does by what it was stored with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which of the models that lie at a path is meant; by default the best of the newest version."""

    version: int | None = option(VERSION, integer(0), "Version; else the newest.", default=None)
    index: int | None = option(INDEX, integer(0), "Number of the model in its version.", default=None)
    metric: str | None = option(METRIC, TEXT, "Take the model that is best by this metric.", default=None)
    predict_script: str | None = option(OUTDATED[0], TEXT, "Of old scripts; it has no effect.", default=None)
    copies_params: str | None = option(OUTDATED[1], TEXT, "Of old scripts; it has no effect.", default=None)


@dataclass(frozen=True, slots=True)
class ModelAddress:
    """``Algorithm.path`` as a statement writes it."""

    algorithm: Word
    path: Word


def chosen_model(
    store: ModelStore, address: ModelAddress, choice: ModelChoice, given: Options, run: Run
) -> tuple[StoredModel, CandidateRecord]:
    """The version and the model in it; errors are placed at the option, or else at the path."""
    stored, candidate = model_at(store, address.path, choice, given, run)
    trained_by = stored.manifest.algorithm
    if trained_by.casefold() != current_name(address.algorithm.text).casefold():
        raise ScriptError(
            f"the model at `{stored.ref.path}` was trained by {trained_by}",
            span=address.algorithm.span,
            hint=f"write {trained_by}.`{address.path.text}`",
        )
    return stored, candidate


def model_at(
    store: ModelStore, path: Word, choice: ModelChoice, given: Options, run: Run
) -> tuple[StoredModel, CandidateRecord]:
    """The same, whatever algorithm has trained it."""
    for key in OUTDATED:
        if key in given:
            run.emit(Log(f"the option '{key}' has no effect: the model answers as it was trained to"))
    folder = run.policy.path(path.text, span=path.span, purpose="model")
    with run.guard(span_of(given, VERSION) or path.span):
        stored = store.open(folder, choice.version)
    with run.guard(span_of(given, METRIC if choice.index is None else INDEX) or path.span):
        return stored, choose(stored, index=choice.index, metric=_metric(stored, choice.metric, run))


def _metric(stored: StoredModel, wanted: str | None, run: Run) -> str | None:
    """What decides; old scripts say ``f1`` of any model, and mean the usual metric of its kind."""
    computed = {name for each in stored.manifest.candidates for name in each.metrics}
    if wanted is None or wanted in computed or not run.scope.dialect.usual_metric_instead:
        return wanted
    run.emit(Log(f"the metric '{wanted}' was not computed: the usual one decides"))
    return None
