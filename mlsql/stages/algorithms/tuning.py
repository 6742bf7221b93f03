"""How the best of many candidates is found: the options of search and cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Folds, Selection
from mlsql.config.kinds import DURATION
from mlsql.models.manifest import METRICS, USUAL_METRICS, ModelKind
from mlsql.names import listed
from mlsql.options import (
    BOOLEAN,
    Options,
    declared_options,
    integer,
    is_filled,
    one_of,
    option,
    option_errors,
    read_options,
)
from mlsql.stages.algorithms.candidates import MOST, RandomSearch

SEARCH, TRIALS, BUDGET, FOLDS, METRIC, SEED = "search", "trials", "budget", "crossValidate", "metric", "seed"
_DEFAULT_TRIALS = 10
_DEFAULT_SEED = 42
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoringOptions:
    """What every statement may say of the versions that it makes."""

    fail_on_error: bool = option(
        "failOnError", BOOLEAN, "Whether one failed model fails the statement.", default=False
    )
    keep_version: bool = option(
        "keepVersion", BOOLEAN, "Whether older versions at the path are kept.", default=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOptions(StoringOptions):
    """How candidates are found and compared, where there is more to it than fitting each."""

    search: str | None = option(
        SEARCH, one_of("random"), "Draw parameters from their ranges and choices ('random').", default=None
    )
    trials: int | None = option(
        TRIALS, integer(1, MOST), "Draws of a search, for all groups together (10).", default=None
    )
    folds: int | None = option(
        FOLDS, integer(2, 1000), "Judge the candidates by so many folds, keep the best.", default=None
    )
    budget: float | None = option(
        BUDGET, DURATION, "Time for judging candidates; what it leaves out is skipped.", default=None
    )
    metric: str | None = option(
        METRIC, one_of(*METRICS), "What the best is best by (f1, rmse or silhouette).", default=None
    )
    seed: int | None = option(
        SEED, integer(0, LARGEST_SEED), "Another seed draws other trials and folds (42).", default=None
    )

    @property
    def random_search(self) -> RandomSearch | None:
        """What is drawn; None without a search."""
        if self.search is None:
            return None
        return RandomSearch(self.trials or _DEFAULT_TRIALS, self._seed)

    @property
    def selection(self) -> Selection | None:
        """How the best is chosen; None when each candidate is kept."""
        if self.search is None and self.folds is None:
            return None
        folds = None if self.folds is None else Folds(self.folds, self._seed)
        return Selection(metric=self.metric, folds=folds, budget=self.budget)

    def selection_of(self, kind: ModelKind) -> Selection | None:
        """The same for models of this *kind*, with the metric that is usual for them if none is named."""
        found = self.selection
        return found and replace(found, metric=found.metric or USUAL_METRICS[kind])

    @property
    def _seed(self) -> int:
        return _DEFAULT_SEED if self.seed is None else self.seed


def tuning_of(given: Options, owner: str) -> TuningOptions | None:
    """What *given* says of it; None while a variable hides that, or when it cannot be read, which is told."""
    keys = {each.key for each in declared_options(TuningOptions)}
    own = {key: text for key, text in given.items() if key in keys}
    hidden = not all(is_filled(each.text) for each in own.values())
    if hidden or option_errors(TuningOptions, own, owner=owner):
        return None
    return read_options(TuningOptions, own, owner=owner)


def check_tuning(options: TuningOptions, given: Options, *, evaluates: bool) -> None:
    """Raise OptionFault for options that need others or exclude them."""
    if options.folds is not None and evaluates:
        raise OptionFault(
            "candidates are judged by cross-validation or on evaluateTable, not by both",
            option=FOLDS,
            hint="leave out one; `run t as Evaluate.…` judges the model that is stored on any table",
        )
    if options.search is not None and options.folds is None and not evaluates:
        raise OptionFault(
            "a search has nothing to judge its trials by",
            option=SEARCH,
            hint='add crossValidate="5", or evaluateTable="…"',
        )
    if options.search is None and TRIALS in given:
        raise OptionFault("trials are those of a search", option=TRIALS, hint='add search="random"')
    for name in (BUDGET, METRIC, SEED):
        if name in given and options.selection is None:
            hint = 'add search="random" or crossValidate="5"'
            raise OptionFault(f"{name} has no meaning where each model is kept", option=name, hint=hint)


def metric_faults(options: TuningOptions, kind: ModelKind) -> list[OptionFault]:
    """The fault of a choice that models of this *kind* do not allow."""
    if options.selection is None:
        return []
    if kind not in USUAL_METRICS:
        blamed = FOLDS if options.search is None else SEARCH
        return [OptionFault(f"no metric judges a {kind}, so none is the best", option=blamed)]
    if options.metric is None:
        return []
    if kind in METRICS[options.metric].kinds:
        return []
    known = listed(metric.name for metric in METRICS.values() if kind in metric.kinds)
    return [OptionFault(f"'{options.metric}' does not judge a {kind}", option=METRIC, hint=f"it has {known}")]
