"""ALSInPlace: what a user will think of an item, from what others thought (alternating least squares)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Traits
from mlsql.models.manifest import CandidateRecord, Column, StoredModel
from mlsql.options import TEXT, Options, integer, one_of, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.columns import EVALUATE
from mlsql.stages.algorithms.fitting import Training, fit_and_store
from mlsql.stages.algorithms.inputs import found
from mlsql.stages.algorithms.judgement import Judgement
from mlsql.stages.algorithms.judging_answers import GUESS, TRUTH, judge_numbers
from mlsql.stages.algorithms.mllib.candidates import ParamReader
from mlsql.stages.algorithms.mllib.catalogue import RECOMMENDER
from mlsql.stages.algorithms.mllib.judging import judge_stored
from mlsql.stages.algorithms.mllib.options import FamilyOptions, read_own, with_params
from mlsql.stages.algorithms.mllib.params import SEED, params_of
from mlsql.stages.algorithms.mllib.predicting import PredictsByColumns
from mlsql.stages.algorithms.mllib.tables import evaluation_table, kept_frames
from mlsql.stages.algorithms.spark_models import (
    add_plain,
    last_step,
    libraries,
    read_parts,
    save_spark_model,
    shared_folder,
)
from mlsql.stages.algorithms.training_data import examine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

USER, ITEM, RATING, COLD_START = "userCol", "itemCol", "ratingCol", "coldStartStrategy"
_OF_ALL: Mapping[str, str] = MappingProxyType({name: name for name in (USER, ITEM, RATING, COLD_START)})
"""What older scripts say of each model, and is an option of the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommenderOptions(FamilyOptions):
    """Who has said what of what, and how many recommendations are stored."""

    user: str = option(USER, TEXT, "Column with whole numbers of users.", default="user")
    item: str = option(ITEM, TEXT, "Column with whole numbers of items.", default="item")
    rating: str = option(RATING, TEXT, "Column with what the user thought.", default="rating")
    for_users: int | None = option(
        "userRec", integer(1), "So many items for each user, stored in data/userRec.", default=None
    )
    for_items: int | None = option(
        "itemRec", integer(1), "So many users for each item, stored in data/itemRec.", default=None
    )
    evaluate: str | None = option(
        EVALUATE, TEXT, "Table on which the models are judged.", default=None, aliases=("validateTable",)
    )
    cold_start: str = option(
        COLD_START,
        one_of("nan", "drop"),
        "Users and items that were not there in training are left out when models are judged, either way.",
        default="drop",
    )


class Recommender(PredictsByColumns):
    """The factors of users and items whose products are the ratings."""

    doc: ClassVar[str] = "Finds what users will think of items from what they thought of others."
    functions: ClassVar[str] = (
        "`register` makes `f(user, item)`, the rating to expect; null for one that was not rated."
    )
    example: ClassVar[str] = """\
select cast(id % 6 as int) as user, cast(id / 6 as int) as item, 1.0 + (id % 6 + id / 6) % 5 as rating
from range(30) as ratings;
train ratings as ALSInPlace.`out/example/ALSInPlace` where maxIter="3" and rank="2" and userRec="2"
  and evaluateTable="ratings" as models;
register ALSInPlace.`out/example/ALSInPlace` as opinion;
select user, item, opinion(user, item) as guessed from ratings as guesses;
"""

    @cached_property
    def options(self) -> type[Any]:
        """Ours, and the Params of Spark's ALS."""
        return with_params("ALSInPlace", RecommenderOptions, params_of(RECOMMENDER).values())

    def judge(
        self, call: Call[Any], stored: StoredModel, candidate: CandidateRecord, run: Run, /
    ) -> Mapping[str, float]:
        """The metrics of *candidate* on the ratings of users and items that it knows."""
        return judge_stored(call, stored, candidate, "number", run)

    @property
    def _reader(self) -> ParamReader:
        return ParamReader("ALSInPlace", "regressor", params_of(RECOMMENDER), _OF_ALL)

    def check(self, given: Options, /) -> None:
        """Raise what cannot be asked of Spark, before it is."""
        self._reader.check(given)

    def train(self, call: Call[Any], run: Run, /) -> DataFrame:
        """Fit every candidate, judge it, and store it with the recommendations asked for."""
        path = run.policy.path(call.path.text, span=call.path.span, purpose="model")
        call = dataclasses.replace(call, given=self._reader.modern(call.given))
        candidates = self._reader.read(call.given)
        options = read_own(RecommenderOptions, call, "ALSInPlace")
        columns = _columns(call.frame, options)
        roles = {column.name: key for column, key in zip(_used(columns), (USER, ITEM, RATING), strict=True)}
        with kept_frames() as kept:
            frame = kept(call.frame.select(*map(quoted, roles)))
            skips = options.invalid == "skip"
            data = examine(frame, roles, skips_nulls=skips)
            judging = evaluation_table(call, options.evaluate, columns, run)
            evaluation = None
            if judging is not None:
                evaluation = examine(
                    kept(judging),
                    dict.fromkeys(roles, EVALUATE),
                    skips_nulls=skips,
                    table="table to evaluate on",
                    named_by=EVALUATE,
                )
            training = Training(
                algorithm="ALSInPlace",
                path=path,
                span=call.span,
                frame=data.frame,
                columns=columns,
                data=data.record,
                candidates=candidates,
                evaluation=None if evaluation is None else evaluation.frame,
                evaluation_data=None if evaluation is None else evaluation.record,
                fail_on_error=options.fail_on_error,
                keep_version=options.keep_version,
                selection=options.selection_of("regressor"),
            )
            fits = _Fits(columns, options, is_alone=len(candidates) == 1)
            return fit_and_store(training, fits, run, self.store).result(run)


@dataclass(frozen=True, slots=True)
class _Fits:
    columns: Columns
    options: RecommenderOptions
    is_alone: bool

    def fit(self, frame: DataFrame, params: Mapping[str, str], run: Run) -> _Fitted:  # noqa: ARG002
        from pyspark.ml.recommendation import ALS

        user, item, rating = (column.name for column in _used(self.columns))
        known = params_of(RECOMMENDER)
        values = {name: known[name].value(text) for name, text in {"seed": str(SEED), **params}.items()}
        estimator = ALS(userCol=user, itemCol=item, ratingCol=rating).setParams(**values)
        return _Fitted(estimator.fit(frame), self)


@dataclass(frozen=True, slots=True)
class _Fitted:
    model: Any
    fits: _Fits

    @property
    def traits(self) -> Traits:
        return Traits(kind="regressor", features=2, answer="double", libraries=libraries())

    def judge(self, frame: DataFrame, run: Run) -> Judgement:
        """On the ratings of users and items that were there in training."""
        from pyspark.sql import functions as sf

        _, _, rating = _used(self.fits.columns)
        answers = self.model.setColdStartStrategy("drop").transform(frame)
        truth, guess = sf.col(quoted(rating.name)).cast("double"), sf.col("prediction").cast("double")
        return judge_numbers(answers.select(truth.alias(TRUTH), guess.alias(GUESS)), run.emit)

    def save(self, directory: Path, run: Run) -> None:
        """The Spark ML model, its factors, and recommendations in the version's folder ``data``."""
        save_spark_model(self.model, directory, run.spark)
        add_plain(directory, _factors(last_step(directory)))
        data = directory.parents[1] / "data"
        place = data if self.fits.is_alone else data / directory.name
        wanted = self.fits.options
        for name, count, recommend in (
            ("userRec", wanted.for_users, self.model.recommendForAllUsers),
            ("itemRec", wanted.for_items, self.model.recommendForAllItems),
        ):
            if count is not None:
                with shared_folder(place / name, run.spark) as folder:
                    recommend(count).write.parquet(folder)


def _factors(folder: Path) -> Any:
    import numpy as np

    from mlsql.udf.predictors.plain.tables import Factors

    def read(name: str) -> tuple[Any, Any]:
        table = read_parts(folder / name).sort_by("id")
        factors = table["features"].combine_chunks()
        width = len(factors[0])
        return table["id"].to_numpy(), np.array(factors.flatten()).reshape(-1, width).astype(np.float32)

    (users, user_factors), (items, item_factors) = read("userFactors"), read("itemFactors")
    return Factors(users.astype(np.float64), items.astype(np.float64), user_factors, item_factors)


def _used(columns: Columns) -> tuple[Column, Column, Column]:
    user, item = columns.features
    assert columns.label is not None
    return user, item, columns.label


def _columns(frame: DataFrame, options: RecommenderOptions) -> Columns:
    """The three columns; users and items are whole numbers."""
    from pyspark.sql.types import IntegralType, NumericType

    columns = []
    for name, key, kind, wanted in (
        (options.user, USER, IntegralType, "whole numbers; StringIndex makes some of texts"),
        (options.item, ITEM, IntegralType, "whole numbers; StringIndex makes some of texts"),
        (options.rating, RATING, NumericType, "numbers"),
    ):
        column = found(frame.columns, name, key)
        given = frame.schema[column].dataType
        if not isinstance(given, kind):
            message = f"the column '{column}' is {given.simpleString()}, and it holds {wanted}"
            raise DataFault(message, option=key)
        columns.append(Column(column, given.simpleString()))
    user, item, rating = columns
    return Columns("columns", (user, item), rating)
