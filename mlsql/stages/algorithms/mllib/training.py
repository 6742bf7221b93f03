"""One train statement of Spark ML, from its options to a stored version."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from mlsql.bridge.request import Candidate
from mlsql.models.manifest import ModelStore
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.fitting import Fitting, Training, fit_and_store
from mlsql.stages.algorithms.judging_answers import TRUTH
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.declaration import SparkEstimator
from mlsql.stages.algorithms.mllib.fits import EstimatorFits
from mlsql.stages.algorithms.mllib.options import MllibOptions, read_own
from mlsql.stages.algorithms.mllib.params import params_of
from mlsql.stages.algorithms.mllib.tables import training_tables

_COLUMN = "Col"


def trained(
    call: Call[Any],
    declared: Sequence[SparkEstimator],
    reader: ParamReader,
    run: Run,
    store: ModelStore,
    candidates: Sequence[Candidate] | None = None,
) -> Fitting:
    """Fit *candidates*, or those that the statement asks for, each by the one of *declared* that it means."""
    path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
    call = dataclasses.replace(call, given=reader.modern(call.given))
    candidates = tuple(candidates or reader.read(call.given))
    options = read_own(MllibOptions, call, reader.name)
    labelled, classifies = declared[0].needs_label, declared[0].kind == "classifier"
    extra = dict(_named_columns(candidates, declared))
    with training_tables(call, options, run, labelled=labelled, extra=extra) as tables:
        layout = tables.layout(classifies=classifies, extra=tuple(extra))
        evaluation = tables.evaluation
        training = Training(
            algorithm=reader.name,
            path=path,
            span=call.span,
            frame=layout.prepared(tables.training.frame),
            columns=tables.columns,
            data=tables.training.record,
            candidates=candidates,
            evaluation=None if evaluation is None else layout.prepared(evaluation.frame),
            evaluation_data=None if evaluation is None else evaluation.record,
            fail_on_error=options.fail_on_error,
            keep_version=options.keep_version,
            selection=options.selection_of(declared[0].kind),
            stratified_by=TRUTH if classifies else None,
        )
        return fit_and_store(
            training, EstimatorFits({each.name: each for each in declared}, layout), run, store
        )


def _named_columns(
    candidates: Sequence[Candidate], declared: Sequence[SparkEstimator]
) -> Iterator[tuple[str, str]]:
    """Columns beside features, label and weight that a Param names, be it by its default, with that Param."""
    for one in declared:
        for name, param in params_of(one.spark_class).items():
            if name.endswith(_COLUMN):
                given = [each.params.get(name, param.default) for each in candidates]
                yield from ((column, name) for column in given if column)
