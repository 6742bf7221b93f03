"""Functions of Spark ML's models: a classifier gives a vector of probabilities, as scripts of MLSQL expect.

``f`` is what the declaration says; a classifier with probabilities has ``f_raw`` beside it, the vector of
every candidate that succeeded, and what every model has: ``f_proba`` (an array) and ``f_all`` (labels).
Spark answers itself where it can (``spark_answers``), else the plain form does in workers of Python.
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
from mlsql.udf.companions import Answering, PythonAnswers, register_functions
from mlsql.udf.scoring import Shape, is_unanswered, shapes_of, signature_of
from mlsql.udf.spark_answers import SparkAnswers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ARRAY = "array<double>"


def register_model(
    session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, gives: Gives
) -> FunctionSignature:
    """Make *candidate* callable as *name* in the SQL of *session*, and what belongs to it."""
    functions = Functions(session.spark)
    answering = SparkAnswers.of(session.spark, functions, stored)
    main = register_functions(session, name, stored, candidate, answering)
    if gives not in ("probabilities", "topics"):
        return main
    bodies = _Bodies(functions, name, stored, gives, answering)
    made = [bodies.define(name, "vector", bodies.of(candidate))]
    if gives == "probabilities":
        every = [one for one in stored.manifest.candidates if one.status == "success"]
        made.append(bodies.define(f"{name}_raw", "array<vector>", bodies.of_all(every), companion_of=name))
    session.functions.update({each.name: each for each in made})
    return made[0]


def predicted(
    frame: DataFrame, stored: StoredModel, candidate: CandidateRecord, options: PredictOptions, gives: Gives
) -> DataFrame:
    """*frame* with the answers of *candidate*, and the probabilities of a classifier that tells them."""
    name = f"predict_{uuid.uuid4().hex[:8]}"
    functions = Functions(frame.sparkSession)
    answering = SparkAnswers.of(frame.sparkSession, functions, stored)
    bodies = _Bodies(functions, name, stored, gives, answering)
    inputs = ", ".join(quoted(each.name) for each in stored.manifest.inputs)
    try:
        if gives == "topics":
            bodies.define(name, "vector", bodies.of(candidate))
        else:
            bodies.define(name, stored.manifest.output, bodies.answers(candidate))
        found = frame.selectExpr("*", f"{name}({inputs}) as {quoted(options.output)}")
        if gives != "probabilities":
            return found
        bodies.define(name, "vector", bodies.of(candidate))
        return found.selectExpr("*", f"{name}({inputs}) as {quoted(options.probability)}")
    finally:
        functions.forget(name)


class _Bodies:
    """Bodies of functions that answer vectors or labels, one for each shape of the arguments."""

    def __init__(
        self,
        functions: Functions,
        name: str,
        stored: StoredModel,
        gives: Gives,
        inside: SparkAnswers | None,
    ) -> None:
        self._functions = functions
        self._stored = stored
        self._signature = signature_of(name, stored.manifest)
        self._answers: type[Answers] = Probabilities if gives == "probabilities" else Answers
        self._inside = inside
        self._answering: Answering = inside or PythonAnswers(functions, stored)

    def define(
        self, name: str, output: str, bodies: list[Any], companion_of: str | None = None
    ) -> FunctionSignature:
        """Make a function that takes what the model takes."""
        signature = FunctionSignature(name, self._signature.parameters, output, companion_of)
        self._functions.define(signature, *bodies, models=self._answering.models)
        return signature

    def answers(self, candidate: CandidateRecord) -> list[Any]:
        """What one candidate answers."""
        return [self._answering.answer(candidate, self._signature, shape, Answers) for shape in self._shapes]

    def of(self, candidate: CandidateRecord) -> list[Any]:
        """The vector of one candidate."""
        if self._inside is not None:
            return [self._vector(candidate, shape) for shape in self._shapes]
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
        if self._inside is not None:
            return self._inside.vector(candidate, self._signature, shape)
        signature = FunctionSignature(self._signature.name, self._signature.parameters, _ARRAY)
        return self._functions.as_vector(self._answering.answer(candidate, signature, shape, self._answers))

    def _unless_null(self, body: Any, shape: Shape) -> Any:
        is_null = is_unanswered(self._signature, self._stored.manifest, self._functions, shape)
        return self._functions.call("if", is_null, self._functions.sql("null"), body)
