"""What ``register … as f`` makes: ``f``, with ``f_all`` and, of a classifier, ``f_proba`` beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from mlsql.models.manifest import CandidateRecord, Manifest, StoredModel
from mlsql.session import FunctionSignature, Session
from mlsql.udf.answers import Answers, Probabilities
from mlsql.udf.catalyst import Functions
from mlsql.udf.predictors.stored import StoredPredictor, loaded
from mlsql.udf.scoring import Shape, answer_of, is_unanswered, predictor_of, shapes_of, signature_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OF_PROBABILITIES = {"logLoss", "auc"}
"""Metrics that only a model with probabilities has."""


class Answering(Protocol):
    """Makes the expressions that answer for a stored model."""

    @property
    def models(self) -> Mapping[str, Any]:
        """What the expressions made so far call, as ``Functions.define`` takes it."""
        ...

    def answer(
        self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape, answers: type[Answers]
    ) -> Any:
        """The answer of *candidate* as an expression over the parameters of *signature* in that *shape*."""
        ...


@dataclass(frozen=True, slots=True)
class PythonAnswers:
    """Answers from the workers of Python, which any stored model can give."""

    functions: Functions
    stored: StoredModel

    @property
    def models(self) -> Mapping[str, Any]:
        """None: they lie with the workers."""
        return MappingProxyType({})

    def answer(
        self, candidate: CandidateRecord, signature: FunctionSignature, shape: Shape, answers: type[Answers]
    ) -> Any:
        """A call of a pandas UDF."""
        return answer_of(candidate, signature, self.stored, self.functions, shape, answers)


def register_functions(
    session: Session,
    name: str,
    stored: StoredModel,
    candidate: CandidateRecord,
    answering: Answering | None = None,
) -> FunctionSignature:
    """Make *candidate* callable as *name* in the SQL of *session*, and what belongs to it.

    ``name_proba`` gives the probabilities of the classes in their order; there is none for a model
    that has no probabilities. ``name_all`` gives the answer of every candidate that succeeded.
    """
    functions = Functions(session.spark)
    answering = answering or PythonAnswers(functions, stored)
    made = [*_functions(functions, session.spark, name, stored, candidate, answering)]
    for signature, bodies in made:
        functions.define(signature, *bodies, models=answering.models)
    forget_functions(session, name, kept={signature.name for signature, _ in made})
    session.functions.update({signature.name: signature for signature, _ in made})
    return made[0][0]


def forget_functions(session: Session, name: str, kept: frozenset[str] | set[str] = frozenset()) -> None:
    """Take the function *name*, and what was registered with it, away from *session*."""
    own = [each.name for each in session.functions.values() if name in (each.name, each.companion_of)]
    for each in set(own) - kept:
        Functions(session.spark).forget(each)
        del session.functions[each]


def _functions(
    functions: Functions,
    spark: SparkSession,
    name: str,
    stored: StoredModel,
    candidate: CandidateRecord,
    answering: Answering,
) -> Iterator[tuple[FunctionSignature, list[Any]]]:
    """The functions with their bodies, one for each shape of the arguments; the main one first."""
    main, shapes = signature_of(name, stored.manifest), shapes_of(stored.manifest)
    yield main, [answering.answer(candidate, main, shape, Answers) for shape in shapes]
    every = FunctionSignature(f"{name}_all", main.parameters, _all_type(stored.manifest), name)
    yield every, [_of_all(main, stored, functions, shape, answering) for shape in shapes]
    if stored.manifest.kind == "classifier" and _tells_probabilities(spark, stored, candidate):
        proba = FunctionSignature(f"{name}_proba", main.parameters, "array<double>", name)
        yield proba, [answering.answer(candidate, proba, shape, Probabilities) for shape in shapes]


def _all_type(manifest: Manifest) -> str:
    return f"array<struct<algIndex: int, answer: {manifest.output}>>"


def _of_all(
    main: FunctionSignature, stored: StoredModel, functions: Functions, shape: Shape, answering: Answering
) -> Any:
    """One array: a struct (algIndex, answer) a candidate, in the order of their numbers."""
    manifest = stored.manifest
    each = [
        functions.call(
            "named_struct",
            functions.sql("'algIndex'"),
            functions.sql(str(candidate.index)),
            functions.sql("'answer'"),
            answering.answer(candidate, main, shape, Answers),
        )
        for candidate in sorted(manifest.candidates, key=lambda one: one.index)
        if candidate.status == "success"
    ]
    null, is_null = functions.sql("null"), is_unanswered(main, manifest, functions, shape)
    return functions.call("if", is_null, null, functions.call("array", *each))


def _tells_probabilities(spark: SparkSession, stored: StoredModel, candidate: CandidateRecord) -> bool:
    """Whether the fitted model can; unless its metrics say so, an executor looks: it unpickles, not we."""
    if _OF_PROBABILITIES.intersection(candidate.metrics):
        return True
    model = predictor_of(candidate, stored)
    from pyspark.sql import functions as sf

    ask = sf.udf(lambda _: _has_probabilities(model), "boolean")
    row = spark.range(0, 1, 1, 1).select(ask("id")).first()
    return row is not None and bool(row[0])


def _has_probabilities(model: StoredPredictor) -> bool:
    return loaded(model).has_probabilities
