"""A stored model answers one row or many without Spark, and says what it does not take."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR

from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Traits
from mlsql.bridge.trainers.script import FittedScript
from mlsql.bridge.trainers.script_models import Answering, ReturnedEstimator
from mlsql.errors import DataError
from mlsql.forms import told_forms
from mlsql.models.manifest import Column
from mlsql.udf.predictors.onnx import OnnxModel, open_session
from mlsql.udf.predictors.plain import read_plain
from mlsql.udf.predictors.ready import open_data, open_ready
from mlsql.udf.predictors.rows import WrongRow
from tests.udf.predictors.conftest import LABELS, RANDOM, TABLE

NUMBERS = TABLE[["age", "visits"]].to_numpy(dtype=float)


@pytest.fixture(scope="module")
def plain(train):
    """A model of one array of two numbers."""
    return train(LogisticRegression(), NUMBERS, LABELS)


@pytest.fixture(scope="module")
def kept(train):
    """A model for which a null is a value."""
    gaps = TABLE[["age", "city"]].astype(object).where(RANDOM.random((900, 2)) > 0.1, None)
    rows = gaps.astype({"age": float})
    boosting = HistGradientBoostingRegressor(max_iter=5)
    return train(boosting, rows, TABLE["age"], kind="regressor", invalid="keep")


def ready(trained):
    """The one candidate of a stored model."""
    return open_ready(str(trained.stored.ref), 0)


def test_the_fastest_exact_form_answers(mixed):
    """The manifest tells both forms with what was measured, and the plain one is chosen."""
    assert {name: each.exact for name, each in mixed.forms.items()} == {"plain": True, "library": True}
    assert mixed.forms["plain"].difference <= 1e-9
    assert all(each.microseconds > 0 for each in mixed.forms.values())
    assert ready(mixed).form == "plain"


def test_one_row_and_many_rows_answer_as_the_library(mixed):
    """By position, by columns, and what the estimator itself says behind its encoder."""
    model, wanted = ready(mixed), mixed.library.predict(TABLE).tolist()
    assert model.answers({name: TABLE[name].tolist() for name in TABLE}) == wanted
    assert [model.answer(row) for row in TABLE.head(50).values.tolist()] == wanted[:50]
    shares = model.many_probabilities({name: TABLE[name] for name in TABLE})
    np.testing.assert_allclose(shares, mixed.library.probabilities(TABLE), rtol=0, atol=1e-9)
    assert model.probabilities(TABLE.loc[3].tolist()) == shares[3]


def test_a_category_that_is_new_is_none_of_those_known(mixed):
    """As in the library."""
    strange = TABLE.head(5).assign(city="Ulm")
    assert ready(mixed).answers({name: strange[name] for name in strange}) == [
        *mixed.library.predict(strange)
    ]


def test_a_null_leaves_a_row_without_an_answer(mixed):
    """One row and each of many; the other rows have theirs."""
    model = ready(mixed)
    assert model.answer([None, "Rome", 3, True]) is None
    assert model.probabilities([40.0, None, 3, True]) is None
    columns = {"age": [40.0, None], "city": ["Rome", "Rome"], "visits": [3, 3], "member": [True, True]}
    assert [each is None for each in model.answers(columns)] == [False, True]
    assert model.many_probabilities({name: each[1:] for name, each in columns.items()}) == [None]


def test_a_null_is_a_value_where_it_was_kept(kept):
    """NaN among numbers, a category of its own among texts: as the library has it."""
    rows = pd.DataFrame({"age": [30.0, np.nan, 50.0], "city": ["Rome", "Oslo", None]})
    model, wanted = ready(kept), kept.library.predict(rows)
    given = {"age": [30.0, None, 50.0], "city": ["Rome", "Oslo", None]}
    np.testing.assert_allclose(model.answers(given), wanted, rtol=1e-9)
    assert [model.answer(row) for row in zip(*given.values(), strict=True)] == model.answers(given)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([40.0, "Rome", 3], "it takes 4 values (age double, city string, visits bigint, member boolean)"),
        (["old", "Rome", 3, True], "argument 1, 'age', is a number, not 'old'"),
        ([True, "Rome", 3, True], "argument 1, 'age', is a number, not True"),
        ([40.0, 7, 3, True], "argument 2, 'city', is a text, not 7"),
        ([40.0, "Rome", 3, "yes"], "argument 4, 'member', is true or false, not 'yes'"),
        ([10**400, "Rome", 3, True], "a number among its values is beyond a double"),
    ],
)
def test_a_wrong_row_is_refused_by_column_and_position(mixed, row, told):
    """What came and what was wanted."""
    with pytest.raises(WrongRow) as error:
        ready(mixed).answer(row)
    assert told in error.value.message


def test_numbers_of_any_kind_are_numbers(mixed):
    """Whole ones, decimals, and those of NumPy."""
    model = ready(mixed)
    kinds = [40, 40.0, Decimal(40), np.float32(40), np.int16(40)]
    assert len({model.answer([each, "Rome", np.int64(3), np.bool_(True)]) for each in kinds}) == 1


def test_missing_and_unknown_columns_are_named(mixed):
    """With the nearest that there is."""
    model, columns = ready(mixed), {name: TABLE[name] for name in TABLE}
    with pytest.raises(WrongRow, match="the column 'age' is missing"):
        model.answers({name: each for name, each in columns.items() if name != "age"})
    with pytest.raises(WrongRow, match="it takes no column 'citi'"):
        model.answers({**columns, "citi": TABLE["city"]})
    with pytest.raises(WrongRow, match="not of one length"):
        model.answers({**columns, "age": [1.0]})


def test_what_is_not_finite_is_named(plain):
    """A model that cannot tell what NaN means does not answer."""
    with pytest.raises(DataError, match="feature 2 is NaN or infinite"):
        ready(plain).answer([[40.0, float("nan")]])


def test_an_array_of_features_is_one_argument(plain):
    """A list or an array of NumPy; of another width or kind it is refused, null gives null."""
    model = ready(plain)
    wanted = plain.library.predict(NUMBERS).tolist()
    assert [model.answer([row]) for row in NUMBERS[:20].tolist()] == wanted[:20]
    assert model.answers({"features": NUMBERS}) == model.answers({"features": NUMBERS.tolist()}) == wanted
    assert model.answer([NUMBERS[0]]) == wanted[0]
    assert model.answer([[None, 1.0]]) is None
    assert model.answers({"features": [None, [40.0, 2.0]]})[0] is None
    for wrong in ([1.0], ["a", "b"], "ab", [[1.0], 2.0], 3.0):
        with pytest.raises(WrongRow):
            model.answer([wrong])


def test_a_clusterer_and_a_transformer_answer_in_plain_values(train):
    """A number, and an array of doubles."""
    clusters = ready(train(KMeans(3, n_init=1, random_state=0), NUMBERS, None, kind="clusterer"))
    assert type(clusters.answer([[40.0, 3.0]])) is int
    scaled = ready(train(StandardScaler(), NUMBERS, None, kind="transformer"))
    assert scaled.answer([NUMBERS[0].tolist()]) == StandardScaler().fit_transform(NUMBERS)[0].tolist()


def test_an_answer_that_is_nan_is_none(train):
    """One row and many: as on Spark, where a function's NaN becomes null."""
    model = ready(train(LinearRegression(), NUMBERS, TABLE["age"], kind="regressor"))
    model = replace(model, engine=replace(model.engine, intercept=float("nan")))
    assert model.answer([[1.0, 2.0]]) is None
    assert model.answers({"features": [[1.0, 2.0], [3.0, 4.0]]}) == [None, None]


def test_labels_come_in_their_own_type(train):
    """Texts as texts."""
    named = ready(train(RandomForestClassifier(5), NUMBERS, np.where(LABELS, "yes", "no"), label="string"))
    assert set(named.answers({"features": NUMBERS})) == {"yes", "no"}
    assert named.classes == ("no", "yes")


def test_a_model_without_a_plain_form_answers_by_onnx(train):
    """Where its graph passes the gate: the labels are the library's, and what is not finite is refused."""
    pytest.importorskip("skl2onnx")
    trained = train(SVC(probability=True), TABLE, LABELS)
    assert trained.forms["plain"].reason == "SVC has no plain form"
    assert trained.forms["onnx"].exact
    assert trained.forms["onnx"].difference <= 1e-6
    model, rows = ready(trained), TABLE.head(20)
    assert model.form in ("onnx", "library")  # whichever was faster
    place = trained.folder / "onnx"
    engine = OnnxModel(open_session(place / "model.onnx"), read_plain(place))
    columns = [rows[name].tolist() for name in rows]
    assert engine.predict(columns).tolist() == trained.library.predict(rows).tolist()
    np.testing.assert_allclose(engine.probabilities(columns), trained.library.probabilities(rows), atol=1e-6)
    assert engine.predict(rows.values.tolist()[0]) == trained.library.predict(rows)[0]
    with pytest.raises(DataError, match="NaN or infinite"):
        engine.predict([float("inf"), "Rome", 3, True])


def test_a_graph_that_answers_otherwise_is_told_and_never_used(train):
    """Neighbours within another model, weighed by distances which single precision does not tell apart."""
    pytest.importorskip("skl2onnx")
    rows = np.random.default_rng(0).normal(size=(120, 3))
    weighed = CalibratedClassifierCV(KNeighborsClassifier(weights="distance"))
    near = train(weighed, rows, (rows[:, 0] > 0).astype(int))
    assert near.forms["onnx"].reason.endswith("of the labels are others")
    assert not (near.folder / "onnx").exists()
    told = told_forms(near.stored.manifest.candidates[0].forms)
    assert re.fullmatch(r"library \S+ µs; plain not: \w+ has no plain form; onnx not: .* are others", told)
    with pytest.raises(DataError, match="answered by its library alone"):
        open_data(str(near.stored.ref), 0)


def test_a_script_of_ones_own_is_answered_by_its_code(tmp_path):
    """How long that takes for one row is told where it takes one, and that there is no other form."""
    columns = Columns("columns", (Column("age", "double"),), Column("label", "double"))
    traits = Traits(kind="regressor", features=1, answer="double")
    for answers in (
        lambda _, frame: frame["age"] + 1.0,
        lambda _, frame: frame["age"] / (len(frame) > 1) + 1,
    ):
        own = FittedScript(Answering(None, answers), traits, columns, None, sample=TABLE[["age"]].head(5))
        plain, library = own.store_forms(tmp_path)
        assert (plain.exact, plain.reason) == (False, "code of its author answers")
        assert (library.name, library.exact) == ("library", True)
    assert not [*tmp_path.iterdir()]


def test_a_pipeline_that_a_script_returns_has_its_plain_form(tmp_path):
    """An estimator of scikit-learn as it is, with steps in front; not one that takes other columns."""
    table = TABLE[["age", "city"]]
    steps = [("age", StandardScaler(), ["age"]), ("city", OneHotEncoder(handle_unknown="ignore"), ["city"])]
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(table, LABELS)
    columns = Columns("columns", (Column("age", "double"), Column("city", "string")), Column("label", "int"))
    traits = Traits(kind="classifier", features=2, answer="int", classes=(0, 1))
    returned = FittedScript(ReturnedEstimator(pipeline), traits, columns, None, sample=table.head(20))
    plain, library = returned.store_forms(tmp_path)
    assert (plain.name, plain.exact, library.name) == ("plain", True, "library")
    model = read_plain(tmp_path)
    rows = table.head(50)
    assert [model.predict(row) for row in rows.values.tolist()] == pipeline.predict(rows).tolist()
    assert replace(returned, sample=table[["city", "age"]]).store_forms(tmp_path / "other") == ()


def test_a_form_that_cannot_be_made_says_why(train):
    """The reason is told, and nothing is left of it in the folder."""
    bound = train(SVR(), NUMBERS, TABLE["age"].to_numpy(), kind="regressor")
    assert not bound.forms["plain"].exact
    assert bound.forms["onnx"].exact or bound.forms["onnx"].reason
    assert (bound.folder / "onnx").exists() == bound.forms["onnx"].exact
    assert not (bound.folder / "plain").exists()


@pytest.mark.parametrize("extreme", [1e300, -1e300, 1.7e308, 5e-324, -0.0])
def test_numbers_that_are_extreme_warn_nobody(mixed, plain, extreme):
    """One row and many, with probabilities: answers as the library has them, and nothing in a log."""
    for trained, row in ((mixed, [extreme, "Rome", 3, True]), (plain, [[extreme, -extreme]])):
        model = ready(trained)
        with np.errstate(all="ignore"):
            given = TABLE.head(1).assign(age=extreme, city="Rome", visits=3, member=True)
            wanted = trained.library.predict(given if trained is mixed else np.array(row))[0]
        columns = {each.name: [value] * 2 for each, value in zip(model.inputs, row, strict=True)}
        assert model.answer(row) == wanted
        assert model.answers(columns) == [wanted] * 2
        assert model.probabilities(row) == model.many_probabilities(columns)[1]
