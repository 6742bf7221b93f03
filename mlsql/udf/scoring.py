"""Stored models as functions of SQL: ``register SKLearn.`/m` as f`` makes ``f(a, b, c)``."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.errors import DataError
from mlsql.models import CandidateRecord, Column, Manifest, StoredModel
from mlsql.session import FunctionSignature, quoted
from mlsql.udf.answers import ANSWER_TYPES, Answers
from mlsql.udf.catalyst import Functions
from mlsql.udf.predictors.stored import StoredPredictor, find_predictor

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_AS_THEY_ARE = ("string", "boolean")
_MISSING = {"columns": "{0} is null", "features": "{0} is null or exists({0}, each -> each is null)"}
"""pandas tells no null from NaN, which is an estimator's own affair: Spark looks for the nulls."""
_KEPT = {"columns": "{0}", "features": "coalesce({0}, array_repeat(double('nan'), {1}))"}
"""Arguments of a model for which a null is a value; in pandas it is NaN or None."""


def answered(frame: DataFrame, stored: StoredModel, candidate: CandidateRecord, output: str) -> DataFrame:
    """*frame* with the answers of *candidate* in a column *output* behind its own, lazily.

    Its inputs are found by their names; nulls among them are as in :func:`model_function`.
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
    null among the arguments makes the answer null, unless the model was trained to keep nulls.
    """
    functions = Functions(spark)
    signature = signature_of(name, stored.manifest)
    functions.define(signature, answer_of(candidate, signature, stored, functions))
    return signature


def signature_of(name: str, manifest: Manifest) -> FunctionSignature:
    """How the function *name* of a model is called."""
    return FunctionSignature(name, _parameters(manifest), manifest.output)


def answer_of(
    candidate: CandidateRecord,
    signature: FunctionSignature,
    stored: StoredModel,
    functions: Functions,
    answers: type[Answers] = Answers,
) -> Any:
    """The answer of *candidate* as an expression over the parameters of *signature*."""
    manifest = stored.manifest
    if manifest.output not in ANSWER_TYPES:
        raise DataError(f"{stored.ref} answers {manifest.output}, of which no function can be made")
    function = answers(
        function=signature.name,
        model=predictor_of(candidate, stored),
        form=manifest.form,
        columns=tuple(each.name for each in manifest.inputs),
        features=manifest.features,
        output=manifest.output,
    )
    arguments = [*map(functions.sql, _arguments(manifest, _columns(signature)))]
    return functions.vectorised(signature.name, function, signature.output, arguments)


def is_unanswered(signature: FunctionSignature, manifest: Manifest, functions: Functions) -> Any:
    """Whether the arguments hold nulls that make the answer null, as an expression."""
    return functions.sql(_arguments(manifest, _columns(signature))[0])


def predictor_of(candidate: CandidateRecord, stored: StoredModel) -> StoredPredictor:
    """Where *candidate* is loaded from."""
    return find_predictor(Path(stored.directory(candidate.index)))


def _columns(signature: FunctionSignature) -> list[str]:
    return [quoted(each.name) for each in signature.parameters]


def _arguments(manifest: Manifest, columns: Sequence[str]) -> list[str]:
    """Whether the answer is null, and what it is computed from, as SQL over *columns*."""
    if manifest.invalid == "keep":
        return ["false", *(_KEPT[manifest.form].format(each, manifest.features) for each in columns)]
    return [" or ".join(_MISSING[manifest.form].format(each) for each in columns), *columns]


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
