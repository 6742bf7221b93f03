"""Stored models of Spark ML as functions that Spark itself answers: its own model, called from compiled code.

No row leaves the Java process, and executors need nothing but Spark. The model is loaded when a query first
calls the function; over HTTP and sockets, where there is no Spark, answers its plain form, which is the same.
"""

from __future__ import annotations

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
_NEVER = "double('nan')", "double('infinity')", "double('-infinity')"


@dataclass(frozen=True, slots=True)
class SparkAnswers:
    """What the candidates of a stored model answer, as expressions that call methods of :attr:`models`."""

    functions: Functions
    stored: StoredModel
    is_local: bool
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
        here = is_local(spark)
        if not _folder(stored, chosen).is_dir() or not (here or functions.shares_files()):
            return None
        return cls(functions, stored, here)

    def answer(
        self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape, answers: type[Answers]
    ) -> Any:
        """Like :func:`mlsql.udf.scoring.answer_of`."""
        if answers is Probabilities:
            told = f"Vector.toArray({self._probabilities(candidate, shape)})"
        else:
            told = f"cast({self._answer(candidate, shape)} as {signature.output})"
        return self.functions.sql(self._checked(candidate, signature, shape, told))

    def vector(self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape) -> Any:
        """The probabilities of the classes as a vector."""
        told = self._probabilities(candidate, shape)
        return self.functions.sql(self._checked(candidate, signature, shape, told))

    def _probabilities(self, candidate: CandidateRecord, shape: Shape) -> str:
        return f"{self._model(candidate)}.predictProbability({self._features(shape)})"

    def _answer(self, candidate: CandidateRecord, shape: Shape) -> str:
        model, features = self._model(candidate), self._features(shape)
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
            self.models[name] = self.functions.stored_model(folder, is_local=self.is_local)
        return quoted(name)

    def _features(self, shape: Shape) -> str:
        """An array of doubles or a vector: a method that asks for a vector takes both."""
        columns = [quoted(each.name) for each in self.stored.manifest.inputs]
        if shape in ("array", "vector"):
            return columns[0]
        return f"array({', '.join(f'cast({each} as double)' for each in columns)})"

    def _checked(
        self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape, told: str
    ) -> str:
        """What is *told*, or null where a feature is, or an error where it cannot be told."""
        manifest, features = self.stored.manifest, self._features(shape)
        whens = [f"when {_missing(manifest, shape)} then null"]
        if shape in ("array", "vector"):
            size = _size(features) if shape == "vector" else f"size({features})"
            wrong = f"'{signature.name} takes {manifest.features} features, not ', {size}"
            told_wrong = f"raise_error(concat({wrong}, ' as in one of the rows'))"
            whens.append(f"when {size} <> {manifest.features} then {told_wrong}")
        if candidate.algorithm not in _TREES:
            whens.append(_finite(features, is_vector=shape == "vector"))
        return f"case {' '.join(whens)} else {told} end"


def _folder(stored: StoredModel, candidate: CandidateRecord) -> Path:
    return local_folder(stored.directory(candidate.index)) / _DATA


def _missing(manifest: Manifest, shape: Shape) -> str:
    columns = [quoted(each.name) for each in manifest.inputs]
    nulls = [f"holds_null({each})" for each in columns if shape == "array"]
    return " or ".join([*(f"{each} is null" for each in columns), *nulls])


def _size(vector: str) -> str:
    return f"if({vector}.type = 0, {vector}.size, size({vector}.values))"


def _finite(features: str, *, is_vector: bool) -> str:
    """An error for a feature that is not finite; the sum tells most rows at once that none is."""
    values = f"{features}.values" if is_vector else features
    place = f"coalesce({', '.join(f'nullif(array_position({values}, {each}), 0)' for each in _NEVER)})"
    number = f"if({features}.type = 0, {features}.indices[{place} - 1] + 1, {place})" if is_vector else place
    told = f"concat('feature ', {number}, ' is NaN or infinite, of which this model can make nothing')"
    return f"when StatUtils.sum({values}) * 0D <> 0D and {place} is not null then raise_error({told})"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
