"""How good models of Spark ML are, by their answers: those just fitted, and those that are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlsql.events import Sink
from mlsql.models.manifest import CandidateRecord, ModelKind, StoredModel
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.columns import stored_columns
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.judging_answers import (
    GUESS,
    PROBABILITIES,
    TRUTH,
    judge_classes,
    judge_clusters,
    judge_numbers,
)
from mlsql.stages.algorithms.mllib.declaration import Gives
from mlsql.stages.algorithms.mllib.frames import Layout, number_of
from mlsql.stages.algorithms.mllib.functions import predicted
from mlsql.stages.algorithms.mllib.options import PredictOptions
from mlsql.stages.algorithms.mllib.tables import alike, kept_frames
from mlsql.stages.algorithms.training_data import examine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TOLD = "__told"


def judge_answers(
    answers: DataFrame, kind: ModelKind, layout: Layout, told: str | None, emit: Sink
) -> Judgement:
    """By the metrics of the *kind*: *answers* has TRUTH, GUESS and, as *told*, a vector of probabilities."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as sf

    if kind == "clusterer":
        features = vector_to_array(sf.col(quoted(layout.features))).alias("features")
        return judge_clusters(answers.select(features, GUESS), "features", emit)
    if kind == "regressor":
        return judge_numbers(answers.select(TRUTH, GUESS), emit)
    probabilities = [] if told is None else [vector_to_array(sf.col(told)).alias(PROBABILITIES)]
    return judge_classes(answers.select(TRUTH, GUESS, *probabilities), layout.classes or (), emit)


def judge_stored(
    call: Call[Any], stored: StoredModel, candidate: CandidateRecord, gives: Gives, run: Run
) -> Mapping[str, float]:
    """The metrics of a stored model on the table of *call*, as those of its training were computed."""
    manifest = stored.manifest
    columns = stored_columns(manifest)
    layout = Layout(columns, manifest.classes)
    frame = alike(call.frame, columns, "table")
    names = dict.fromkeys(frame.columns)
    with kept_frames() as kept, run.guard(call.span):
        rows = examine(kept(frame), names, skips_nulls=manifest.invalid == "skip", table="table to judge on")
        options = PredictOptions(output=GUESS, probability=_TOLD)
        answers = predicted(layout.prepared(rows.frame), stored, candidate, options, gives)
        answers = answers.withColumn(GUESS, number_of(answers[GUESS], manifest.classes))
        told = _TOLD if gives == "probabilities" else None
        return judge_answers(
            answers.where(f"{GUESS} is not null"), manifest.kind, layout, told, run.emit
        ).metrics
