"""The functions that every session has: vectors and arrays in, nulls through, errors that show the way."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.errors import AnalysisException
from pyspark.ml.linalg import Vectors

from mlsql.errors import ScriptError
from mlsql.models.manifest import Column
from mlsql.session import FunctionSignature
from mlsql.spark.sessions import own_session
from mlsql.udf.catalyst import Functions

pytestmark = pytest.mark.spark

ROWS = [
    (Vectors.dense(1.0, 5.0, 3.0), [1.0, 5.0, 3.0]),
    (Vectors.sparse(3, [2], [7.0]), [0.0, 0.0, 7.0]),
    (None, None),
]


def value(session, expression):
    """What *expression* gives."""
    return session.sql(f"select {expression} as value").first().value


@pytest.fixture
def vectors(session):
    """A table ``t`` of dense, sparse and null vectors ``v``, and ``a``, the same as arrays of float."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import ArrayType, FloatType, StructType

    schema = StructType().add("v", VectorUDT()).add("a", ArrayType(FloatType()))
    session.createDataFrame(ROWS, schema).createOrReplaceTempView("t")
    return session


def test_vectors_and_arrays_are_taken_alike(vectors):
    """A function of vectors takes dense and sparse ones and arrays; null gives null."""
    rows = vectors.sql("""
        select vec_array(v), vec_array(a), vec_argmax(v), vec_argmax(a), vec_dense(v), vec_dense(a) from t
    """).collect()
    assert [tuple(row) for row in rows] == [
        ([1.0, 5.0, 3.0], [1.0, 5.0, 3.0], 1, 1, Vectors.dense(1, 5, 3), Vectors.dense(1, 5, 3)),
        ([0.0, 0.0, 7.0], [0.0, 0.0, 7.0], 2, 2, Vectors.dense(0, 0, 7), Vectors.dense(0, 0, 7)),
        (None, None, None, None, None, None),
    ]


@given(arrays=st.lists(st.lists(st.floats(allow_nan=False), max_size=5), min_size=1, max_size=20))
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_arrays_go_through_vectors_unchanged(session, arrays):
    """vec_array undoes vec_dense."""
    frame = session.createDataFrame([(each,) for each in arrays], "a array<double>").coalesce(1)
    assert [row.b for row in frame.selectExpr("vec_array(vec_dense(a)) as b").collect()] == arrays


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("vec_argmax(array(3, 1, 3))", 0),
        ("vec_argmax(array())", None),
        ("vec_argmax(vector => array(1.5, 2.5))", 1),
        ("vec_argmax(null)", None),
        ("vec_dense(array(1, 2L, 3f, 4.5))", Vectors.dense(1, 2, 3, 4.5)),
        ("vec_dense(array())", Vectors.dense([])),
        ("transform(array(array(1, 2), array(4, 3)), each -> vec_argmax(each))", [1, 0]),
        ("typeof(vec_argmax(array(1)))", "int"),
    ],
)
def test_values(session, expression, expected):
    """One value an expression."""
    assert value(session, expression) == expected


def test_not_a_number_is_the_greatest_as_everywhere_in_spark(session):
    """The order is that of Spark's array_max."""
    assert value(session, "vec_argmax(array(1, double('NaN'), double('Infinity')))") == 1
    assert math.isnan(value(session, "vec_array(vec_dense(array(double('NaN'))))")[0])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("vec_argmax()", "vec_argmax takes 1 argument, not 0: vec_argmax(vector array<double>) -> int"),
        ("vec_argmax(array(1), 2)", "vec_argmax takes 1 argument, not 2: "),
        ("vec_argmax('abc')", "vec_argmax takes vector or array<double> for vector, not string: "),
        ("vec_array(1)", "vec_array takes vector or array<double> for vector, not int: "),
        ("vec_array(v => array(1))", "there is no such"),
    ],
)
def test_a_wrong_call_is_refused_when_it_is_analysed(session, call, sentence):
    """The error shows how the function is called, before any job starts."""
    with pytest.raises(AnalysisException) as caught:
        session.sql(f"select {call}")
    assert sentence in str(caught.value) or caught.value.getCondition() == "UNRECOGNIZED_PARAMETER_NAME"


def test_a_null_inside_an_array_makes_no_vector(session):
    """The error says so in a sentence."""
    with pytest.raises(Exception, match="a vector holds no null"):
        session.sql("select vec_dense(array(1, null))").collect()


def test_functions_stand_wherever_sql_takes_an_expression(vectors):
    """In where, group by, having, order by, joins, windows, generators and subqueries."""
    counted = vectors.sql("""
        select vec_argmax(v), count(*) as n from t where vec_argmax(v) is not null
        group by vec_argmax(v) having vec_argmax(v) < 9 order by vec_argmax(v) desc
    """)
    assert counted.columns == ["vec_argmax(v)", "n"]
    assert [tuple(row) for row in counted.collect()] == [(2, 1), (1, 1)]
    joined = vectors.sql("select 1 from t x join t y on vec_argmax(x.v) = vec_argmax(y.a)")
    assert joined.count() == 2
    exploded = vectors.sql("select explode(vec_array(v)) as e from t order by e")
    assert [row.e for row in exploded.collect()] == [0.0, 0.0, 1.0, 3.0, 5.0, 7.0]
    ranked = vectors.sql(
        "select lag(vec_argmax(v)) over (order by vec_argmax(v) nulls last) as before from t"
    )
    assert [row.before for row in ranked.collect()] == [None, 1, 2]


def test_registering_again_changes_nothing(session, builtin_functions):
    """Every engine may do it to a session that is there already."""
    builtin_functions.register(session)
    assert value(session, "vec_argmax(vec_dense(array(1, 2)))") == 1


def test_functions_are_of_one_session(spark, session):
    """Another session does not have them until it gets its own."""
    with pytest.raises(AnalysisException, match="vec_argmax"):
        own_session(spark).sql("select vec_argmax(array(1))")


def test_a_function_of_spark_is_never_replaced(session):
    """The error tells the author to choose another name."""
    functions = Functions(session)
    with pytest.raises(ScriptError, match="'Upper' is a function of Spark"):
        functions.define(FunctionSignature("Upper", (Column("a", "int"),), "int"), functions.sql("a"))


def test_a_function_can_be_described(session):
    """SQL itself tells how it is called."""
    text = " ".join(row[0] for row in session.sql("describe function vec_argmax").collect())
    assert "Function: vec_argmax" in text
    assert "vec_argmax(vector array<double>) -> int" in text
