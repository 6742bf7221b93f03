"""Functions of Spark ML's models: a classifier gives a vector of probabilities, as scripts of MLSQL expect.

``f`` is what the declaration says; a classifier with probabilities has ``f_raw`` beside it, the vector of
every candidate that succeeded, and what every model has: ``f_proba`` (an array) and ``f_all`` (labels).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mlsql.models.manifest import CandidateRecord, StoredModel
from mlsql.session import FunctionSignature, Session, quoted
from mlsql.stages.algorithms.mllib.declaration import Gives
from mlsql.stages.algorithms.mllib.options import PredictOptions
from mlsql.udf.answers import Answers, Probabilities
from mlsql.udf.catalyst import Functions
from mlsql.udf.companions import register_functions
from mlsql.udf.scoring import Shape, answer_of, answered, is_unanswered, shapes_of, signature_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ARRAY = "array<double>"


def register_model(
    session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, gives: Gives
) -> FunctionSignature:
    """Make *candidate* callable as *name* in the SQL of *session*, and what belongs to it."""
    main = register_functions(session, name, stored, candidate)
    if gives not in ("probabilities", "topics"):
        return main
    vectors = _Vectors(Functions(session.spark), name, stored, gives)
    made = [vectors.define(name, "vector", vectors.of(candidate))]
    if gives == "probabilities":
        every = [one for one in stored.manifest.candidates if one.status == "success"]
        made.append(vectors.define(f"{name}_raw", "array<vector>", vectors.of_all(every), companion_of=name))
    session.functions.update({each.name: each for each in made})
    return made[0]


def predicted(
    frame: DataFrame, stored: StoredModel, candidate: CandidateRecord, options: PredictOptions, gives: Gives
) -> DataFrame:
    """*frame* with the answers of *candidate*, and the probabilities of a classifier that tells them."""
    if gives == "topics":
        return _with_vector(frame, stored, candidate, options.output, gives)
    found = answered(frame, stored, candidate, options.output)
    if gives != "probabilities":
        return found
    return _with_vector(found, stored, candidate, options.probability, gives)


def _with_vector(
    frame: DataFrame, stored: StoredModel, candidate: CandidateRecord, output: str, gives: Gives
) -> DataFrame:
    name = f"predict_{uuid.uuid4().hex[:8]}"
    functions = Functions(frame.sparkSession)
    vectors = _Vectors(functions, name, stored, gives)
    signature = vectors.define(name, "vector", vectors.of(candidate))
    try:
        inputs = ", ".join(quoted(each.name) for each in signature.parameters)
        return frame.selectExpr("*", f"{name}({inputs}) as {quoted(output)}")
    finally:
        functions.forget(name)


class _Vectors:
    """Vectors as bodies of functions, one body for each shape of the arguments."""

    def __init__(self, functions: Functions, name: str, stored: StoredModel, gives: Gives) -> None:
        self._functions = functions
        self._stored = stored
        self._signature = signature_of(name, stored.manifest)
        self._answers: type[Answers] = Probabilities if gives == "probabilities" else Answers

    def define(
        self, name: str, output: str, bodies: list[Any], companion_of: str | None = None
    ) -> FunctionSignature:
        """Make a function that takes what the model takes."""
        signature = FunctionSignature(name, self._signature.parameters, output, companion_of)
        self._functions.define(signature, *bodies)
        return signature

    def of(self, candidate: CandidateRecord) -> list[Any]:
        """The vector of one candidate."""
        return [self._unless_null(self._vector(candidate, shape), shape) for shape in self._shapes]

    def of_all(self, candidates: list[CandidateRecord]) -> list[Any]:
        """The vectors of several, in the order of their numbers."""
        ordered = sorted(candidates, key=lambda one: one.index)
        return [
            self._unless_null(
                self._functions.call("array", *(self._vector(one, shape) for one in ordered)), shape
            )
            for shape in self._shapes
        ]

    @property
    def _shapes(self) -> tuple[Shape, ...]:
        return shapes_of(self._stored.manifest)

    def _vector(self, candidate: CandidateRecord, shape: Shape) -> Any:
        signature = FunctionSignature(self._signature.name, self._signature.parameters, _ARRAY)
        array = answer_of(candidate, signature, self._stored, self._functions, shape, self._answers)
        return self._functions.as_vector(array)

    def _unless_null(self, body: Any, shape: Shape) -> Any:
        is_null = is_unanswered(self._signature, self._stored.manifest, self._functions, shape)
        return self._functions.call("if", is_null, self._functions.sql("null"), body)
