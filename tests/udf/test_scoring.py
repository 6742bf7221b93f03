"""Functions from models: the answers of scikit-learn, calls that are checked, nulls, odd names."""

import numpy as np
import pandas as pd
import pytest
from pyspark.errors import AnalysisException
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlsql.errors import DataError, ScriptError
from mlsql.spark.sessions import own_session
from mlsql.udf.scoring import model_function

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def cancer(store_model):
    """A pipeline on five columns of breast cancer, with labels of text, and the rows."""
    data = load_breast_cancer(as_frame=True)
    frame = data.data.iloc[:, :5].set_axis(["mean radius", "纹理", "a`b", "面积", "smoothness"], axis=1)
    labels = np.where(data.target == 1, "benign", "恶性")
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame.to_numpy(), labels)
    return store_model(estimator, dict.fromkeys(frame.columns, "double"), output="string"), frame


@pytest.fixture(scope="module")
def digits(store_model):
    """A forest on digits, called with one array or vector."""
    matrix, labels = load_digits(return_X_y=True)
    estimator = RandomForestClassifier(20, n_jobs=-1, random_state=0).fit(matrix, labels)
    stored = store_model(
        estimator, {"features": "array<double>"}, form="features", features=64, output="bigint"
    )
    return stored, matrix


@pytest.fixture(scope="module")
def plane(store_model):
    """The plane 2 a + 3 b + 1, exactly."""
    estimator = LinearRegression().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, 3.0, 4.0])
    estimator.coef_, estimator.intercept_ = np.array([2.0, 3.0]), 1.0
    return store_model(estimator, {"a": "double", "b": "int"})


def register(session, name, model):
    """Make a function of a model."""
    return model_function(session, name, model.stored, model.candidate)


def test_a_function_of_columns_answers_as_scikit_learn(session, cancer):
    """Every row of breast cancer gets the label that the pipeline gives by hand; columns by any name."""
    model, frame = cancer
    signature = register(session, "guess", model)
    session.createDataFrame(frame).createOrReplaceTempView("cells")
    rows = session.sql("select guess(`mean radius`, `纹理`, `a``b`, `面积`, smoothness) as guess from cells")
    assert [row.guess for row in rows.collect()] == list(model.estimator.predict(frame.to_numpy()))
    assert (signature.name, signature.output) == ("guess", "string")
    assert [each.name for each in signature.parameters] == list(frame.columns)


def test_arguments_are_given_by_position_or_by_name(session, cancer):
    """In any order, when by name."""
    model, frame = cancer
    register(session, "guess", model)
    session.createDataFrame(frame).createOrReplaceTempView("cells")
    differing = session.sql("""
        select 1 from cells where guess(`mean radius`, `纹理`, `a``b`, `面积`, smoothness) <> guess(
            `mean radius`, smoothness => smoothness, `面积` => `面积`, `a``b` => `a``b`, `纹理` => `纹理`)
    """)
    assert differing.count() == 0


def test_a_function_of_features_takes_arrays_and_vectors(session, digits):
    """Doubles, floats, dense and sparse vectors: the same answers as by hand, in the label's type."""
    model, matrix = digits
    register(session, "digit", model)
    rows = pd.DataFrame({"id": range(len(matrix)), "a": list(matrix)})
    session.createDataFrame(rows).createOrReplaceTempView("images")
    frame = session.sql("""
        select digit(a), digit(cast(a as array<float>)), digit(vec_dense(a)) from images order by id
    """)
    assert {each.dataType.simpleString() for each in frame.schema} == {"bigint"}
    assert [tuple(row) for row in frame.collect()] == [
        (digit,) * 3 for digit in model.estimator.predict(matrix)
    ]


def test_numbers_are_equal_to_1e_9(session, plane):
    """A regression answers doubles; every usual type is cast."""
    register(session, "plane", plane)
    numbers = np.random.default_rng(0).normal(size=(1000, 2))
    session.createDataFrame(pd.DataFrame(numbers, columns=["x", "y"])).createOrReplaceTempView("points")
    answers = session.sql("select plane(x, y) as answer from points").toPandas().answer
    np.testing.assert_allclose(answers, plane.estimator.predict(numbers), rtol=0, atol=1e-9)
    cast = session.sql(
        "select plane('1', 2L), plane(b => 1.5, a => cast(2 as decimal(9, 2))), plane(true, 0)"
    )
    assert tuple(cast.first()) == pytest.approx((9.0, 9.5, 3.0), abs=1e-9)


def test_a_null_argument_makes_the_answer_null(session, plane, digits):
    """Rows beside it keep their answers; a batch of nulls alone needs no model."""
    register(session, "plane", plane)
    register(session, "digit", digits[0])
    rows = session.sql("""
        select plane(a, b) from values (1, 1), (null, 1), (1, null), (null, null), (2, 0) as t(a, b)
    """).collect()
    assert [row[0] for row in rows] == [pytest.approx(6), None, None, None, pytest.approx(5)]
    assert session.sql("select plane(null, 1), digit(null)").first() == (None, None)
    partly = session.sql(
        "select digit(if(id = 1, null, array_repeat(0, 64))) is null from range(3)"
    ).collect()
    assert [row[0] for row in partly] == [False, True, False]


def test_a_null_is_found_beside_any_number(session, store_model):
    """In columns of several types, and within arrays; NaN and what is searched for are numbers."""
    estimator = HistGradientBoostingRegressor(max_iter=1).fit(np.eye(2), [0.0, 1.0])
    register(session, "of_columns", store_model(estimator, {"a": "double", "b": "int"}))
    of_arrays = store_model(estimator, {"features": "array<double>"}, form="features", features=2)
    register(session, "of_arrays", of_arrays)
    rows = session.sql("""
        select of_columns(a, b), of_arrays(array(a, b)) from values
            (double('nan'), 1.5bd), (-4.9e-324, 1), (-4.9e-324, null),
            (null, 2), (1f, null), (1, 0) as t(a, b)
    """).collect()
    assert [tuple(each is None for each in row) for row in rows] == [
        (missing,) * 2 for missing in (0, 0, 1, 1, 1, 0)
    ]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("plane(1)", "plane takes 2 arguments, not 1: plane(a double, b double) -> double"),
        ("plane(1, 2, 3)", "plane takes 2 arguments, not 3: plane(a double, b double) -> double"),
        (
            "plane(1, array(2))",
            "plane takes double for b, not array<int>: plane(a double, b double) -> double",
        ),
        ("plane(1, vec_dense(array(2)))", "plane takes double for b, not vector: "),
        ("plane(1, c => 2)", "no such parameter"),
        ("digit(1, 2)", "digit takes 1 argument, not 2: digit(features array<double>) -> bigint"),
        ("digit(1)", "digit takes vector or array<double> for features, not int: "),
    ],
)
def test_a_wrong_call_shows_the_signature_before_any_job(session, plane, digits, call, sentence):
    """The analyser refuses it."""
    register(session, "plane", plane)
    register(session, "digit", digits[0])
    with pytest.raises(AnalysisException) as caught:
        session.sql(f"select {call}")
    assert sentence in str(caught.value) or caught.value.getCondition() == "UNRECOGNIZED_PARAMETER_NAME"


def test_too_few_features_are_told_with_both_numbers(session, digits):
    """How long an array is only its rows know."""
    register(session, "digit", digits[0])
    with pytest.raises(Exception, match="digit takes 64 features, not 3 as in one of the rows"):
        session.sql("select digit(array(1, 2, 3))").collect()


def test_sessions_do_not_see_each_other(spark, session, plane, store_model):
    """The same name is another model in another session, and nothing in a third."""
    other = own_session(spark)
    register(session, "f", plane)
    register(other, "f", store_model(LinearRegression().fit([[0.0], [1.0]], [0.0, -1.0]), {"only": "double"}))
    assert session.sql("select f(1, 1)").first()[0] == pytest.approx(6)
    assert other.sql("select f(5)").first()[0] == pytest.approx(-5)
    with pytest.raises(AnalysisException, match="UNRESOLVED_ROUTINE"):
        own_session(spark).sql("select f(1)")


def test_registering_again_replaces_the_function(session, plane, store_model):
    """The newest model of a name answers."""
    register(session, "f", plane)
    register(
        session, "f", store_model(LinearRegression().fit([[0.0], [1.0]], [0.0, -1.0]), {"only": "double"})
    )
    assert session.sql("select f(2)").first()[0] == pytest.approx(-2)


def test_a_model_function_stands_wherever_sql_takes_an_expression(session, plane):
    """In where, group by, order by, joins, explode, subqueries, of an aggregate and of a call of itself."""
    register(session, "plane", plane)
    session.range(0, 4, 1, 1).createOrReplaceTempView("t")
    queries = {
        "select id from t where plane(id, 0) > 4 order by plane(id, 0) desc": [3, 2],
        "select plane(id % 2, 0) as k from t group by k order by k": [1, 3],
        "select plane(sum(id), 0) from t": [13],
        "select explode(array(plane(id, 0))) as e from t order by e": [1, 3, 5, 7],
        "select count(*) from t x join t y on plane(x.id, 0) = plane(y.id, 0)": [4],
        "select plane(plane(id, 0), 0) as p from t order by p": [3, 7, 11, 15],
        "select id from t where exists (select 1 from t u where plane(u.id, 0) = t.id) order by id": [1, 3],
    }
    for query, expected in queries.items():
        assert [row[0] for row in session.sql(query).collect()] == pytest.approx(expected), query


def test_a_column_of_a_call_is_named_as_the_call(session, plane):
    """As a column of Spark's own functions is."""
    register(session, "plane", plane)
    assert session.sql("select plane(id, 1), 1 + plane(b => 1, a => id) from range(1)").columns == [
        "plane(id, 1)",
        "(1 + plane(id, 1))",
    ]


def test_a_function_may_have_any_name(session, plane):
    """In backquotes, as everywhere in SQL."""
    register(session, "好 酒", plane)
    assert session.sql("select `好 酒`(0, 0)").first()[0] == pytest.approx(1)


def test_the_name_of_a_function_of_spark_is_refused(session, plane):
    """``register … as max`` would break every other query."""
    with pytest.raises(ScriptError, match="'max' is a function of Spark"):
        register(session, "max", plane)


def test_a_model_without_predictions_makes_no_function(session, store_model, plane):
    """What a model answers has to be a type that SQL columns of ours have."""
    model = store_model(plane.estimator, {"a": "double"}, output="map<string,int>")
    with pytest.raises(DataError, match="answers map<string,int>, of which no function can be made"):
        register(session, "f", model)
