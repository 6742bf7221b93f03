"""XGBoost and LightGBM by their own names: a classifier of theirs is fitted where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mlsql.bridge.trainer import Fitted, Params, Run
from mlsql.bridge.trainers.sklearn import SKLearn
from mlsql.bridge.trainers.sklearn_models import FittedEstimator
from mlsql.models.manifest import ModelKind

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset


class Booster(SKLearn):
    """Fits the estimators of one library, whose name may be left out of theirs."""

    library: ClassVar[str]
    usual: ClassVar[str]
    """What is fitted when no ``alg`` is named."""

    def kind(self, params: Params) -> ModelKind:
        """By ``alg``."""
        return super().kind(self._named(params))

    def check(self, params: Params) -> None:
        """Raise everything that is wrong with *params*, after the table of estimators."""
        super().check(self._named(params))

    def takes_list(self, params: Params, name: str) -> bool:
        """By the constraints of the estimator."""
        return super().takes_list(self._named(params), name)

    def takes_weights(self, params: Params) -> bool:
        """As its estimators do."""
        return super().takes_weights(self._named(params))

    def prepare(self, params: Params) -> None:
        """Import the library."""
        super().prepare(self._named(params))

    def continues(self, params: Params) -> bool:
        """As its estimators can."""
        return super().continues(self._named(params))

    def train(
        self, data: Dataset, params: Params, run: Run, initial: Fitted | None = None
    ) -> FittedEstimator:
        """The estimator fitted on all rows."""
        return super().train(data, self._named(params), run, initial)

    def _named(self, params: Params) -> Params:
        """The parameters with an ``alg`` of the library."""
        named = params.get("alg", self.usual)
        return {**params, "alg": named if "." in named else f"{self.library}.{named}"}


class XGBoost(Booster):
    """The trees of XGBoost."""

    library, usual = "xgboost", "XGBClassifier"


class LightGBM(Booster):
    """The trees of LightGBM."""

    library, usual = "lightgbm", "LGBMClassifier"


XGBOOST, LIGHTGBM = XGBoost(), LightGBM()
