"""What every feature step shares: fitted on a table, its table and its functions are the same step.

A step is declared by a class: its options, the columns that it reads, what it learns (a record of
``udf.predictors.plain``, by Spark's aggregates and estimators), and the columns that its functions
make. The rest is here. The table of ``train`` and ``predict`` is made by the very functions that
``register`` makes, so both give the same for the same row.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from mlsql.bridge.request import Candidate, Columns
from mlsql.errors import MissingColumn
from mlsql.models.manifest import CandidateRecord, Column, ModelStore, StoredModel
from mlsql.options import TEXT, Options, OptionText, option, read_options
from mlsql.session import FunctionSignature, Run, Session, quoted
from mlsql.spans import Span
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.choice import ModelAddress, ModelChoice, chosen_model
from mlsql.stages.algorithms.features.storing import FittedFeature
from mlsql.stages.algorithms.fitting import Training, fit_and_store
from mlsql.stages.algorithms.training_data import examine
from mlsql.stages.algorithms.tuning import StoringOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.stepping import FittedStep, StepFunction

INPUT, INPUTS, OUTPUT = "inputCol", "inputCols", "outputCol"
DATA = "data"
"""The folder of a table that no name asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions(StoringOptions):
    """Where the result of a step stands."""

    output: str | None = option(
        OUTPUT, TEXT, "Column for the result; else the input is replaced.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions(OutputOptions):
    """The column that a step works on."""

    input: str = option(INPUT, TEXT, "Column that the step works on.")


OptionsT = TypeVar("OptionsT", bound=StoringOptions)


@dataclass(frozen=True, slots=True)
class Lesson(Generic[OptionsT]):
    """What a step learns from: the rows without nulls, and how many they are."""

    frame: DataFrame
    rows: int
    options: OptionsT
    given: Options
    span: Span
    """The statement."""
    run: Run


class FeatureStep(ABC, Generic[OptionsT]):
    """An algorithm that trains, predicts and registers one kind of step."""

    name: ClassVar[str]
    options: ClassVar[type[Any]]
    doc: ClassVar[str]
    example: ClassVar[str]
    predict_options: ClassVar[type[ModelChoice]] = ModelChoice
    nulls_are_values: ClassVar[bool] = False
    """Whether the step learns from rows with nulls too, as one that fills them does."""

    def __init__(self, store: ModelStore) -> None:
        self.store = store

    def settled(self, options: OptionsT) -> OptionsT:
        """The options as the rest of the step wants them."""
        return options

    @abstractmethod
    def inputs(self, options: OptionsT) -> Mapping[str, str]:
        """The columns that it reads, and which option names each."""

    def also_learns_from(self, options: OptionsT) -> Mapping[str, str]:  # noqa: ARG002
        """Columns that the fit alone reads, a label, and which option names each."""
        return {}

    def takes(self, options: OptionsT, frame: DataFrame) -> Columns:
        """What the main function takes, for whoever calls the stored step: the columns."""
        types = dict(frame.dtypes)
        names = _found(frame, self.inputs(options))
        return Columns("columns", tuple(Column(each, types[each]) for each in names))

    @abstractmethod
    def learn(self, lesson: Lesson[OptionsT]) -> FittedStep:
        """The fitted step; whatever it raises fails the statement."""

    @abstractmethod
    def outputs(self, options: OptionsT, frame: DataFrame) -> Mapping[str, str]:
        """The columns of the table made, by name: SQL in which ``{f}`` is the step's function."""

    def check_inputs(self, call: Call[OptionsT]) -> None:
        """Raise where a column has a type that the step cannot work on."""

    def train(self, call: Call[OptionsT], run: Run, /) -> DataFrame:
        """Fit the step on the table and store it; the table as the step makes it.

        One that the statement gives no name is saved below the path, where older engines left it.
        """
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        call = replace(call, options=self.settled(call.options))
        names = _found(call.frame, {**self.inputs(call.options), **self.also_learns_from(call.options)})
        self.check_inputs(call)
        learnt = _without_nulls(call.frame, names) if self.nulls_are_values else call.frame
        with run.guard(call.span):
            data = examine(_hashable(learnt, names), names, skips_nulls=True)
        training = Training(
            algorithm=self.name,
            path=path,
            span=call.span,
            frame=data.frame,
            columns=self.takes(call.options, call.frame),
            data=data.record,
            candidates=(Candidate(0, {key: value.text for key, value in call.given.items()}),),
            keep_version=call.options.keep_version,
        )
        rows = data.record.rows - data.record.left_out
        stored = fit_and_store(training, _Fits(self, call, rows), run, self.store).stored
        with run.guard(call.span):
            table = self._table(call.frame, call.options, stored, stored.manifest.candidates[0], run)
            if not call.is_named:
                table.write.mode("overwrite").parquet(f"{path.rstrip('/')}/{DATA}")
        return table

    def predict(self, call: Call[ModelChoice], run: Run, /) -> DataFrame:
        """Another table as the stored step makes it."""
        address = ModelAddress(call.algorithm, call.path)
        stored, candidate = chosen_model(self.store, address, call.options, call.given, run)
        params = {key: OptionText(value) for key, value in candidate.params.items()}
        options = self.settled(read_options(self.options, params, owner=self.name))
        _found(call.frame, self.inputs(options))
        with run.guard(call.span):
            return self._table(call.frame, options, stored, candidate, run)

    def register(
        self, session: Session, name: str, stored: StoredModel, candidate: CandidateRecord, /
    ) -> FunctionSignature:
        """Make the functions of the step callable: *name*, and what begins with it."""
        from mlsql.udf.catalyst import Functions
        from mlsql.udf.companions import forget_functions
        from mlsql.udf.steps import StepFunctions

        made = StepFunctions.of(Functions(session.spark), name, stored, candidate).define()
        forget_functions(session, name, kept={each.name for each in made})
        session.functions.update({each.name: each for each in made})
        return made[0]

    def main_function(self, stored: StoredModel, candidate: CandidateRecord) -> StepFunction:
        """How the main function of a stored step is called."""
        from mlsql.models.cache import local_folder
        from mlsql.udf.steps import StoredStep

        step = StoredStep.in_folder(local_folder(stored.directory(candidate.index))).load()
        return step.functions[0]

    def _table(
        self, frame: DataFrame, options: OptionsT, stored: StoredModel, candidate: CandidateRecord, run: Run
    ) -> DataFrame:
        from mlsql.udf.catalyst import Functions
        from mlsql.udf.steps import StepFunctions

        functions, name = Functions(run.spark), f"step_{uuid.uuid4().hex[:8]}"
        made = StepFunctions.of(functions, name, stored, candidate).define()
        try:
            outputs = {
                column: sql.replace("{f}", name) for column, sql in self.outputs(options, frame).items()
            }
            return self.arranged(frame, outputs, options)
        finally:
            for each in made:
                functions.forget(each.name)

    def arranged(self, frame: DataFrame, outputs: Mapping[str, str], options: OptionsT) -> DataFrame:  # noqa: ARG002
        """The table with *outputs* in the places of columns with these names, or behind the others."""
        left = {name.casefold(): (name, sql) for name, sql in outputs.items()}
        columns = []
        for column in frame.columns:
            _, sql = left.pop(column.casefold(), (column, quoted(column)))
            columns.append(f"{sql} as {quoted(column)}")
        columns += [f"{sql} as {quoted(name)}" for name, sql in left.values()]
        return frame.selectExpr(*columns)


@dataclass(frozen=True, slots=True)
class _Fits:
    """The one fit of a step."""

    step: FeatureStep[Any]
    call: Call[Any]
    rows: int

    def fit(self, frame: DataFrame, params: Mapping[str, str], run: Run, /) -> FittedFeature:  # noqa: ARG002
        """The fitted step."""
        lesson = Lesson(frame, self.rows, self.call.options, self.call.given, self.call.span, run)
        return FittedFeature(self.step.learn(lesson))


def _found(frame: DataFrame, named: Mapping[str, str]) -> dict[str, str]:
    """The columns by their names in *frame*, with the options that name them."""
    known = {name.casefold(): name for name in frame.columns}
    for name, key in named.items():
        if name.casefold() not in known:
            raise MissingColumn(name, frame.columns, option=key)
    return {known[name.casefold()]: key for name, key in named.items()}


def _hashable(frame: DataFrame, names: Iterable[str]) -> DataFrame:
    """The columns alone, with the entries of a map in its place: Spark hashes no maps."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import MapType

    return frame.select(
        [
            sf.map_entries(sf.col(quoted(name))).alias(name)
            if isinstance(frame.schema[name].dataType, MapType)
            else sf.col(quoted(name))
            for name in names
        ]
    )


def _without_nulls(frame: DataFrame, names: Sequence[str] | Mapping[str, str]) -> DataFrame:
    """The numbers among the columns with NaN instead of null."""
    from pyspark.sql import functions as sf
    from pyspark.sql.types import NumericType

    nan = sf.lit(float("nan"))
    filled = {
        name: sf.coalesce(sf.col(quoted(name)).cast("double"), nan)
        for name in names
        if isinstance(frame.schema[name].dataType, NumericType)
    }
    return frame.withColumns(filled)
