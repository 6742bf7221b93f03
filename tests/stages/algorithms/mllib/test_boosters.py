"""XGBoost and LightGBM by their own names are the estimators of scikit-learn's kind."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from mlsql.bridge import trainer
from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainers.boosters import LIGHTGBM, XGBOOST
from mlsql.bridge.training import class_of
from mlsql.errors import MlsqlError


@pytest.mark.parametrize(("booster", "regressor"), [(XGBOOST, "XGBRegressor"), (LIGHTGBM, "LGBMRegressor")])
def test_a_classifier_unless_another_is_named(booster, regressor):
    """The library needs not be named again."""
    booster.check({"n_estimators": "5"})
    assert booster.kind({}) == "classifier"
    assert booster.kind({"alg": regressor}) == "regressor"
    with pytest.raises(MlsqlError, match="n_estimator"):
        booster.check({"n_estimator": "5"})


def test_another_library_is_refused():
    """Each name is for its own."""
    with pytest.raises(OptionFault):
        XGBOOST.check({"alg": "LGBMClassifier"})


@pytest.mark.parametrize("name", ["XGBoostExt", "LightGBM"])
def test_a_worker_makes_the_trainer_by_its_class(name):
    """Without arguments, as it does for all."""
    found = trainer.builtins().get(name)
    assert resolve_name(class_of(found))().kind({}) == "classifier"
