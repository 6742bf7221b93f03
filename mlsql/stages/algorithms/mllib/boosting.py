"""XGBoost and LightGBM by their own names: fitted in worker processes, outside of Spark."""

from __future__ import annotations

from collections.abc import Mapping

from mlsql.bridge.launcher import Launcher
from mlsql.bridge.trainer import Trainer
from mlsql.bridge.trainers.estimators import Estimator, read_table
from mlsql.models.manifest import ModelStore
from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.descriptions import Description
from mlsql.stages.algorithms.external import External

_EXAMPLE = """\
select id % 10 as x, id % 7 as y, cast(id % 10 > 4 as int) as label from range(60) as points;
train points as {name}.`out/example/{name}` where inputCols="x,y" and evaluateTable="points"
  and fitParam.0.n_estimators="5" and fitParam.0.max_depth="2" as models;
register {name}.`out/example/{name}` as is_right;
select x, y, is_right(x, y) as guess from points as guesses;
"""


def _models_of(library: str) -> Mapping[str, Estimator]:
    return {name: one for name, one in read_table().items() if one.library == library}


XGBOOST = Description(
    "Fits the trees of XGBoost, a classifier unless `alg` names a regressor, in worker processes.",
    _EXAMPLE.format(name="XGBoostExt"),
    lambda: _models_of("xgboost"),
)
LIGHTGBM = Description(
    "Fits the trees of LightGBM, a classifier unless `alg` names a regressor, in worker processes.",
    _EXAMPLE.format(name="LightGBM"),
    lambda: _models_of("lightgbm"),
)


def add_boosting(
    registry: Registry[Algorithm], store: ModelStore, trainers: Registry[Trainer], launcher: Launcher
) -> None:
    """Add both; they need the extra ``boosting`` where models are fitted."""
    for name, description in (("XGBoostExt", XGBOOST), ("LightGBM", LIGHTGBM)):
        registry.add(name, External(name, store, trainers, launcher, description))
