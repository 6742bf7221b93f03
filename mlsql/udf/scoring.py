"""Stored models as functions of SQL: ``register SKLearn.`/m` as f`` makes ``f(a, b, c)``."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql.errors import DataError
from mlsql.models import CandidateRecord, Column, Manifest, StoredModel
from mlsql.session import FunctionSignature, quoted
from mlsql.udf.answers import ANSWER_TYPES, Answers
from mlsql.udf.catalyst import Functions
from mlsql.udf.predictors.sklearn import PickledEstimator

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_AS_THEY_ARE = ("string", "boolean")
_MISSING = {"columns": "{0} is null", "features": "{0} is null or exists({0}, each -> each is null)"}
"""pandas tells no null from NaN, which is an estimator's own affair: Spark looks for the nulls."""


def answered(frame: DataFrame, stored: StoredModel, candidate: CandidateRecord, output: str) -> DataFrame:
    """*frame* with the answers of *candidate* in a column *output* behind its own, lazily.

    Its inputs are found by their names; a null among them makes the answer null.
    """
    spark = frame.sparkSession
    name = f"predict_{uuid.uuid4().hex[:8]}"
    signature = model_function(spark, name, stored, candidate)
    try:
        inputs = ", ".join(quoted(each.name) for each in signature.parameters)
        return frame.selectExpr("*", f"{name}({inputs}) as {quoted(output)}")
    finally:
        forget_function(spark, name)


def model_function(
    spark: SparkSession, name: str, stored: StoredModel, candidate: CandidateRecord
) -> FunctionSignature:
    """Make *candidate* of a model callable as *name* in the SQL of *spark*; how it is called.

    A wrong number, name or type of arguments is an AnalysisException that shows the signature. A
    null among the arguments makes the answer null.
    """
    manifest = stored.manifest
    if manifest.output not in ANSWER_TYPES:
        raise DataError(f"{stored.ref} answers {manifest.output}, of which no function can be made")
    answers = Answers(
        function=name,
        model=PickledEstimator.in_folder(Path(stored.directory(candidate.index))),
        form=manifest.form,
        columns=tuple(each.name for each in manifest.inputs),
        features=manifest.features,
        output=manifest.output,
    )
    signature = FunctionSignature(name, _parameters(manifest), manifest.output)
    functions = Functions(spark)
    columns = [quoted(each.name) for each in signature.parameters]
    is_missing = functions.sql(" or ".join(_MISSING[manifest.form].format(column) for column in columns))
    arguments = [is_missing, *map(functions.sql, columns)]
    functions.define(signature, functions.vectorised(name, answers, manifest.output, arguments))
    return signature


def forget_function(spark: SparkSession, name: str) -> None:
    """Take the function *name*, which :func:`model_function` made, away from *spark*."""
    Functions(spark).forget(name)


def _parameters(manifest: Manifest) -> tuple[Column, ...]:
    """The inputs with the types that a call casts to: an estimator computes in doubles."""
    if manifest.form == "features":
        return tuple(Column(each.name, "array<double>") for each in manifest.inputs)
    return tuple(
        each if each.type in _AS_THEY_ARE else Column(each.name, "double") for each in manifest.inputs
    )
