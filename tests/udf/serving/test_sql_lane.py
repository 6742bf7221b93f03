"""Queries over given rows, answered by DuckDB in this process, and equal to Spark's answers."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from mlsql.engine import default_owner
from mlsql.models.manifest import Column
from mlsql.predictions import Given, answer_as_json, objects, texts, vectors
from mlsql.registrations import Registration
from mlsql.results.formats import json_lines, read_rows
from mlsql.udf.builtin import FUNCTIONS
from mlsql.udf.serving.lane_columns import Columns, read_stream, write_stream
from mlsql.udf.serving.lane_functions import AGREED, COMPUTED, ROWS
from mlsql.udf.serving.lane_patterns import PATTERNS
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

EDGE_EXPRESSIONS = (HERE / "edges.txt").read_text("utf-8").splitlines()
NAN, INF = math.nan, math.inf
EDGES = {
    "d": [0.5, 2.5, -1.005, 123456.785, 0.0, -0.0, NAN, INF, -INF, 5e-324, 1.7e308, 1e-9, 709.9, 1e15, None],
    "n": [3, 2, -8, 2**31, 0, -1, 2**53 + 1, -(2**31), 2**63 - 1, -(2**63), 10**6, 99, 1, 7, None],
    "s": [
        *("2024-02-29", "1999-12-31", "0001-01-01", "a,b,,c", "", " ", "中文字符", "😀x", "12", "-1.5e3"),
        *(" 7 ", "nan", "2023-02-29", "a\nb", None),
    ],
    "a": [
        *([2.0, 1.0], [1.0, 2.0, 2.0], [3.0, 0.5], [], [NAN], [1.0, None, 2.0], [0.0, -0.0], [-0.0, 0.0]),
        *([INF, -INF], [None], [-0.0], [5.0], [NAN, 1.0], None, None),
    ],
    "t": [
        *(["x", "y"], ["b", "a"], ["中", "x"], [], ["x", None], [None], [""], ["é", "e"], ["x", "x"]),
        *(["a"], ["B", "b"], ["😀", "z"], ["x"], None, None),
    ],
}
"""Values at which functions differ if they do at all."""
EDGE_SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "d": pa.float64(),
        "n": pa.int64(),
        "s": pa.string(),
        "a": pa.list_(pa.float64()),
        "t": pa.list_(pa.string()),
    }
)


@dataclass
class Sums:
    """A stand-in for a model: adds up its features, unless one is missing."""

    scale: float = 1.0

    def one(self, values, companion=""):
        """The sum; as probabilities two halves, as all candidates two."""
        (row,) = values
        if row is None:
            return None
        answer = self.scale * math.fsum(row)
        every = [{"algIndex": index, "answer": answer + index} for index in range(2)]
        return {"": answer, "proba": [0.5, 0.5], "all": every}[companion]

    def many(self, rows, companion=""):
        """The same for each row."""
        return [self.one(each, companion) for each in rows]


REGISTRATION = Registration(
    owner="ann",
    function="f",
    algorithm="SKLearn",
    path="/m",
    version=1,
    index=0,
    signature="f(features array<double>) -> double",
    inputs=(Column("features", "array<double>"),),
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
    revision: int = 0
    is_here: bool = True

    def names(self, caller):
        """What ann may call."""
        return self.registrations if caller == "ann" else {}

    def served(self, caller, name):
        """The model of now."""
        assert name in self.names(caller)
        return self.model

    def is_loaded(self, caller, name):
        """Whether it is."""
        assert name in self.names(caller)
        return self.is_here


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
    return json.loads(answer_as_json(answered(lane, sql, given, caller), nulls=True))


def answered(lane, sql, given, caller="ann"):
    """The answer of a lane in the form in which the rows come."""
    rows = given.asked()
    if isinstance(rows, Columns):
        return lane.query(caller, sql, rows)
    return write_stream(lane.query(caller, sql, read_stream(rows)))


@pytest.mark.parametrize("times", [1, 2, 50])
def test_models_are_called(lane, times):
    """By position and by name, over vectors and arrays, with probabilities; of one row and of many."""
    sql = "select f(vec_dense(feature)) as p, f(features => vec_array(feature)) as q, f_proba(feature) as r"
    rows = [{"p": 3.5, "q": 3.5, "r": [0.5, 0.5]}, {"p": 0.0, "q": 0.0, "r": [0.5, 0.5]}]
    assert asked(lane, sql, vectors([[1, 2.5]])) == rows[:1]
    assert asked(lane, sql, vectors([[1, 2.5], []] * times)) == rows * times


@pytest.mark.parametrize("times", [1, 50])
def test_all_candidates_of_a_model_answer(lane, times):
    """Each with its index; a member of one of them can be read."""
    sql = "select f_all(feature) as every, f_all(feature)[1].answer as second"
    every = [{"algIndex": 0, "answer": 3.0}, {"algIndex": 1, "answer": 4.0}]
    assert asked(lane, sql, vectors([[1, 2]] * times)) == [{"every": every, "second": 4.0}] * times


def test_calls_alone_need_no_database(functions):
    """Of models and of ours, over columns and what is written out; nulls and wrong values as always."""
    lane = SqlLane(functions)
    more = "vec_concat(array(vec_array(feature), array(0.5D)))"
    sql = f"select round(f(vec_dense(feature)), 1) as p, f({more}) as q, 'x' as r"
    assert asked(lane, sql, vectors([[1, 0.25], [2]])) == [
        {"p": 1.3, "q": 1.75, "r": "x"},
        {"p": 2.0, "q": 2.5, "r": "x"},
    ]
    rows = Columns({"a": "array<bigint>"}, [[[1, 2], None]])
    assert lane.query("ann", "select f(a) as p", rows).values == [(3.0, None)]
    with pytest.raises(NotCarriedOver):
        lane.query("ann", "select f(vec_dense(a)) as p", Columns({"a": "array<bigint>"}, [[[1, None]]]))
    assert lane._few._connection is None


def test_a_query_that_is_known_is_answered_at_once(functions):
    """Unless a model is not loaded, the functions have changed, or another has his turn."""
    own = Owned()
    lane, rows, sql = SqlLane(own), Columns({"feature": "vector"}, [[[1.0]]]), "select f(feature) as p"
    assert lane.at_once("ann", sql, rows) is None
    answer = lane.query("ann", sql, rows)
    assert lane.at_once("ann", sql, rows) == answer == Columns({"p": "double"}, [(1.0,)])
    own.is_here = False
    assert lane.at_once("ann", sql, rows) is None
    own.is_here, own.revision = True, 1
    assert lane.at_once("ann", sql, rows) is None
    lane.query("ann", sql, rows)
    with lane._turn:
        assert lane.at_once("ann", sql, rows) is None
    lane.close()


def test_the_model_of_now_answers(functions):
    """A query that was translated before asks it too; another signature is translated anew."""
    own = Owned()
    lane = SqlLane(own)
    sql = "select f(feature) as p"
    assert asked(lane, sql, vectors([[1]])) == [{"p": 1.0}]
    own.model = Sums(scale=2.0)
    assert asked(lane, sql, vectors([[1]])) == [{"p": 2.0}]
    one = replace(REGISTRATION, signature="f(a double) -> double", companions=())
    own.registrations, own.revision = {"f": one}, 1
    with pytest.raises(NotCarriedOver):
        asked(lane, sql, vectors([[1]]))
    own.registrations, own.revision = {}, 2
    with pytest.raises(NotCarriedOver, match="function 'f'"):
        asked(lane, sql, vectors([[1]]))
    lane.close()


def test_functions_of_others_are_unknown(lane):
    """As they are in Spark."""
    with pytest.raises(NotCarriedOver, match="function 'f'"):
        asked(lane, "select f(feature) as p", vectors([[1]]), caller="bob")


def test_nothing_outside_is_reached(lane):
    """Neither files nor settings, should a text ever come through."""
    for database, sql in product(
        (lane._few.opened(), lane._many.opened()),
        (
            "select * from read_csv('/etc/passwd')",
            "copy (select 1) to '/tmp/x'",
            "attach '/tmp/x.db'",
            "set enable_external_access = true",
            "install httpfs",
        ),
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
    tables = [AGREED.keys(), ROWS.keys(), COMPUTED.keys(), PATTERNS.keys()]
    assert len(set().union(*tables)) == sum(map(len, tables))


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


@pytest.mark.spark
def test_edges_give_what_spark_gives_or_are_left_to_it(lane, engine):
    """The law: what the lane answers for a row, Spark answers alike, in type and to the last bit."""
    edges = pa.table({"id": range(len(EDGES["s"])), **EDGES}, schema=EDGE_SCHEMA)
    rows = read_stream(Given(edges).asked())
    told = [_row_by_row(lane, each, rows) for each in EDGE_EXPRESSIONS]
    guarded = ", ".join(
        f"case when id in ({', '.join(map(str, found))}) then {expression} end as p{number}"
        for number, (expression, found) in enumerate(zip(EDGE_EXPRESSIONS, told, strict=True))
    )
    spark = engine.session(default_owner()).spark
    spark.createDataFrame(edges).createOrReplaceTempView("edge_rows")
    try:
        given = spark.sql(f"select {guarded} from edge_rows order by id").toArrow().to_pylist()
    finally:
        spark.catalog.dropTempView("edge_rows")
    for number, (expression, found) in enumerate(zip(EDGE_EXPRESSIONS, told, strict=True)):
        ours = {row: repr(value) for row, value in found.items()}
        assert ours == {row: repr(given[row][f"p{number}"]) for row in found}, expression


def _row_by_row(lane, expression, rows):
    """What an expression gives for each row for which the lane answers."""
    found = {}
    for row in range(rows.count):
        one = Columns(rows.types, [each[row : row + 1] for each in rows.values])
        try:
            ((found[row],),) = lane.query("ann", f"select {expression} as p", one).values
        except NotCarriedOver:
            continue
    assert found, expression
    return found
