"""ConfusionMatrix: how often each label was taken for which, and what follows for each label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.errors import DataFault
from mlsql.grammar.nodes import Word
from mlsql.options import TEXT, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.fields import column
from mlsql.stages.algorithms.tools.labels import expect_none_missing, label_field, label_text
from mlsql.stages.algorithms.tools.outcomes import save_below
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

_MOST_LABELS = 1000
_ACTUAL = "actual"
_DETAIL = (
    "label string, tp bigint, fp bigint, tn bigint, fn bigint, precision double, recall double, f1 double"
)


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How one label fared: found, taken for, left alone, missed."""

    label: str
    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def support(self) -> int:
        """How many rows have this label."""
        return self.tp + self.fn

    @property
    def precision(self) -> float:
        """The share of right ones among what was given this label; 0 when nothing was."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """The share that was found of what has this label; 0 when nothing has."""
        return ratio(self.tp, self.support)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True)
class Confusion:
    """How many rows have which label and were given which: ``counts[actual, predicted]``."""

    counts: Mapping[tuple[str, str], int]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of numbers when they all are, else of texts."""
        labels = {label for pair in self.counts for label in pair}
        try:
            return tuple(sorted(labels, key=lambda label: (float(label), label)))
        except ValueError:
            return tuple(sorted(labels))

    @cached_property
    def total(self) -> int:
        """How many rows there are."""
        return sum(self.counts.values())

    @cached_property
    def details(self) -> tuple[LabelCounts, ...]:
        """Each label against the rest."""
        rows, columns = dict.fromkeys(self.labels, 0), dict.fromkeys(self.labels, 0)
        for (actual, predicted), count in self.counts.items():
            rows[actual] += count
            columns[predicted] += count
        return tuple(self._detail(label, rows[label], columns[label]) for label in self.labels)

    def _detail(self, label: str, actual: int, predicted: int) -> LabelCounts:
        tp = self.counts.get((label, label), 0)
        fp, fn = predicted - tp, actual - tp
        return LabelCounts(label, tp, fp, self.total - tp - fp - fn, fn)


def ratio(part: float, whole: float) -> float:
    """*part* of *whole*; 0 where there is no whole, as scikit-learn has it."""
    return part / whole if whole else 0.0


def count_confusion(frame: DataFrame, actual: StructField, predicted: StructField) -> Confusion:
    """The confusion of two columns, in one aggregate; a table without rows or with nulls is refused."""
    pairs = (
        frame.select(*_labels(actual, predicted))
        .groupBy("actual", "predicted")
        .count()
        .limit(_MOST_LABELS**2)
    )
    counts = {(row[0], row[1]): row[2] for row in pairs.collect()}
    if not counts:
        raise DataFault("the table has no rows")
    for place, field in enumerate((actual, predicted)):
        missing = sum(count for pair, count in counts.items() if pair[place] is None)
        expect_none_missing(field.name, missing)
    confusion = Confusion(counts)
    if len(confusion.labels) > _MOST_LABELS:
        raise DataFault(
            f"'{actual.name}' and '{predicted.name}' hold more than {_MOST_LABELS:,} labels",
            hint="RegressionEvaluator judges predicted numbers",
        )
    return confusion


def _labels(actual: StructField, predicted: StructField) -> Iterator[Column]:
    """Both columns as texts; a boolean beside a number is 1 or 0."""
    from pyspark.sql.types import BooleanType

    booleans = [isinstance(field.dataType, BooleanType) for field in (actual, predicted)]
    for name, field, is_boolean in zip(("actual", "predicted"), (actual, predicted), booleans, strict=True):
        is_mixed = is_boolean and not all(booleans)
        label = column(field).cast("int").cast("string") if is_mixed else label_text(field)
        yield label.alias(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionOptions:
    """Which columns are compared."""

    actual: str = option("actualCol", TEXT, "Column of the true labels.")
    predicted: str = option("predictCol", TEXT, "Column of the predicted labels.")
    detail: str | None = option(
        "detailTable", TEXT, "Name of a second table: a row a label, with its counts and rates.", default=None
    )


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """A row a true label, a column a predicted one; below a path as ``data``, each label as ``detail``."""

    options: ClassVar[type[ConfusionOptions]] = ConfusionOptions
    doc: ClassVar[str] = (
        "Counts which label was taken for which; with a path the counts are saved below it as data, "
        "and what follows for each label as detail."
    )
    example: ClassVar[str] = """\
set animals='''
{"label":"cat","predict":"rabbit"}
{"label":"cat","predict":"dog"}
{"label":"cat","predict":"cat"}
{"label":"dog","predict":"dog"}
{"label":"cat","predict":"dog"}
''';
load jsonStr.`animals` as guesses;
run guesses as ConfusionMatrix.`` where actualCol="label" and predictCol="predict"
  and detailTable="rates" as confusion;
select label, precision, recall from rates as shown;
"""

    def transform(self, call: Call[ConfusionOptions], run: Run, /) -> DataFrame:
        """The counts; null labels are refused."""
        options = call.options
        actual = label_field(call.frame, options.actual, "actualCol")
        predicted = label_field(call.frame, options.predicted, "predictCol")
        confusion = count_confusion(call.frame, actual, predicted)
        matrix, detail = _matrix(confusion, run), _detail(confusion, run)
        save_below(run, call.path, "data", matrix)
        save_below(run, call.path, "detail", detail)
        if options.detail is not None:
            run.define(Word(options.detail, call.given["detailTable"].span or call.span), detail)
        return matrix


def _matrix(confusion: Confusion, run: Run) -> DataFrame:
    labels = confusion.labels
    rows = [(label, *(confusion.counts.get((label, other), 0) for other in labels)) for label in labels]
    columns = ", ".join(f"{quoted(name)} bigint" for name in _column_names(labels))
    return local_table(run.spark, rows, f"{_ACTUAL} string, {columns}")


def _column_names(labels: tuple[str, ...]) -> Iterator[str]:
    """The labels as columns; those that differ in case alone get a number, since Spark tells no case."""
    taken = {_ACTUAL}
    for label in labels:
        candidates = (label, *(f"{label}_{number}" for number in range(2, len(labels) + 3)))
        name = next(each for each in candidates if each.casefold() not in taken)
        taken.add(name.casefold())
        yield name or " "


def _detail(confusion: Confusion, run: Run) -> DataFrame:
    rows = [
        (each.label, each.tp, each.fp, each.tn, each.fn, each.precision, each.recall, each.f1)
        for each in confusion.details
    ]
    return local_table(run.spark, rows, _DETAIL)
