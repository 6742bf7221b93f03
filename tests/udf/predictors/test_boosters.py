"""Trees of XGBoost and LightGBM in their plain form: what their libraries answer, to the last bits."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from mlsql.bridge.trainers.classes import behind_classes
from mlsql.bridge.trainers.forms import Library, compared, trials
from mlsql.bridge.trainers.plain_forms import converted
from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.udf.predictors.plain import read_plain, write_plain
from mlsql.udf.predictors.plain.single import single_exp
from mlsql.udf.predictors.plain_models import PlainPredictor

xgboost = pytest.importorskip("xgboost")
lightgbm = pytest.importorskip("lightgbm")

DIGITS, DIABETES = load_digits(return_X_y=True), load_diabetes(return_X_y=True)
MATRIX, LABELS = load_breast_cancer(return_X_y=True)
CANCER = np.where(np.random.default_rng(1).random(MATRIX.shape) < 0.1, np.nan, MATRIX), LABELS
NAMED = CANCER[0], np.array(["no", "yes"])[LABELS]
SHARES = DIABETES[0], DIABETES[1] / 400


def of_xgboost(name, **params):
    """A small estimator."""
    return getattr(xgboost, name)(**{"n_estimators": 4, "n_jobs": 1, **params})


def of_lightgbm(name, **params):
    """The same of the other library."""
    return getattr(lightgbm, name)(**{"n_estimators": 4, "n_jobs": 1, "verbosity": -1, **params})


FITTED = [
    (of_xgboost("XGBClassifier"), DIGITS),
    (of_xgboost("XGBClassifier"), CANCER),
    (of_xgboost("XGBRFClassifier"), DIGITS),
    (behind_classes(of_xgboost("XGBClassifier"), ("no", "yes")), NAMED),
    (of_xgboost("XGBRegressor"), DIABETES),
    (of_xgboost("XGBRegressor", objective="count:poisson"), DIABETES),
    (of_xgboost("XGBRegressor", objective="reg:logistic"), SHARES),
    (of_lightgbm("LGBMClassifier"), DIGITS),
    (of_lightgbm("LGBMClassifier"), NAMED),
    (of_lightgbm("LGBMClassifier", boosting_type="dart"), CANCER),
    (of_lightgbm("LGBMRegressor"), DIABETES),
    (of_lightgbm("LGBMRegressor", objective="tweedie"), DIABETES),
    (of_lightgbm("LGBMRegressor", boosting_type="rf", bagging_fraction=0.5, bagging_freq=1), DIABETES),
]
REFUSED = [
    (of_xgboost("XGBClassifier", booster="dart"), CANCER, "the booster dart"),
    (of_xgboost("XGBRegressor", objective="survival:cox"), DIABETES, "the objective survival:cox"),
    (of_lightgbm("LGBMRegressor", linear_tree=True), DIABETES, "linear leaves"),
    (of_lightgbm("LGBMRegressor", zero_as_missing=True), SHARES, "0 is missing"),
    (of_lightgbm("LGBMRegressor", reg_sqrt=True), SHARES, "of roots"),
    (of_lightgbm("LGBMClassifier", objective="multiclassova"), DIGITS, "the objective multiclassova"),
]


def strange(matrix):
    """Some of its rows with numbers that no training has."""
    rows = matrix[:7].copy()
    rows[range(6), range(6)] = [1e300, np.inf, -np.inf, 5e-324, -0.0, -1e39]
    rows[6] = np.nan
    return rows


def fitted(estimator, data):
    """On the rows, quietly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*data)


@pytest.mark.parametrize(
    ("estimator", "data"),
    [pytest.param(*each, id=f"{number}-{type(each[0]).__name__}") for number, each in enumerate(FITTED)],
)
def test_boosted_trees_answer_as_their_library(estimator, data, tmp_path):
    """Labels, means and probabilities; infinity and NaN as well, and a row alone as among many."""
    write_plain(tmp_path, converted(fitted(estimator, data)))
    plain = PlainPredictor(read_plain(tmp_path))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        tries = [*trials(data[0]), strange(data[0])]
        reason, difference = compared(Library(estimator), plain, iter(tries), 1e-9)
        many = plain.predict(tries[-1])
        assert [plain.model.predict(row) for row in tries[-1]] == many.tolist()
    assert not reason
    assert difference == 0.0 or "lightgbm" in type(estimator).__module__


@pytest.mark.parametrize(("estimator", "data", "reason"), REFUSED)
def test_what_trees_have_no_plain_form_is_said(estimator, data, reason):
    """And their library answers."""
    with pytest.raises(NoPlainForm, match=reason):
        converted(fitted(estimator, data))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries round otherwise")
def test_an_exponential_is_that_of_the_c_library():
    """To the last bit, from where it is 0 to where it is infinite."""
    exact = ctypes.CDLL(ctypes.util.find_library("m")).expf
    exact.restype, exact.argtypes = ctypes.c_float, [ctypes.c_float]
    given = np.append(np.linspace(-110, 92, 20_001), [-np.inf, np.inf, -0.0, 1e-40]).astype(np.float32)
    with np.errstate(over="ignore"):
        assert single_exp(given).tolist() == [exact(each) for each in given.tolist()]
