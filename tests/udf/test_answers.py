"""One batch of rows to answers: the types of answers, missing rows, text, widths."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from mlsql.errors import DataError
from mlsql.udf.answers import Answers
from mlsql.udf.matrices import matrices
from mlsql.udf.predictors.folder import ModelFolder
from mlsql.udf.predictors.sklearn import PickledEstimator
from mlsql.udf.predictors.stored import find_predictor


@pytest.fixture
def answers(store_model):
    """The pandas UDF of a stored estimator."""

    def of(estimator, columns, **options):
        model = store_model(estimator, columns, **options)
        manifest = model.stored.manifest
        return Answers(
            function="f",
            model=find_predictor(Path(model.folder)),
            form=manifest.form,
            columns=tuple(columns),
            features=manifest.features,
            output=manifest.output,
        )

    return of


@pytest.fixture
def total(answers):
    """The sum of three features."""
    estimator = LinearRegression().fit(np.eye(3), [1.0, 1.0, 1.0])
    estimator.coef_, estimator.intercept_ = np.ones(3), 0.0
    return answers(estimator, {"features": "array<double>"}, form="features", features=3)


def arrays(*rows):
    """Rows as pandas gets array columns from Spark."""
    return pd.Series([None if row is None else np.array(row, dtype=float) for row in rows])


@pytest.mark.parametrize(
    ("labels", "output", "expected"),
    [
        ([3, 7], "tinyint", 7),
        ([3, 7], "int", 7),
        ([3, 7], "bigint", 7),
        ([3, 7], "long", 7),
        ([3, 7], "double", 7.0),
        ([3, 7], "float", 7.0),
        ([False, True], "boolean", True),
        (["no", "yes"], "string", "yes"),
    ],
)
def test_an_answer_has_the_type_of_the_label(answers, labels, output, expected):
    """With and without missing rows in the batch."""
    function = answers(LogisticRegression().fit([[-1.0], [1.0]], labels), {"a": "double"}, output=output)
    whole = function(pd.Series([False, False]), pd.Series([1.0, 2.0]))
    assert whole.tolist() == [expected, expected]
    partly = function(pd.Series([True, False]), pd.Series([np.nan, 2.0]))
    assert partly.tolist() == [None, expected]
    assert {type(whole.tolist()[0]), type(partly[1])} == {type(expected)}


def test_missing_rows_are_not_shown_to_the_estimator(total):
    """It would refuse them; a batch of nothing else does not even load it."""
    assert total(pd.Series([False, True]), arrays([1, 2, 3], None)).tolist() == [6.0, None]
    unloadable = dataclasses.replace(
        total, model=PickledEstimator(ModelFolder("/nowhere", (("model.pkl", ""),)))
    )
    assert unloadable(pd.Series([True, True]), arrays(None, None)).tolist() == [None, None]


def test_an_empty_batch_has_no_answers(total):
    """Spark asks for one now and then."""
    assert total(pd.Series([], dtype=bool), arrays()).tolist() == []


def test_not_a_number_is_the_affair_of_the_estimator(answers):
    """Trees can answer for it, as by hand; a null is something else."""
    matrix = np.arange(100.0).reshape(50, 2)
    estimator = HistGradientBoostingRegressor().fit(matrix, matrix[:, 0])
    function = answers(estimator, {"a": "double", "b": "double"})
    given = function(pd.Series([False]), pd.Series([np.nan]), pd.Series([2.0]))
    assert given.tolist() == estimator.predict([[np.nan, 2.0]]).tolist()


@pytest.mark.parametrize("width", [0, 2, 4])
def test_a_row_of_another_width_is_told(total, width):
    """With the width that is asked for."""
    with pytest.raises(DataError, match=f"f takes 3 features, not {width} as in one of the rows"):
        total(pd.Series([False, False]), arrays([1, 2, 3], [1] * width))


@given(
    st.lists(st.lists(st.floats(width=64), min_size=3, max_size=3), min_size=1, max_size=20), st.booleans()
)
def test_a_matrix_holds_the_rows_however_they_lie_in_memory(rows, side_by_side):
    """Slices of one array, as Arrow gives them to pandas, or arrays of their own; a copy either way."""
    whole = np.array(rows)
    arrow = pa.ListArray.from_arrays(np.arange(0, whole.size + 1, 3, dtype="int32"), whole.ravel())
    series = arrow.to_pandas() if side_by_side else arrays(*rows)
    (matrix,) = matrices(series, 3, "f", sparse=False)
    np.testing.assert_array_equal(matrix, whole)
    matrix[:] = 0
    np.testing.assert_array_equal(np.stack(series.to_list()), whole)


@given(st.permutations(range(5)), st.integers(1, 5))
def test_rows_in_another_order_are_taken_in_that_order(order, count):
    """Some of the slices of one array, and turned around."""
    whole = np.arange(15.0).reshape(5, 3)
    (matrix,) = matrices(pd.Series([whole[row] for row in order[:count]]), 3, "f", sparse=False)
    np.testing.assert_array_equal(matrix, whole[order[:count]])


def test_numbers_that_come_together_are_the_columns_of_a_frame(answers):
    """Of rows without a null; an estimator takes them in its own order, by name."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]})
    estimator = LinearRegression().fit(frame, [2.0, 5.0, 13.0])
    apart = answers(estimator, {"b": "double", "a": "double"})
    together = dataclasses.replace(apart, are_together=True)
    missing = pd.Series([False, True, False])
    expected = apart(missing, frame.b, frame.a).tolist()
    assert together(missing, arrays(*frame[["b", "a"]].to_numpy())).tolist() == expected
    assert together(pd.Series([], dtype=bool), arrays()).tolist() == []


def test_text_reaches_a_pipeline_as_text(answers):
    """Columns go by name to an estimator that was fitted on a frame."""
    frame = pd.DataFrame({"island": ["a", "b", "a", "c"], "mass": [1.0, 2.0, 3.0, 4.0]})
    encode = ColumnTransformer([("one hot", OneHotEncoder(), ["island"])], remainder="passthrough")
    estimator = make_pipeline(encode, DecisionTreeRegressor()).fit(frame, [1.0, 0.0, 5.0, 2.0])
    function = answers(estimator, {"mass": "float", "island": "string"})
    given = function(pd.Series([False] * 4), frame.mass, frame.island)
    assert given.tolist() == [1.0, 0.0, 5.0, 2.0]
