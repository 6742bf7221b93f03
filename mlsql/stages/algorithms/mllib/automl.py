"""AutoML: several classifiers of Spark ML side by side, of which ``register`` takes the best."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Candidate
from mlsql.models.manifest import METRICS, CandidateRecord, ModelStore, StoredModel
from mlsql.names import listed, nearest
from mlsql.options import NAMES, Options, is_filled, one_of, option
from mlsql.session import FunctionSignature, Run, Session
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.columns import EVALUATE
from mlsql.stages.algorithms.fitting import Fitting
from mlsql.stages.algorithms.mllib.algorithm import predicted_by
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.catalogue import CLASSIFIERS
from mlsql.stages.algorithms.mllib.declaration import SparkEstimator
from mlsql.stages.algorithms.mllib.functions import register_model
from mlsql.stages.algorithms.mllib.judging import judge_stored
from mlsql.stages.algorithms.mllib.options import MllibOptions, PredictOptions
from mlsql.stages.algorithms.mllib.training import trained
from mlsql.stages.algorithms.retired import current_name
from mlsql.stages.algorithms.tuning import FOLDS, SEARCH

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ALGORITHMS, SORTED_BY = "algos", "sortedBy"
_DEFAULT = ("RandomForest", "GBTs", "LogisticRegression", "NaiveBayes")
_READER = ParamReader("AutoML", "classifier", {})
"""No classifier has parameters of its own here."""
_METRICS = tuple(metric.name for metric in METRICS.values() if "classifier" in metric.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoOptions(MllibOptions):
    """What is tried, and what the best is best by."""

    algorithms: tuple[str, ...] = option(ALGORITHMS, NAMES, "Classifiers that are tried.", default=_DEFAULT)
    sorted_by: str = option(
        SORTED_BY, one_of(*_METRICS), "Metric by which the result is sorted, the best first.", default="f1"
    )


def _candidates_of(names: Sequence[str]) -> tuple[SparkEstimator, ...]:
    """The declarations called *names*, in any case."""
    known = {each.name.casefold(): each for each in CLASSIFIERS if each.gives == "probabilities"}
    names = [*map(current_name, names)]
    for name in names:
        if name.casefold() not in known:
            titles = [each.name for each in known.values()]
            near = nearest(name, titles)
            hint = f"did you mean '{near}'?" if near else f"there are {listed(titles)}"
            raise OptionFault(f"AutoML has no classifier '{name}'", option=ALGORITHMS, hint=hint)
    return tuple(known[name] for name in dict.fromkeys(map(str.casefold, names)))


class AutoML:
    """Fits each classifier with Spark's defaults and judges it on ``evaluateTable``."""

    options: ClassVar[type[AutoOptions]] = AutoOptions
    predict_options: ClassVar[type[PredictOptions]] = PredictOptions
    doc: ClassVar[str] = (
        "Fits several classifiers, judges them on a table and keeps them for the best to answer."
    )
    example: ClassVar[str] = """\
select vec_dense(array(id % 10, id % 7)) as features, cast(id % 10 > 4 as int) as label
from range(60) as points;
train points as AutoML.`out/example/AutoML` where algos="LogisticRegression,NaiveBayes"
  and evaluateTable="points" and sortedBy="accuracy" as models;
register AutoML.`out/example/AutoML` as guess where autoSelectByMetric="accuracy";
select label, vec_argmax(guess(features)) as guessed from points as guesses;
"""

    def __init__(self, store: ModelStore) -> None:
        self.store = store

    def check(self, given: Options, /) -> None:
        """Raise what cannot be tried, or compared."""
        if ALGORITHMS in given and is_filled(given[ALGORITHMS].text):
            _candidates_of([name.strip() for name in given[ALGORITHMS].text.split(",")])
        if SEARCH in given:
            raise OptionFault("AutoML has no parameters to draw", option=SEARCH, hint=f'{FOLDS}="5" judges')
        if EVALUATE not in given and FOLDS not in given:
            hint = f'{EVALUATE}="…", a table that the models have not seen, or {FOLDS}="5"'
            raise OptionFault("without a table to judge on no model is the best", option=EVALUATE, hint=hint)
        _READER.check(given)

    def train(self, call: Call[AutoOptions], run: Run, /) -> DataFrame:
        """A row a classifier, the best first."""
        self.check(call.given)
        declared = _candidates_of(call.options.algorithms)
        candidates = tuple(Candidate(index, {"alg": one.name}) for index, one in enumerate(declared))
        fitting = trained(call, declared, _READER, run, self.store, candidates)
        return _sorted(fitting, call.options.sorted_by).result(run)

    def predict(self, call: Call[PredictOptions], run: Run, /) -> DataFrame:
        """The table with ``prediction`` and ``probability``."""
        return predicted_by("probabilities", call, run, self.store)

    def judge(
        self, call: Call[Any], stored: StoredModel, candidate: CandidateRecord, run: Run, /
    ) -> Mapping[str, float]:
        """The metrics of *candidate* on the table of *call*."""
        return judge_stored(call, stored, candidate, "probabilities", run)

    def register(
        self, session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, /
    ) -> FunctionSignature:
        """``name(features)``: the probabilities by the best."""
        return register_model(session, name, stored, candidate, "probabilities")


def _sorted(fitting: Fitting, metric: str) -> Fitting:
    """The same with the best candidate first, for the result; the manifest keeps them by number."""
    sign = -1.0 if METRICS[metric].greater_is_better else 1.0

    def place(one: CandidateRecord) -> tuple[bool, float]:
        return metric not in one.metrics, sign * one.metrics.get(metric, 0.0)

    stored = fitting.stored
    candidates = tuple(sorted(stored.manifest.candidates, key=place))
    manifest = dataclasses.replace(stored.manifest, candidates=candidates)
    return dataclasses.replace(fitting, stored=StoredModel(stored.ref, manifest))
