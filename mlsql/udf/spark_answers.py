"""Stored models of Spark ML as functions that Spark itself answers: its own model, called from compiled code.

No row leaves the Java process. The model is loaded when a query first
calls the function; over HTTP and sockets, where there is no Spark, answers its plain form, which is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.models.cache import local_folder
from mlsql.models.manifest import CandidateRecord, Manifest, StoredModel
from mlsql.session import FunctionSignature, quoted
from mlsql.spark.sessions import is_local
from mlsql.udf.answers import Answers, Probabilities
from mlsql.udf.catalyst import Functions
from mlsql.udf.predictors.folder import ModelFolder
from mlsql.udf.scoring import Shape

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_DATA = "sparkml"
_TREES = (
    "DecisionTree",
    "DecisionTreeRegressor",
    "GBTRegressor",
    "GBTs",
    "RandomForest",
    "RandomForestRegressor",
)
"""They know which way a NaN goes; of what is not finite no other model can make anything."""
_EACH = "`a number`"


@dataclass(frozen=True, slots=True)
class SparkAnswers:
    """What the candidates of a stored model answer, as expressions that call methods of :attr:`models`."""

    functions: Functions
    stored: StoredModel
    models: dict[str, Any] = field(default_factory=dict)
    """Those that the expressions made so far call, by name, as ``Functions.define`` takes them."""

    @classmethod
    def of(cls, spark: SparkSession, functions: Functions, stored: StoredModel) -> SparkAnswers | None:
        """Those of *stored*; None of what Spark cannot answer here, or not as its plain form does."""
        manifest = stored.manifest
        is_known = manifest.kind in ("classifier", "regressor", "clusterer") and manifest.invalid != "keep"
        if not is_known or any(each.type.startswith("array<array") for each in manifest.inputs):
            return None
        chosen = next(each for each in manifest.candidates if each.status == "success")
        # Spark's executors read a model from its files: on a cluster, which may not see them, Python answers.
        if not _folder(stored, chosen).is_dir() or not is_local(spark):
            return None
        return cls(functions, stored)

    def answer(
        self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape, answers: type[Answers]
    ) -> Any:
        """Like :func:`mlsql.udf.scoring.answer_of`."""
        if answers is Probabilities:
            return self._checked(
                candidate,
                signature,
                shape,
                lambda features: f"Vector.toArray({self._probabilities(candidate, features)})",
            )
        return self._checked(
            candidate,
            signature,
            shape,
            lambda features: f"cast({self._answer(candidate, features)} as {signature.output})",
        )

    def vector(self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape) -> Any:
        """The probabilities of the classes as a vector."""
        return self._checked(
            candidate, signature, shape, lambda features: self._probabilities(candidate, features)
        )

    def _probabilities(self, candidate: CandidateRecord, features: str) -> str:
        return f"{self._model(candidate)}.predictProbability({features})"

    def _answer(self, candidate: CandidateRecord, features: str) -> str:
        model = self._model(candidate)
        if self.stored.manifest.kind == "classifier":
            return self._label(f"{model}.raw2prediction({model}.predictRaw({features}))")
        if candidate.algorithm == "IsotonicRegression":
            features = f"Vector.apply({features}, {int(candidate.params.get('featureIndex', 0))})"
        return f"{model}.predict({features})"

    def _label(self, number: str) -> str:
        kind = self.stored.manifest.output
        labels = (f"cast({_literal(str(each))} as {kind})" for each in self.stored.manifest.classes or ())
        return f"element_at(array({', '.join(labels)}), cast({number} as int) + 1)"

    def _model(self, candidate: CandidateRecord) -> str:
        name = f"model {candidate.index}"
        if name not in self.models:
            folder = ModelFolder.of(_folder(self.stored, candidate))
            self.models[name] = self.functions.stored_model(folder)
        return quoted(name)

    def _features(self, shape: Shape) -> str:
        """An array of doubles or a vector: a method that asks for a vector takes both."""
        columns = [quoted(each.name) for each in self.stored.manifest.inputs]
        if shape in ("array", "vector"):
            return columns[0]
        return f"array({', '.join(f'cast({each} as double)' for each in columns)})"

    def _checked(
        self,
        candidate: CandidateRecord,
        signature: FunctionSignature,
        shape: Shape,
        told: Callable[[str], str],
    ) -> Any:
        """What is *told* of features, or null where one is, or an error where it cannot be told."""
        manifest, features = self.stored.manifest, self._features(shape)
        whens = [f"when {_missing(manifest, shape)} then null"]
        if shape in ("array", "vector"):
            size = _size(features) if shape == "vector" else f"size({features})"
            wrong = f"'{signature.name} takes {manifest.features} features, not ', {size}"
            told_wrong = f"raise_error(concat({wrong}, ' as in one of the rows'))"
            whens.append(f"when {size} <> {manifest.features} then {told_wrong}")
        if candidate.algorithm in _TREES:
            return self.functions.sql(_case(whens, told(features)))
        not_finite = _finite(features, is_vector=shape == "vector")
        if shape != "vector":
            return self.functions.sql(_case([*whens, not_finite], told(features)))
        # The numbers of a dense vector, asked for in the condition and first in both ways, are read once.
        values, other = f"{features}.values", _case([not_finite, *whens], told(features))
        is_usual = f"{features}.type = 1 and size({values}) = {manifest.features} and {_is_finite(values)}"
        return self.functions.sql(f"if(coalesce({is_usual}, false), {told(values)}, {other})")


def _case(whens: Sequence[str], otherwise: str) -> str:
    return f"case {' '.join(whens)} else {otherwise} end"


def _is_finite(values: str) -> str:
    """Whether all numbers are for certain: the sum of great ones may not be."""
    return f"StatUtils.sum({values}) * 0D = 0D"


def _folder(stored: StoredModel, candidate: CandidateRecord) -> Path:
    return local_folder(stored.directory(candidate.index)) / _DATA


def _missing(manifest: Manifest, shape: Shape) -> str:
    columns = [quoted(each.name) for each in manifest.inputs]
    nulls = [f"holds_null({each})" for each in columns if shape == "array"]
    return " or ".join([*(f"{each} is null" for each in columns), *nulls])


def _size(vector: str) -> str:
    return f"if({vector}.type = 0, {vector}.size, size({vector}.values))"


def _finite(features: str, *, is_vector: bool) -> str:
    """An error for a feature that is not finite."""
    values = f"{features}.values" if is_vector else features
    # A lambda is interpreted, which keeps what is compiled for all rows small.
    place = f"array_position(transform({values}, {_EACH} -> {_EACH} * 0D = 0D), false)"
    number = f"if({features}.type = 0, {features}.indices[{place} - 1] + 1, {place})" if is_vector else place
    told = f"concat('feature ', {number}, ' is NaN or infinite, of which this model can make nothing')"
    return f"when not {_is_finite(values)} and {place} > 0 then raise_error({told})"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
