"""A package that adds a source, an algorithm, a trainer, functions and a command to mlsql."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlsql.bridge.trainers.sklearn import SKLearn
from mlsql.options import integer, option
from mlsql.session import Table
from mlsql.udf.builtin.declaration import function
from mlsql.udf.plugins import python_function


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """How numbers follow each other."""

    step: int = option("step", integer(1), "How far one is from the next.", default=1)


class Numbers:
    """``load numbers.`5` where step="2" as t``."""

    doc: ClassVar[str] = "As many whole numbers as the path says."
    read_options: ClassVar[type[StepOptions]] = StepOptions

    def read(self, run, path, options):
        """A row a number."""
        return run.spark.range(0, int(path.text) * options.step, options.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOptions:
    """How much of a table is kept."""

    rows: int = option("rows", integer(0), "How many rows are kept.")


class Head:
    """``run t as Head.`` where rows="3" as u``."""

    doc: ClassVar[str] = "The first rows of a table."
    example: ClassVar[str] = "select id from range(9) as t; run t as Head.`` where rows=3 as u;"
    options: ClassVar[type[HeadOptions]] = HeadOptions

    def transform(self, call, run):
        """So many rows."""
        return call.frame.limit(call.options.rows)


class Bayes(SKLearn):
    """``train t as Bayes.`/m` where …``: an estimator that needs no name."""

    __slots__ = ()

    def kind(self, params):
        """That of the estimator."""
        return super().kind(_named(params))

    def check(self, params):
        """As scikit-learn's."""
        super().check(_named(params))

    def takes_weights(self, params):
        """As scikit-learn's."""
        return super().takes_weights(_named(params))

    def continues(self, params):
        """As scikit-learn's."""
        return super().continues(_named(params))

    def prepare(self, params):
        """As scikit-learn's."""
        super().prepare(_named(params))

    def train(self, data, params, run, initial=None):
        """As scikit-learn's."""
        return super().train(data, _named(params), run, initial)


class Count:
    """``!count TABLE``."""

    forms: ClassVar[tuple[str, ...]] = ("TABLE",)
    doc: ClassVar[str] = "How many rows a table has."

    def read(self, name, arguments):
        """The table."""
        (table,) = arguments
        return table

    def run(self, call, run):
        """A row."""
        return Table(None, run.table(call).selectExpr("count(*) as rows"))


def backwards(text):
    """The text from its end to its beginning."""
    return None if text is None else text[::-1]


def _named(params):
    return {"alg": "GaussianNB", **params}


NUMBERS, HEAD, BAYES, COUNT = Numbers(), Head(), Bayes(), Count()
FUNCTIONS = (
    function(
        "twice(number double) -> double", "number * 2", "Twice as much.", example="twice(2)", gives="4.0"
    ),
    python_function(
        "backwards(text string) -> string",
        backwards,
        "The text from its end to its beginning.",
        example="backwards('abc')",
    ),
)
