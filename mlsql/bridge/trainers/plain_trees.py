"""Fitted trees, forests and boosted trees of scikit-learn as flat arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlsql.bridge.trainers import plain_steps
from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.udf.predictors.plain.boosting import BoostedClassifier, BoostedRegressor
from mlsql.udf.predictors.plain.chain import Chain
from mlsql.udf.predictors.plain.trees import ForestClassifier, ForestRegressor, Tree, Trees, stacked

if TYPE_CHECKING:
    from mlsql.udf.predictors.plain.base import PlainModel

_SET_BITS = 256
"""The numbers of categories that a histogram's tree can tell apart."""


def forest_classifier(estimator: Any) -> PlainModel:
    """One tree, or a forest of them."""
    return ForestClassifier(_forest(estimator), tuple(np.ravel(estimator.classes_).tolist()))


def forest_regressor(estimator: Any) -> PlainModel:
    """One tree, or a forest of them."""
    return ForestRegressor(_forest(estimator))


def _forest(estimator: Any) -> Trees:
    from sklearn.utils import get_tags

    if estimator.n_outputs_ > 1:
        raise NoPlainForm("it has several outputs")
    takes_missing = bool(get_tags(estimator).input_tags.allow_nan)
    members = getattr(estimator, "estimators_", [estimator])
    return stacked([_tree(each.tree_, takes_missing=takes_missing) for each in members], is_single=True)


def _tree(tree: Any, *, takes_missing: bool, rate: float = 1.0) -> Tree:
    return Tree(
        features=tree.feature,
        thresholds=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        values=rate * tree.value[:, 0, :],
        missing_left=np.asarray(tree.missing_go_to_left, dtype=bool) if takes_missing else None,
    )


def boosted_classifier(estimator: Any) -> PlainModel:
    """Classic gradient boosting; the exponential loss takes twice the score for a logit."""
    factor = 2.0 if estimator.loss == "exponential" else 1.0
    trees, baseline = _stages(estimator, factor)
    classes = tuple(estimator.classes_.tolist())
    return BoostedClassifier(trees, baseline, classes, wins_at_zero=True)


def boosted_regressor(estimator: Any) -> PlainModel:
    """Classic gradient boosting."""
    return BoostedRegressor(*_stages(estimator, 1.0))


def _stages(estimator: Any, factor: float) -> tuple[Trees, Any]:
    if estimator.init is not None and estimator.init != "zero":
        raise NoPlainForm("it begins with the answers of another estimator")
    rate = factor * estimator.learning_rate
    members = [_tree(each.tree_, takes_missing=False, rate=rate) for each in estimator.estimators_.ravel()]
    empty = np.zeros((1, estimator.n_features_in_))
    baseline = factor * estimator._raw_predict_init(empty)[0]  # noqa: SLF001 — it is told nowhere else
    return stacked(members, is_single=True), np.array(baseline, dtype=np.float64)


def histogram_classifier(estimator: Any) -> PlainModel:
    """Histogram boosting, with missing values and categories."""
    classes = tuple(estimator.classes_.tolist())
    return _behind_categories(
        estimator, BoostedClassifier(_histogram(estimator), _baseline(estimator), classes)
    )


def histogram_regressor(estimator: Any) -> PlainModel:
    """Histogram boosting, with missing values and categories."""
    is_log = type(estimator._loss.link).__name__ == "LogLink"  # noqa: SLF001 — it is told nowhere else
    link = "exp" if is_log else "identity"
    return _behind_categories(
        estimator,
        BoostedRegressor(_histogram(estimator), _baseline(estimator), link),  # type: ignore[arg-type]
    )


def _baseline(estimator: Any) -> Any:
    return np.array(np.ravel(estimator._baseline_prediction), dtype=np.float64)  # noqa: SLF001


def _behind_categories(estimator: Any, model: PlainModel) -> PlainModel:
    """The *model* behind the encoder of categories that the estimator has in itself."""
    encoder = estimator._preprocessor  # noqa: SLF001 — it is told nowhere else
    return model if encoder is None else Chain(plain_steps.steps_of(encoder), model)


def _histogram(estimator: Any) -> Trees:
    members = [each for stage in estimator._predictors for each in stage]  # noqa: SLF001
    known, places = estimator._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001
    if not any(each.nodes["is_categorical"].any() for each in members):
        return stacked([_histogram_tree(each, None) for each in members], is_single=False)
    starts = np.cumsum([0, *(len(each.raw_left_cat_bitsets) for each in members)])
    trees = [_histogram_tree(each, start) for each, start in zip(members, starts, strict=False)]
    in_left = np.concatenate([_bits(each.raw_left_cat_bitsets) for each in members])
    known_by_set = np.zeros_like(in_left)
    for tree in trees:
        asks = np.asarray(tree.category_sets) >= 0
        known_by_set[tree.category_sets[asks]] = _bits(known)[places[tree.features[asks]]]
    return stacked(trees, is_single=False, in_left=in_left, known=known_by_set)


def _histogram_tree(predictor: Any, first_set: int | None) -> Tree:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    asks = nodes["is_categorical"].astype(bool) & ~is_leaf
    return Tree(
        features=nodes["feature_idx"].astype(np.intp),
        thresholds=nodes["num_threshold"],
        left=np.where(is_leaf, -1, nodes["left"].astype(np.intp)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.intp)),
        values=nodes["value"][:, None],
        missing_left=nodes["missing_go_to_left"].astype(bool),
        category_sets=None
        if first_set is None
        else np.where(asks, nodes["bitset_idx"].astype(np.intp) + first_set, -1),
    )


def _bits(sets: Any) -> Any:
    """Sets of 8 words of 32 bits as rows of booleans."""
    words = np.asarray(sets, dtype="<u4").reshape(-1, _SET_BITS // 32)
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little").astype(bool)
