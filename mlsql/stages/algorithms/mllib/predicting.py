"""What every predict with a model of Spark ML looks at first: the model, its columns, names that are free."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.errors import MissingColumn
from mlsql.models.manifest import CandidateRecord, ModelStore, StoredModel
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.choice import ModelAddress, chosen_model
from mlsql.stages.algorithms.external_options import PREDICTION
from mlsql.stages.algorithms.mllib.options import PredictOptions
from mlsql.udf.scoring import answered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def model_of(call: Call[PredictOptions], store: ModelStore, run: Run) -> tuple[StoredModel, CandidateRecord]:
    """The version and the model in it that the statement means."""
    return chosen_model(store, ModelAddress(call.algorithm, call.path), call.options, call.given, run)


def expect_inputs(frame: DataFrame, stored: StoredModel) -> None:
    """MissingColumn unless the table has what the model takes."""
    known = {name.casefold() for name in frame.columns}
    for column in stored.manifest.inputs:
        if column.name.casefold() not in known:
            raise MissingColumn(column.name, frame.columns)


def expect_new(frame: DataFrame, name: str, option: str = PREDICTION) -> None:
    """OptionFault when the table has a column *name*, which *option* says."""
    if name.casefold() in {each.casefold() for each in frame.columns}:
        message = f"the table has a column '{name}' already"
        raise OptionFault(message, option=option, hint=f'name another: {option}="answer"')


class PredictsByColumns:
    """An algorithm whose functions are the usual ones, and which predicts by the columns of these names."""

    predict_options: ClassVar[type[PredictOptions]] = PredictOptions

    def __init__(self, store: ModelStore) -> None:
        self.store = store

    def predict(self, call: Call[PredictOptions], run: Run, /) -> DataFrame:
        """The table with a column more: what the function would answer."""
        stored, candidate = model_of(call, self.store, run)
        expect_inputs(call.frame, stored)
        expect_new(call.frame, call.options.output)
        with run.guard(call.span):
            return answered(call.frame, stored, candidate, call.options.output)
