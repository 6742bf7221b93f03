"""FPGrowth: what comes together in many baskets, and what else belongs into a basket."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Traits
from mlsql.errors import DataError
from mlsql.models.cache import local_folder
from mlsql.models.manifest import CandidateRecord, Column, ModelStore, StoredModel
from mlsql.options import TEXT, Options, option
from mlsql.session import FunctionSignature, Run, Session, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.fitting import Training, fit_and_store
from mlsql.stages.algorithms.inputs import found
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.catalogue import PATTERNS
from mlsql.stages.algorithms.mllib.options import FamilyOptions, PredictOptions, read_own, with_params
from mlsql.stages.algorithms.mllib.params import params_of
from mlsql.stages.algorithms.mllib.predicting import expect_inputs, expect_new, model_of
from mlsql.stages.algorithms.mllib.tables import kept_frames
from mlsql.stages.algorithms.spark_models import libraries, save_spark_model
from mlsql.stages.algorithms.training_data import examine
from mlsql.udf.catalyst import Functions
from mlsql.udf.companions import forget_functions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ITEMS, RULES = "itemsCol", "rules.json"
MOST_RULES = 100_000
_TEXTS = "array<string>"
_RULES = "array<struct<antecedent: array<string>, consequent: array<string>>>"
_CONSEQUENTS = (
    "if(items is null, null, array_except(array_distinct(flatten(transform("
    "filter(from_json({rules}, '{type}'), rule -> size(array_except(rule.antecedent, items)) = 0),"
    " rule -> rule.consequent))), items))"
)
"""Of all rules whose antecedent is in the basket, in their order, each item once that it does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternOptions(FamilyOptions):
    """Where the baskets are."""

    items: str = option(ITEMS, TEXT, "Column with an array of what each basket holds.", default="items")


class Patterns:
    """Rules of what follows from what, found by frequent pattern growth."""

    predict_options: ClassVar[type[PredictOptions]] = PredictOptions
    doc: ClassVar[str] = "Finds what comes together in baskets; a function gives what else belongs into one."
    functions: ClassVar[str] = (
        "`register` makes `f(items)`, what else belongs into a basket: what the rules that it meets end in."
    )
    example: ClassVar[str] = """\
select if(id % 3 = 0, array("bread", "butter", "jam"), array("bread", "butter")) as items
from range(30) as baskets;
train baskets as FPGrowth.`out/example/FPGrowth` where minSupport="0.2" and minConfidence="0.5" as models;
register FPGrowth.`out/example/FPGrowth` as belongs;
select belongs(array("jam")) as more as found;
"""

    def __init__(self, store: ModelStore) -> None:
        self.store = store

    @cached_property
    def options(self) -> type[Any]:
        """Ours, and the Params of Spark's FPGrowth."""
        return with_params("FPGrowth", PatternOptions, params_of(PATTERNS).values())

    @property
    def _reader(self) -> ParamReader:
        return ParamReader("FPGrowth", "transformer", params_of(PATTERNS), {ITEMS: ITEMS})

    def check(self, given: Options, /) -> None:
        """Raise what cannot be asked of Spark, before it is."""
        self._reader.check(given)

    def train(self, call: Call[Any], run: Run, /) -> DataFrame:
        """Find the rules of every candidate, and store them."""
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        call = dataclasses.replace(call, given=self._reader.modern(call.given))
        candidates = self._reader.read(call.given)
        options = read_own(PatternOptions, call, "FPGrowth")
        name = _items(call.frame, options)
        with kept_frames() as kept:
            frame = kept(
                call.frame.selectExpr(f"array_distinct(cast({quoted(name)} as {_TEXTS})) as {quoted(name)}")
            )
            data = examine(frame, {name: ITEMS}, skips_nulls=options.invalid == "skip")
            columns = Columns("features", (Column(name, _TEXTS),))
            training = Training(
                algorithm="FPGrowth",
                path=path,
                span=call.span,
                frame=data.frame,
                columns=columns,
                data=data.record,
                candidates=candidates,
                fail_on_error=options.fail_on_error,
                keep_version=options.keep_version,
            )
            return fit_and_store(training, _Fits(name), run, self.store).result(run)

    def predict(self, call: Call[PredictOptions], run: Run, /) -> DataFrame:
        """The table with a column more: what else belongs into each basket."""
        stored, candidate = model_of(call, self.store, run)
        expect_inputs(call.frame, stored)
        expect_new(call.frame, call.options.output)
        name, functions = f"predict_{uuid.uuid4().hex[:8]}", Functions(run.spark)
        with run.guard(call.span):
            _define(functions, name, stored, candidate)
            try:
                given = quoted(stored.manifest.inputs[0].name)
                return call.frame.selectExpr("*", f"{name}({given}) as {quoted(call.options.output)}")
            finally:
                functions.forget(name)

    def register(
        self, session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, /
    ) -> FunctionSignature:
        """``name(items)``, an expression of SQL over the rules."""
        signature = _define(Functions(session.spark), name, stored, candidate)
        forget_functions(session, name, kept={name})
        session.functions[name] = signature
        return signature


def _define(
    functions: Functions, name: str, stored: StoredModel, candidate: CandidateRecord
) -> FunctionSignature:
    file = local_folder(stored.directory(candidate.index)) / RULES
    try:
        rules = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"a part of the model cannot be read: {file}: {error.strerror}") from error
    signature = FunctionSignature(name, (Column("items", _TEXTS),), _TEXTS)
    literal = "'" + rules.replace("\\", "\\\\").replace("'", "\\'") + "'"
    functions.define(signature, functions.sql(_CONSEQUENTS.format(rules=literal, type=_RULES)))
    return signature


@dataclass(frozen=True, slots=True)
class _Fits:
    items: str

    def fit(self, frame: DataFrame, params: Mapping[str, str], run: Run) -> _Fitted:  # noqa: ARG002
        from pyspark.ml.fpm import FPGrowth

        known = params_of(PATTERNS)
        values = {name: known[name].value(text) for name, text in params.items()}
        return _Fitted(FPGrowth(itemsCol=self.items).setParams(**values).fit(frame))


@dataclass(frozen=True, slots=True)
class _Fitted:
    model: Any

    @property
    def traits(self) -> Traits:
        return Traits(kind="transformer", features=1, answer=_TEXTS, libraries=libraries())

    def judge(self, frame: DataFrame, run: Run) -> Judgement:  # noqa: ARG002
        """Nothing tells how good rules are."""
        return Judgement()

    def save(self, directory: Path, run: Run) -> None:
        """The Spark ML model, and its rules, those that hold most often first."""
        save_spark_model(self.model, directory, run.spark)
        rows = (
            self.model.associationRules.orderBy(
                "confidence", "lift", "antecedent", ascending=[False, False, True]
            )
            .select("antecedent", "consequent")
            .limit(MOST_RULES + 1)
            .collect()
        )
        if len(rows) > MOST_RULES:
            hint = "ask for a higher minSupport or minConfidence"
            raise DataFault(f"there are more than {MOST_RULES:,} rules", hint=hint)
        text = json.dumps([row.asDict() for row in rows], ensure_ascii=False)
        (directory / RULES).write_text(text, encoding="utf-8")


def _items(frame: DataFrame, options: PatternOptions) -> str:
    from pyspark.sql.types import ArrayType

    name = found(frame.columns, options.items, ITEMS)
    kind = frame.schema[name].dataType
    if not isinstance(kind, ArrayType):
        message = f"the column '{name}' is {kind.simpleString()}, and a basket is an array"
        raise DataFault(message, option=ITEMS, hint=f"split({name}, ',') makes one of a text")
    return name
