"""From which stored model a training goes on, and that it can: told before any row is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Candidate, Columns
from mlsql.bridge.trainer import Trainer
from mlsql.grammar.nodes import Word
from mlsql.models.cache import local_folder
from mlsql.models.manifest import Column, ModelStore, StoredModel
from mlsql.names import listed
from mlsql.options import Options
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.choice import ModelChoice, model_at
from mlsql.stages.algorithms.columns import Prepared
from mlsql.stages.algorithms.tuning import FOLDS
from mlsql.stages.faults import span_of

if TYPE_CHECKING:
    from mlsql.stages.algorithms.external_options import ExternalOptions

INITIAL, INITIAL_VERSION = "initialModel", "initialVersion"
_SHOWN = 5


def initial_faults(trainer: Trainer, candidates: Sequence[Candidate], given: Options) -> list[OptionFault]:
    """What stands against going on, as far as the statement shows it; the candidates are right."""
    if INITIAL not in given:
        if INITIAL_VERSION in given:
            message, hint = "a version of what?", f'name the model: {INITIAL}="/path"'
            return [OptionFault(message, option=INITIAL_VERSION, hint=hint)]
        return []
    if FOLDS in given:
        message = (
            "the models of the folds start from nothing, so cross-validation does not judge what goes on"
        )
        return [OptionFault(message, option=FOLDS, hint="judge on another table: evaluateTable")]
    return [
        OptionFault(
            f"{_algorithm(one, 'the model')} cannot go on from a stored model",
            option=INITIAL,
            hint="estimators with partial_fit or warm_start can",
        )
        for one in candidates
        if not trainer.continues(one.params)
    ][:1]


def find_initial(
    call: Call[ExternalOptions],
    store: ModelStore,
    trainer: str,
    candidates: Sequence[Candidate],
    training: Prepared,
    run: Run,
) -> Path | None:
    """The folder of the stored model that all *candidates* go on from; None when they start from nothing.

    Of its version it is the one that ``register`` would take. OptionFault or DataFault for one that
    was trained otherwise, or does not know a label of the table.
    """
    if call.options.initial is None:
        return None
    path = Word(call.options.initial, span_of(call.given, INITIAL) or call.span)
    choice = ModelChoice(version=call.options.initial_version)
    stored, candidate = model_at(store, path, choice, call.given, run)
    for fault in _differences(stored, trainer, training.columns):
        raise OptionFault(f"{fault}, so nothing goes on from {stored.ref}", option=INITIAL)
    for one in candidates:
        if _short(one.params.get("alg")) != _short(candidate.params.get("alg")):
            asked = _algorithm(one, trainer)
            message = f"{stored.ref} holds a {candidate.algorithm}, from which no {asked} goes on"
            raise OptionFault(message, option=INITIAL)
    _check_labels(training, stored)
    return local_folder(stored.directory(candidate.index))


def _differences(stored: StoredModel, trainer: str, columns: Columns) -> Iterator[str]:
    manifest = stored.manifest
    if manifest.algorithm.casefold() != trainer.casefold():
        yield f"it was trained by {manifest.algorithm}"
    if (manifest.form, manifest.inputs) != (columns.form, columns.features):
        yield f"it was trained on {_written(manifest.inputs)}, not on {_written(columns.features)}"
    if manifest.label != columns.label:
        before, now = (_written([each]) if each else "none" for each in (manifest.label, columns.label))
        yield f"its label is {before}, not {now}"
    if manifest.invalid != columns.invalid:
        yield f'it was trained with handleInvalid="{manifest.invalid}"'


def _check_labels(training: Prepared, stored: StoredModel) -> None:
    """Raise DataFault for labels that a classifier has never seen; the table is looked through for them."""
    from pyspark.sql import functions as sf

    label, classes = training.columns.label, stored.manifest.classes
    if label is None or classes is None:
        return
    column = sf.col(quoted(label.name))
    known: list[Any] = list(classes)
    new = training.frame.where(~column.isin(known)).select(column).distinct().limit(_SHOWN).collect()
    if new:
        told = listed(str(row[0]) for row in new)
        raise DataFault(
            f"the label has {told}, which {stored.ref} does not know",
            option=INITIAL,
            hint=f"it knows {listed(map(str, classes))}; train a new model on all classes",
        )


def _written(columns: Sequence[Column]) -> str:
    return ", ".join(f"{each.name} {each.type}" for each in columns)


def _algorithm(candidate: Candidate, otherwise: str) -> str:
    return candidate.params.get("alg", otherwise)


def _short(name: str | None) -> str | None:
    """The name of an estimator without its module, in one case."""
    return name and name.rpartition(".")[2].casefold()
