"""A model in its plain form answers what its library answers, one row as well as many."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    RidgeClassifier,
    SGDClassifier,
    TweedieRegressor,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mlsql.bridge.request import Columns
from mlsql.bridge.trainers.encoding import encoder
from mlsql.bridge.trainers.forms import Library, compared, trials
from mlsql.bridge.trainers.plain_forms import converted
from mlsql.models.manifest import Column
from mlsql.udf.predictors.plain import read_plain, write_plain
from mlsql.udf.predictors.plain.base import NotFinite
from mlsql.udf.predictors.plain_models import PlainPredictor

ROWS = 1000
SEED = {"random_state": 0}
NEAR = 1e-9


def stacked(matrix, labels):
    """At least so many rows: the set over and over, each time moved a little."""
    times = -(-ROWS // len(matrix))
    moved = np.random.default_rng(0).normal(1.0, 1e-3, size=(len(matrix) * times, matrix.shape[1]))
    return np.tile(matrix, (times, 1)) * moved, np.tile(labels, times)


DIGITS = load_digits(return_X_y=True)
CANCER = stacked(*load_breast_cancer(return_X_y=True))
DIABETES = stacked(*load_diabetes(return_X_y=True))


def with_gaps(rows):
    """A tenth of the numbers missing."""
    return np.where(np.random.default_rng(1).random(rows.shape) < 0.1, np.nan, rows)


ESTIMATORS = [
    (LogisticRegression(max_iter=20), DIGITS),
    (LogisticRegression(max_iter=20), CANCER),
    (SGDClassifier(loss="log_loss", max_iter=3, **SEED), DIGITS),
    (LinearSVC(max_iter=20, **SEED), DIGITS),
    (RidgeClassifier(), CANCER),
    (LinearDiscriminantAnalysis(), CANCER),
    (LinearRegression(), DIABETES),
    (PoissonRegressor(), DIABETES),
    (GammaRegressor(), DIABETES),
    (TweedieRegressor(power=0), DIABETES),
    (GaussianNB(), DIGITS),
    (MultinomialNB(), DIGITS),
    (ComplementNB(), DIGITS),
    (BernoulliNB(binarize=5.0), DIGITS),
    (KMeans(5, n_init=1, **SEED), DIGITS),
    (MiniBatchKMeans(5, n_init=1, **SEED), DIGITS),
    (NearestCentroid(), DIGITS),
    (MLPClassifier((20, 10), max_iter=5, **SEED), DIGITS),
    (MLPClassifier((20,), max_iter=5, activation="tanh", **SEED), CANCER),
    (MLPRegressor(hidden_layer_sizes=(20,), max_iter=5, activation="logistic", **SEED), DIABETES),
    (DecisionTreeClassifier(**SEED), DIGITS),
    (DecisionTreeRegressor(**SEED), DIABETES),
    (RandomForestClassifier(10, **SEED), DIGITS),
    (RandomForestClassifier(10, **SEED), (with_gaps(CANCER[0]), CANCER[1])),
    (RandomForestRegressor(10, **SEED), DIABETES),
    (ExtraTreesClassifier(10, **SEED), CANCER),
    (ExtraTreesRegressor(10, **SEED), DIABETES),
    (GradientBoostingClassifier(n_estimators=5, **SEED), DIGITS),
    (GradientBoostingClassifier(n_estimators=5, loss="exponential", **SEED), CANCER),
    (GradientBoostingRegressor(n_estimators=5, **SEED), DIABETES),
    (HistGradientBoostingClassifier(max_iter=5, **SEED), (with_gaps(CANCER[0]), CANCER[1])),
    (HistGradientBoostingRegressor(max_iter=5, loss="poisson", **SEED), DIABETES),
    (
        HistGradientBoostingClassifier(max_iter=5, categorical_features=[0, 1], **SEED),
        (with_gaps(CANCER[0].round()), CANCER[1]),
    ),
    (make_pipeline(StandardScaler(), LogisticRegression(max_iter=20)), CANCER),
    (make_pipeline(SimpleImputer(add_indicator=True), RobustScaler(), RidgeClassifier()), CANCER),
    (make_pipeline(MinMaxScaler(clip=True), MaxAbsScaler(), GaussianNB()), CANCER),
    (make_pipeline(Normalizer(), Binarizer(threshold=0.1), BernoulliNB()), DIGITS),
]


COLUMNS = Columns(
    "columns",
    (Column("a", "double"), Column("city", "string"), Column("grade", "double"), Column("b", "double")),
)
TABLE = pd.DataFrame(
    {
        "a": CANCER[0][:, 0],
        "city": np.random.default_rng(2).choice(["Rome", "Bonn", "Oslo", "Ulm", "Lima"], len(CANCER[0])),
        "grade": np.random.default_rng(3).integers(0, 5, len(CANCER[0])).astype(float),
        "b": CANCER[0][:, 1],
    }
)
GAPS = TABLE.assign(
    a=with_gaps(CANCER[0][:, 0]),
    city=TABLE["city"].where(np.random.default_rng(4).random(len(TABLE)) > 0.1, None),
)
ENCODERS = [
    (encoder(COLUMNS), TABLE),
    (encoder(replace(COLUMNS, invalid="keep")), GAPS),
    (
        ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["b", "a"]),
                ("texts", OneHotEncoder(drop="first", handle_unknown="ignore"), ["city"]),
            ],
            remainder="passthrough",
        ),
        GAPS,
    ),
    (
        ColumnTransformer(
            [
                ("rare", OneHotEncoder(max_categories=3, handle_unknown="infrequent_if_exist"), ["city"]),
                ("grades", OneHotEncoder(handle_unknown="ignore"), ["grade"]),
                ("codes", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city"]),
                ("nothing", "drop", ["a"]),
                ("numbers", "passthrough", ["b"]),
            ],
        ),
        TABLE,
    ),
    (
        make_pipeline(
            ColumnTransformer(
                [
                    ("numbers", SimpleImputer(strategy="median"), ["a", "b"]),
                    ("city", OneHotEncoder(drop="if_binary", handle_unknown="ignore"), [1]),
                ]
            ),
            PCA(3),
            SelectKBest(k=2),
        ),
        GAPS,
    ),
]


def predictor(estimator, folder, encoder=None):
    """The plain form of a fitted estimator, out of its files."""
    write_plain(folder, converted(estimator, encoder))
    return PlainPredictor(read_plain(folder))


def check(library, plain, rows):
    """Both answer alike on all *rows* and on what is made of them, and one row as well as many."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        reason, _ = compared(library, plain, trials(rows), NEAR)
        assert not reason
        is_frame = hasattr(rows, "columns")
        many = plain.predict(rows[:50])
        for number in range(len(many)):
            row = rows.iloc[number].tolist() if is_frame else rows[number]
            assert plain.model.predict(row) == many[number]
            if plain.has_probabilities:
                alone = plain.probabilities(rows[number : number + 1])[0]
                assert list(plain.model.probabilities(row)) == list(alone)


@pytest.mark.parametrize(
    ("estimator", "data"),
    [pytest.param(*each, id=f"{number}-{type(each[0]).__name__}") for number, each in enumerate(ESTIMATORS)],
)
def test_a_plain_model_answers_as_its_library(estimator, data, tmp_path):
    """Labels equal, doubles to 1e-9, on a thousand rows with extremes and NaN; one row = many rows."""
    rows, labels = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fits are cut short
        estimator.fit(rows, labels)
    check(Library(estimator), predictor(estimator, tmp_path), rows)


@pytest.mark.parametrize(("front", "table"), ENCODERS)
def test_a_model_behind_columns_answers_as_its_library(front, table, tmp_path):
    """Our own encoder and those of pipelines: texts, nulls, rare and new categories."""
    labels = CANCER[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # new categories are told
        matrix = front.fit_transform(table, labels)
        estimator = RandomForestClassifier(5, **SEED).fit(matrix, labels)
    check(Library(estimator, front), predictor(estimator, tmp_path, front), table)


def test_a_forest_that_takes_nan_refuses_what_is_infinite(tmp_path):
    """As its library, which says so too; a row or many, by the feature."""
    rows, labels = with_gaps(CANCER[0]), CANCER[1]
    plain = predictor(RandomForestClassifier(5, **SEED).fit(rows, labels), tmp_path).model
    strange = rows[:3].copy()
    strange[1, 4] = 1e39  # more than single precision holds
    for given in (strange, strange[1]):
        with pytest.raises(NotFinite) as error:
            plain.predict(given)
        assert error.value.position == 4
