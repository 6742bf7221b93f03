"""Fitted trees of XGBoost and LightGBM as flat arrays, out of the forms in which both store them.

XGBoost: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html, the JSON; LightGBM: the
text of ``model_to_string``, whose numbers have 17 digits.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.udf.predictors.plain.boosting import BoostedClassifier, BoostedRegressor
from mlsql.udf.predictors.plain.single import SingleBoostedClassifier, SingleBoostedRegressor
from mlsql.udf.predictors.plain.trees import Tree, Trees, stacked

if TYPE_CHECKING:
    from mlsql.models.manifest import Label
    from mlsql.udf.predictors.plain.base import PlainModel
    from mlsql.udf.predictors.plain.links import MeanLink

_XGBOOST_LINKS: Mapping[str, MeanLink] = MappingProxyType(
    {
        "reg:squarederror": "identity",
        "reg:squaredlogerror": "identity",
        "reg:absoluteerror": "identity",
        "reg:pseudohubererror": "identity",
        "reg:quantileerror": "identity",
        "reg:logistic": "logistic",
        "binary:logistic": "logistic",
        "multi:softprob": "identity",
        "count:poisson": "exp",
        "reg:gamma": "exp",
        "reg:tweedie": "exp",
    }
)
"""What makes a mean, or of classes what is behind the initial score, by the objective."""
_LIGHTGBM_LINKS: Mapping[str, MeanLink] = MappingProxyType(
    {
        **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), "identity"),
        **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    }
)
_CATEGORIES, _DEFAULT_LEFT, _MISSING, _ZERO, _NAN = 1, 2, 12, 4, 8
"""Bits of the decision types of LightGBM: include/LightGBM/tree.h."""


def xgboost_classifier(estimator: Any) -> PlainModel:
    """An XGBClassifier, or an XGBRFClassifier."""
    trees, baseline, _ = _xgboost(estimator)
    return SingleBoostedClassifier(trees, baseline, tuple(estimator.classes_.tolist()))


def xgboost_regressor(estimator: Any) -> PlainModel:
    """An XGBRegressor, or an XGBRFRegressor."""
    return SingleBoostedRegressor(*_xgboost(estimator))


def numbered(vote: Any) -> PlainModel:
    """A vote of one estimator, which numbers the classes for XGBoost."""
    inner = vote.estimators_[0]
    if len(vote.estimators_) > 1 or vote.voting != "soft" or not type(inner).__module__.startswith("xgboost"):
        raise NoPlainForm("a vote of several estimators has no plain form")
    classes: tuple[Label, ...] = tuple(vote.classes_.tolist())
    model = xgboost_classifier(inner)
    assert isinstance(model, SingleBoostedClassifier)
    return replace(model, classes=classes)


def _xgboost(estimator: Any) -> tuple[Trees, Any, MeanLink]:
    booster = estimator.get_booster()
    best = booster.attr("best_iteration")
    kept = booster if best is None else booster[: int(best) + 1]
    learner = json.loads(bytes(kept.save_raw("json")))["learner"]
    boosted, objective = learner["gradient_booster"], learner["objective"]["name"]
    if boosted["name"] != "gbtree":
        raise NoPlainForm(f"the booster {boosted['name']} has no plain form")
    if objective not in _XGBOOST_LINKS:
        raise NoPlainForm(f"the objective {objective} has no plain form")
    if learner["learner_model_param"]["num_target"] != "1":
        raise NoPlainForm("it has several outputs")
    trees, groups = boosted["model"]["trees"], boosted["model"]["tree_info"]
    stages = stacked([_xgboost_tree(trees[place]) for place in _stage_by_stage(groups)], is_single=True)
    exact = replace(stages, values=stages.values.astype(np.float32), takes_infinite=True)
    link = _XGBOOST_LINKS[objective]
    return exact, _xgboost_baseline(learner["learner_model_param"]["base_score"], max(groups) + 1, link), link


def _xgboost_baseline(text: str, outputs: int, link: MeanLink) -> Any:
    """The initial scores, of the means that the model tells."""
    means = np.ravel(np.asarray(json.loads(text.lower()), dtype=np.float32))
    means = np.broadcast_to(means, outputs)
    if link == "identity":
        return means.copy()
    odds = np.float32(1) / means - np.float32(1) if link == "logistic" else np.float32(1) / means
    return (-np.log(odds.astype(np.float64))).astype(np.float32)


def _stage_by_stage(groups: Sequence[int]) -> list[int]:
    """The places of trees whose outputs are *groups* in the order of stages, each with a tree an output."""
    met: Counter[int] = Counter()
    stages = []
    for group in groups:
        stages.append(met[group])
        met[group] += 1
    if len(set(met.values())) > 1:
        raise NoPlainForm("its classes have different numbers of trees")
    return sorted(range(len(groups)), key=lambda place: (stages[place], groups[place]))


def _xgboost_tree(tree: Mapping[str, Any]) -> Tree:
    """A number that is not below the condition goes right: one above the next smaller number."""
    if any(tree["split_type"]) or tree["tree_param"]["size_leaf_vector"] not in ("0", "1"):
        raise NoPlainForm("trees with categories, or with several values a leaf, have no plain form")
    conditions = np.asarray(tree["split_conditions"], dtype=np.float32)
    return Tree(
        features=np.asarray(tree["split_indices"]),
        thresholds=np.nextafter(conditions, np.float32(-np.inf)),
        left=np.asarray(tree["left_children"]),
        right=np.asarray(tree["right_children"]),
        values=conditions[:, None],
        missing_left=np.asarray(tree["default_left"], dtype=bool),
    )


def lightgbm_classifier(estimator: Any) -> PlainModel:
    """An LGBMClassifier."""
    trees, objective, scale = _lightgbm(estimator)
    if objective not in ("binary", "multiclass"):
        raise NoPlainForm(f"the objective {objective} has no plain form")
    classes = tuple(estimator.classes_.tolist())
    outputs = len(classes) if objective == "multiclass" else 1
    return BoostedClassifier(replace(trees, values=scale * trees.values), np.zeros(outputs), classes)


def lightgbm_regressor(estimator: Any) -> PlainModel:
    """An LGBMRegressor."""
    trees, objective, _ = _lightgbm(estimator)
    if objective not in _LIGHTGBM_LINKS:
        raise NoPlainForm(f"the objective {objective} has no plain form")
    return BoostedRegressor(trees, np.zeros(1), _LIGHTGBM_LINKS[objective])


def _lightgbm(estimator: Any) -> tuple[Trees, str, float]:
    """The trees, the objective, and what a score is multiplied with before its link."""
    header, *parts = estimator.booster_.model_to_string().split("\nTree=")
    told = _fields(header)
    objective, *given = told.get("objective", "none").split()
    if "sqrt" in given:
        raise NoPlainForm(f"the objective {objective} of roots has no plain form")
    scale = next((float(each.partition(":")[2]) for each in given if each.startswith("sigmoid:")), 1.0)
    trees = stacked([_lightgbm_tree(_fields(each)) for each in parts], is_single=False)
    if "average_output" in told:
        stages = len(parts) // int(told["num_tree_per_iteration"])
        trees = replace(trees, values=trees.values / stages)
    return trees, objective, scale


def _fields(text: str) -> dict[str, str]:
    """The lines ``name=value`` of a part of the text."""
    lines = (line.partition("=") for line in text.partition("\n\n\n")[0].splitlines())
    return {name: value for name, _, value in lines if name}


def _lightgbm_tree(told: Mapping[str, str]) -> Tree:
    """Inner nodes, and behind them the leaves, which are counted down from -1."""
    if told.get("is_linear", "0") != "0":
        raise NoPlainForm("trees with linear leaves have no plain form")
    values = _numbers(told, "leaf_value")
    inner, leaves = len(values) - 1, np.full(len(values), -1)
    decisions = _numbers(told, "decision_type").astype(np.int64)[:inner]
    if (decisions & _CATEGORIES).any() or (decisions & _MISSING == _ZERO).any():
        raise NoPlainForm("trees with categories, or to which 0 is missing, have no plain form")
    thresholds = _numbers(told, "threshold")[:inner]
    goes_left = np.where(decisions & _MISSING == _NAN, decisions & _DEFAULT_LEFT > 0, thresholds >= 0.0)

    def children(name: str) -> Any:
        given = _numbers(told, name).astype(np.int64)[:inner]
        return np.concatenate([np.where(given < 0, inner + ~given, given), leaves])

    return Tree(
        features=np.concatenate([_numbers(told, "split_feature")[:inner], leaves]),
        thresholds=np.concatenate([thresholds, np.zeros(len(values))]),
        left=children("left_child"),
        right=children("right_child"),
        values=np.concatenate([np.zeros(inner), values])[:, None],
        missing_left=np.concatenate([goes_left, np.zeros(len(values), dtype=bool)]),
    )


def _numbers(told: Mapping[str, str], name: str) -> Any:
    return np.array(told.get(name, "").split(), dtype=np.float64)
