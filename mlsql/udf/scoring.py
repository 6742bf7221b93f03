"""Stored models as functions of SQL: ``register SKLearn.`/m` as f`` makes ``f(a, b, c)``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlsql.errors import DataError
from mlsql.forms import bulk_form
from mlsql.models.cache import local_folder
from mlsql.models.manifest import CandidateRecord, Column, Manifest, StoredModel
from mlsql.session import FunctionSignature, quoted
from mlsql.udf.answers import ANSWER_TYPES, Answers
from mlsql.udf.catalyst import Functions
from mlsql.udf.predictors.stored import StoredPredictor, find_predictor

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_AS_THEY_ARE = ("string", "boolean")
Shape = Literal["plain", "number", "array", "arrays", "vector"]
"""What an argument is: a plain value, one of numbers that are handed over together, or all features."""
_HAS_NULL = (
    "case array_contains({0}, double('-4.9e-324')) when false then false"
    " else exists({0}, each -> each is null) end"
)
"""A search in vain is null where there are nulls, and faster than a lambda: one is for what it finds."""
_WITHOUT_NULL = f"if({_HAS_NULL}, transform({{0}}, each -> coalesce(each, double('nan'))), {{0}})"
_MISSING: Mapping[Shape, str] = {
    "plain": "{0} is null",
    "number": "{0} is null",
    "array": f"{{0}} is null or {_HAS_NULL}",
    "arrays": f"flatten({{0}}) is null or {_HAS_NULL.format('flatten({0})')}",
    "vector": "{0} is null",
}
"""pandas tells no null from NaN, which is an estimator's own affair: Spark looks for the nulls."""
_GIVEN: Mapping[Shape, str] = {
    "plain": "{0}",
    "number": "{0}",
    "array": "{0}",
    "arrays": "flatten({0})",
    "vector": "{0}",
}
_KEPT: Mapping[Shape, str] = {
    "plain": "{0}",
    "number": "coalesce({0}, double('nan'))",
    "array": f"coalesce({_WITHOUT_NULL.format('{0}')}, array_repeat(double('nan'), {{1}}))",
    "arrays": f"coalesce({_WITHOUT_NULL.format('flatten({0})')}, array_repeat(double('nan'), {{1}}))",
    "vector": "{0}",
}
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
    bodies = (
        answer_of(candidate, signature, stored, functions, shape) for shape in shapes_of(stored.manifest)
    )
    functions.define(signature, *bodies)
    return signature


def signature_of(name: str, manifest: Manifest) -> FunctionSignature:
    """How the function *name* of a model is called."""
    return FunctionSignature(name, _parameters(manifest), manifest.output)


def shapes_of(manifest: Manifest) -> tuple[Shape, ...]:
    """What the arguments of a model's functions may be, the usual one first."""
    if manifest.form == "columns":
        return ("plain",) if any(each.type in _AS_THEY_ARE for each in manifest.inputs) else ("number",)
    return ("arrays",) if _is_nested(manifest.inputs[0]) else ("array", "vector")


def answer_of(
    candidate: CandidateRecord,
    signature: FunctionSignature,
    stored: StoredModel,
    functions: Functions,
    shape: Shape,
    answers: type[Answers] = Answers,
) -> Any:
    """The answer of *candidate* as an expression over the parameters of *signature* in that *shape*."""
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
        are_together=shape == "number",
    )
    missing, *given = _arguments(manifest, _columns(signature), shape)
    gives_arrays = signature.output.startswith("array")
    output = "binary" if gives_arrays else signature.output
    if shape in ("plain", "vector"):
        arguments = [*map(functions.sql, (missing, *given))]
        call = functions.vectorised(signature.name, function, output, arguments)
    else:
        (features,) = given
        size = str(len(manifest.inputs)) if shape == "number" else f"size({features})"
        packed = functions.packed(functions.sql(f"if({missing}, null, {features})"), functions.sql(size))
        call = functions.vectorised(signature.name, function.of_packed, output, [packed])
    return functions.unpacked(call) if gives_arrays else call


def is_unanswered(
    signature: FunctionSignature, manifest: Manifest, functions: Functions, shape: Shape
) -> Any:
    """Whether the arguments hold nulls that make the answer null, as an expression."""
    return functions.sql(_arguments(manifest, _columns(signature), shape)[0])


def predictor_of(candidate: CandidateRecord, stored: StoredModel) -> StoredPredictor:
    """Where *candidate* is loaded from, in the form that is fastest for many rows."""
    return find_predictor(local_folder(stored.directory(candidate.index)), bulk_form(candidate.forms))


def _columns(signature: FunctionSignature) -> list[str]:
    return [quoted(each.name) for each in signature.parameters]


def _arguments(manifest: Manifest, columns: Sequence[str], shape: Shape) -> list[str]:
    """Whether the answer is null, and what it is computed from, as SQL over *columns*."""
    keeps = manifest.invalid == "keep"
    missing = "false" if keeps else " or ".join(_MISSING[shape].format(each) for each in columns)
    form = (_KEPT if keeps else _GIVEN)[shape]
    given = [form.format(each, manifest.features) for each in columns]
    # One array of many numbers goes to Python in half the time that they take as so many columns.
    return [missing, f"array({', '.join(given)})"] if shape == "number" else [missing, *given]


def forget_function(spark: SparkSession, name: str) -> None:
    """Take the function *name*, which :func:`model_function` made, away from *spark*."""
    Functions(spark).forget(name)


def _parameters(manifest: Manifest) -> tuple[Column, ...]:
    """The inputs with the types that a call casts to: an estimator computes in doubles."""
    if manifest.form == "features":
        return tuple(
            Column(each.name, "array<array<double>>" if _is_nested(each) else "array<double>")
            for each in manifest.inputs
        )
    return tuple(
        each if each.type in _AS_THEY_ARE else Column(each.name, "double") for each in manifest.inputs
    )


def _is_nested(column: Column) -> bool:
    return column.type.startswith("array<array")
