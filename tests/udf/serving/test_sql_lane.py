"""Queries over given rows, answered by DuckDB in this process, and equal to Spark's answers."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from mlsql.engine import default_owner
from mlsql.models.manifest import Column
from mlsql.predictions import Given, objects, stream_as_json, texts, vectors
from mlsql.registrations import Registration
from mlsql.results.formats import json_lines, read_rows
from mlsql.udf.builtin import FUNCTIONS
from mlsql.udf.serving.functions import Served
from mlsql.udf.serving.lane_functions import AGREED, ROWS
from mlsql.udf.serving.sql_lane import MOST_ROWS, SqlLane
from mlsql.udf.serving.translation import NotCarriedOver

ROW_VALUES = [
    {"n": 3, "d": 2.5, "s": "a", "b": True, "a": [1.0, -2.5], "i": [1, 2]},
    {"n": None, "d": -0.5, "s": "Bé ", "b": False, "a": [], "i": [0, 1]},
    {"n": -7, "d": None, "s": None, "b": None, "a": [0.1, 0.2, 0.3], "i": [2, 0, 1]},
    {"n": 2**40, "d": 1e300, "s": "", "b": True, "a": [3.0], "i": [0]},
]
HERE = Path(__file__).parent
EXPRESSIONS = (HERE / "agreeing.txt").read_text("utf-8").splitlines()
"""Those that the lane answers, over every row."""
FAILING = (HERE / "failing.txt").read_text("utf-8").splitlines()
"""Those for which Spark raises, or the lane does not know: over one of the rows it gives up."""


@dataclass
class Sums:
    """A stand-in for a model: adds up its features, unless one is missing."""

    inputs: tuple = (Column("features", "array<double>"),)
    output: str = "double"
    has_probabilities: bool = True
    nbytes: int = 8
    scale: float = 1.0

    def answers(self, columns):
        """The sums."""
        (rows,) = columns.values()
        return [None if row is None else self.scale * math.fsum(row) for row in rows]

    def many_probabilities(self, columns):
        """Two halves."""
        (rows,) = columns.values()
        return [None if row is None else [0.5, 0.5] for row in rows]


REGISTRATION = Registration(
    owner="ann",
    function="f",
    algorithm="SKLearn",
    path="/m",
    version=1,
    index=0,
    signature="f(features array<double>) -> double",
    inputs=Sums().inputs,
    output="double",
    kind="classifier",
    companions=("f_all", "f_proba"),
    created=0.0,
)


@dataclass
class Owned:
    """The functions of ann."""

    model: Sums = field(default_factory=Sums)
    registrations: dict = field(default_factory=lambda: {"f": REGISTRATION})

    def names(self, caller):
        """What ann may call."""
        return self.registrations if caller == "ann" else {}

    def served(self, caller, name):
        """With the model of now."""
        return Served(name, self.names(caller)[name], self.model)


@pytest.fixture(scope="module")
def functions():
    """What the lane knows."""
    return Owned()


@pytest.fixture(scope="module")
def lane(functions):
    """The lane of a scorer."""
    lane = SqlLane(functions)
    yield lane
    lane.close()


def asked(lane, sql, given, caller="ann"):
    """The rows of a query."""
    return json.loads(stream_as_json(lane.query(caller, sql, given.stream()), nulls=True))


def test_models_are_called(lane):
    """By position and by name, over vectors and arrays; with their probabilities."""
    sql = "select f(vec_dense(feature)) as p, f(features => vec_array(feature)) as q, f_proba(feature) as r"
    assert asked(lane, sql, vectors([[1, 2.5], []])) == [
        {"p": 3.5, "q": 3.5, "r": [0.5, 0.5]},
        {"p": 0.0, "q": 0.0, "r": [0.5, 0.5]},
    ]


def test_the_model_of_now_answers(functions):
    """A query that was translated before asks it too; another signature is translated anew."""
    own = Owned()
    lane = SqlLane(own)
    sql = "select f(feature) as p"
    assert asked(lane, sql, vectors([[1]])) == [{"p": 1.0}]
    own.model = Sums(scale=2.0)
    assert asked(lane, sql, vectors([[1]])) == [{"p": 2.0}]
    one = replace(REGISTRATION, signature="f(a double) -> double", companions=())
    own.registrations = {"f": one}
    with pytest.raises(NotCarriedOver):
        asked(lane, sql, vectors([[1]]))
    own.registrations = {}
    with pytest.raises(NotCarriedOver, match="function 'f'"):
        asked(lane, sql, vectors([[1]]))
    lane.close()


def test_functions_of_others_are_unknown(lane):
    """As they are in Spark."""
    with pytest.raises(NotCarriedOver, match="function 'f'"):
        asked(lane, "select f(feature) as p", vectors([[1]]), caller="bob")


def test_nothing_outside_is_reached(lane):
    """Neither files nor settings, should a text ever come through."""
    database = lane._opened()
    for sql in (
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/x'",
        "attach '/tmp/x.db'",
        "set enable_external_access = true",
        "install httpfs",
    ):
        with pytest.raises(duckdb.Error, match=r"disabled|configuration|locked|ermission"):
            database.execute(sql)


def test_many_rows_are_for_spark(lane):
    """Others wait for the scorer."""
    with pytest.raises(NotCarriedOver, match="rows"):
        asked(lane, "select feature", texts(["a"] * (MOST_ROWS + 1)))
    assert len(asked(lane, "select 1 as p", texts(["a"] * 3000))) == 3000


def test_rows_stay_in_their_order(lane):
    """Also beyond what DuckDB takes at once."""
    rows = vectors([[number] for number in range(5000)])
    assert [row["p"] for row in asked(lane, "select f(feature) as p", rows)] == [*range(5000)]


def test_columns_of_other_types_are_for_spark(lane):
    """Objects in objects."""
    with pytest.raises(NotCarriedOver, match="column 'a'"):
        asked(lane, "select b", objects([{"a": {"x": 1}, "b": 1}]))


def test_several_threads_ask(lane):
    """One after the other."""
    found, want = [], [{"p": 3.0}]

    def ask():
        found.extend(asked(lane, "select f(feature) as p", vectors([[1, 2]])) == want for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert found == [True] * 80


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_that_agrees_is_answered_here(lane, expression):
    """Over values, nulls and empty ones."""
    assert len(asked(lane, f"select {expression} as p", objects(ROW_VALUES))) == len(ROW_VALUES)


@pytest.mark.parametrize("expression", FAILING)
def test_errors_are_sparks_to_tell(lane, expression):
    """A value for which Spark raises."""
    with pytest.raises(NotCarriedOver):
        asked(lane, f"select {expression} as p", objects(ROW_VALUES))


def test_each_function_of_ours_that_the_lane_knows_is_one():
    """With the parameters that its declaration has."""
    declared = {each.signature.name.casefold(): each.signature for each in FUNCTIONS}
    for name, function in ROWS.items():
        assert [*function.parameters] == [each.name for each in declared[name].parameters], name
        assert function.output == declared[name].output, name
    assert not ROWS.keys() & AGREED.keys()


@pytest.mark.spark
def test_the_lane_gives_what_spark_gives(lane, engine):
    """The law: one query with every expression, over values, nulls and empty ones; to the last bit."""
    given = objects(ROW_VALUES)
    listed = ", ".join(f"{each} as p{number}" for number, each in enumerate(EXPRESSIONS))
    spark = engine.session(default_owner()).spark
    given.frame(spark).createOrReplaceTempView("given_rows")
    frame = spark.sql(f"select {listed} from given_rows")
    try:
        rows = json.loads("".join(json_lines(read_rows(frame, 10))))
    finally:
        spark.catalog.dropTempView("given_rows")
    ours = asked(lane, f"select {listed}", given)
    for number, expression in enumerate(EXPRESSIONS):
        name = f"p{number}"
        told = [json.dumps(row[name]) for row in ours], [json.dumps(row[name]) for row in rows]
        assert told[0] == told[1], expression


@pytest.mark.spark
def test_examples_of_our_functions_give_the_same(lane, engine):
    """Those that the lane knows; for the others it says so."""
    given = Given(pa.table({"one": [1]}))
    spark, found = engine.session(default_owner()).spark, {}
    for each in FUNCTIONS:
        try:
            found[each.example] = asked(lane, f"select {each.example} as p", given)
        except NotCarriedOver:
            continue
    assert len(found) > len(ROWS) // 2
    listed = ", ".join(f"{example} as p{number}" for number, example in enumerate(found))
    (row,) = json.loads("".join(json_lines(read_rows(spark.sql(f"select {listed}"), 1))))
    assert [told[0]["p"] for told in found.values()] == [*row.values()]
