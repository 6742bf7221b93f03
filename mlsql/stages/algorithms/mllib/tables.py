"""The tables of a training in Spark: looked at once, kept while the fits go over them again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.grammar.nodes import Word
from mlsql.models.manifest import NullHandling
from mlsql.names import listed
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.columns import (
    EVALUATE,
    FEATURES,
    LABEL,
    WEIGHT,
    Wanted,
    expect_alike,
    prepare,
)
from mlsql.stages.algorithms.inputs import INPUTS, found
from mlsql.stages.algorithms.mllib.frames import Layout, check_types, classes_of
from mlsql.stages.algorithms.mllib.options import MllibOptions
from mlsql.stages.algorithms.training_data import TrainingData, examine
from mlsql.stages.faults import span_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DEFAULT_LABEL = "label"


@dataclass(frozen=True, slots=True)
class TrainingTables:
    """The table to learn from and the one to judge on, and what their columns are for."""

    columns: Columns
    training: TrainingData
    evaluation: TrainingData | None

    def layout(self, *, classifies: bool, extra: Sequence[str]) -> Layout:
        """Where things will be when they are prepared for Spark ML."""
        label = self.columns.label
        if label is not None and label.type == "string" and not classifies:
            message = f"the label column '{label.name}' is text, and this model finds a number"
            raise DataFault(message, option=LABEL, hint="a classifier finds texts")
        classes = classes_of(self.training.frame, label) if classifies and label is not None else None
        return Layout(self.columns, classes, tuple(extra))


@contextmanager
def training_tables(
    call: Call[Any], options: MllibOptions, run: Run, *, labelled: bool, extra: Mapping[str, str]
) -> Iterator[TrainingTables]:
    """A block in which the tables are kept in memory or on disk; faults name the options of the statement.

    Without a label no model *labelled* can be fitted; *extra* are columns by the Params that name them.
    """
    columns = _columns(call, options, labelled=labelled)
    skips = options.invalid == "skip"
    for name, param in extra.items():
        found(call.frame.columns, name, param)
    roles = _roles(columns, extra)
    with kept_frames() as kept:
        frame = kept(call.frame.select(*map(quoted, roles)))
        training = examine(frame, roles, skips_nulls=skips)
        judging = evaluation_table(call, options.evaluate, columns, run)
        evaluation = None
        if judging is not None:
            asked = {name: EVALUATE for name in roles if name in judging.columns}
            evaluation = examine(
                kept(judging), asked, skips_nulls=skips, table="table to evaluate on", named_by=EVALUATE
            )
        yield TrainingTables(columns, training, evaluation)


@contextmanager
def kept_frames() -> Iterator[Callable[[DataFrame], DataFrame]]:
    """A block with what keeps a frame, in memory or on disk, until it ends."""
    from pyspark import StorageLevel

    with ExitStack() as stack:

        def kept(frame: DataFrame) -> DataFrame:
            stack.callback(frame.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
            return frame

        yield kept


def _columns(call: Call[Any], options: MllibOptions, *, labelled: bool) -> Columns:
    """What the options name, by the columns that the table has."""
    known = set(map(str.casefold, call.frame.columns))
    if options.inputs is None and FEATURES not in call.given and options.features not in known:
        raise DataFault(
            f"the table has no column '{options.features}'",
            option=FEATURES,
            hint=f'name the features: {INPUTS}="a, b" or {FEATURES}="v"; it has {listed(call.frame.columns)}',
        )
    label = options.label or (_DEFAULT_LABEL if labelled and _DEFAULT_LABEL in known else None)
    if labelled and label is None:
        hint = f'name the column with the answers: {LABEL}="…"; the table has {listed(call.frame.columns)}'
        raise OptionFault("the training needs a label column", option=LABEL, hint=hint)
    invalid = cast("NullHandling", options.invalid)
    wanted = Wanted(options.features, options.inputs, label if labelled else None, options.weight, invalid)
    columns = prepare(call.frame, wanted).columns
    check_types(columns)
    return columns


def _roles(columns: Columns, extra: Mapping[str, str]) -> dict[str, str | None]:
    """Each column that is used, and the option that named it."""
    features = INPUTS if columns.form == "columns" else FEATURES
    roles: dict[str, str | None] = {each.name: features for each in columns.features}
    if columns.label is not None:
        roles[columns.label.name] = LABEL
    if columns.weight is not None:
        roles[columns.weight.name] = WEIGHT
    return {**roles, **extra}


def evaluation_table(call: Call[Any], table: str | None, columns: Columns, run: Run) -> DataFrame | None:
    """The columns of training out of the *table* that ``evaluateTable`` names."""
    if table is None:
        return None
    frame = run.table(Word(table, span_of(call.given, EVALUATE) or call.span))
    return alike(frame, columns, f"table '{table}'")


def alike(frame: DataFrame, columns: Columns, table: str) -> DataFrame:
    """The features and the label of *frame* by their names in training; DataFault where they differ."""
    from pyspark.sql import functions as sf

    expect_alike(frame, columns, table)
    known = {each.casefold(): each for each in frame.columns}
    wanted = [*columns.features, *([columns.label] if columns.label else [])]
    return frame.select(*[sf.col(quoted(known[each.name.casefold()])).alias(each.name) for each in wanted])
