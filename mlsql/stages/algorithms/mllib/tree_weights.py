"""The plain form of trees, forests and boosted trees, out of the files in which Spark ML stores them.

Over the gateway to Java each node would take a dozen calls; the stored table of nodes is read at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlsql.stages.algorithms.mllib.weights import StoredFit
from mlsql.stages.algorithms.spark_models import read_parts
from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.boosting import BoostedClassifier, BoostedRegressor
from mlsql.udf.predictors.plain.trees import ForestClassifier, ForestRegressor, Tree, Trees, stacked


def forest_classifier(fit: StoredFit) -> PlainModel:
    """The shares of the classes in each leaf."""
    return ForestClassifier(_trees(fit.folder, "shares"), fit.classes)


def forest_regressor(fit: StoredFit) -> PlainModel:
    """The mean of each leaf; one tree is a forest too."""
    return ForestRegressor(_trees(fit.folder, "prediction"))


def boosted_classifier(fit: StoredFit) -> PlainModel:
    """The log odds of the second class, which are twice the weighted sum of the trees."""
    weights = [2.0 * each for each in fit.model.treeWeights]
    return BoostedClassifier(
        _trees(fit.folder, "prediction", weights), np.zeros(1), fit.classes, link="softmax"
    )


def boosted_regressor(fit: StoredFit) -> PlainModel:
    """The weighted sum of the trees."""
    return BoostedRegressor(_trees(fit.folder, "prediction", fit.model.treeWeights), np.zeros(1))


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The nodes of all trees, ordered by tree and number; children are numbers within a tree."""

    trees: Any
    prediction: Any
    stats: Sequence[Any]
    left: Any
    right: Any
    features: Any
    splits: Sequence[Any]
    """The threshold, or the categories that go left."""
    categories: Any
    """How many categories the feature has; -1 of one with a threshold."""

    def values(self, of: str) -> Any:
        """What each node answers: the prediction, or the shares of the classes."""
        if of == "prediction":
            return self.prediction[:, None]
        counts = np.array([list(each) for each in self.stats], dtype=float)
        totals = counts.sum(axis=1, keepdims=True)
        return counts / np.where(totals == 0, 1.0, totals)


def _trees(folder: Path, of: str, weights: Sequence[float] | None = None) -> Trees:
    nodes = _read(folder)
    values, sets = nodes.values(of), _CategorySets.of(nodes)
    thresholds = np.array(
        [
            each[0] if number < 0 and len(each) else 0.0
            for each, number in zip(nodes.splits, nodes.categories, strict=True)
        ]
    )
    goes_left = sets.others_go_left
    trees = []
    for number in np.unique(nodes.trees):
        own = nodes.trees == number
        weight = 1.0 if weights is None else weights[int(number)]
        trees.append(
            Tree(
                features=np.maximum(nodes.features[own], 0),
                thresholds=thresholds[own],
                left=nodes.left[own],
                right=nodes.right[own],
                values=values[own] * weight,
                missing_left=goes_left[own],
                category_sets=sets.places[own] if sets.is_needed else None,
            )
        )
    if not sets.is_needed:
        return stacked(trees, is_single=False)
    return stacked(trees, is_single=False, in_left=sets.in_left, known=sets.known)


@dataclass(frozen=True, slots=True)
class _CategorySets:
    """Which categories go left at the nodes that ask for some."""

    places: Any
    in_left: Any
    known: Any
    others_go_left: Any
    """At each node: whether what is neither goes left. NaN, above all thresholds, goes right."""

    @property
    def is_needed(self) -> bool:
        """Whether any node asks for categories."""
        return bool((self.places >= 0).any())

    @classmethod
    def of(cls, nodes: _Nodes) -> _CategorySets:
        """Spark keeps the smaller side: what is not in it, known or not, goes to the other."""
        asking = np.flatnonzero((nodes.categories >= 0) & (nodes.left >= 0))
        width = int(nodes.categories[asking].max()) if len(asking) else 0
        in_left = np.zeros((len(asking), width), dtype=bool)
        known = np.zeros_like(in_left)
        places = np.full(len(nodes.left), -1)
        others = np.zeros(len(nodes.left), dtype=bool)
        for place, node in enumerate(asking.tolist()):
            left = np.array(nodes.splits[node]).astype(np.intp)
            in_left[place, left] = True
            known[place, : int(nodes.categories[node])] = True
            others[node] = 2 * len(left) > nodes.categories[node]
        places[asking] = np.arange(len(asking))
        return cls(places, in_left, known, others)


def _read(folder: Path) -> _Nodes:
    """The table that Spark ML has stored: one tree, or an ensemble with the number of each node's tree."""
    table = read_parts(folder / "data")
    rows: list[dict[str, Any]] = table.to_pylist()
    if "nodeData" in table.column_names:
        rows = [{**row["nodeData"], "tree": row["treeID"]} for row in rows]
    rows.sort(key=lambda row: (row.get("tree", 0), row["id"]))
    splits = [row["split"] for row in rows]
    return _Nodes(
        trees=np.array([row.get("tree", 0) for row in rows]),
        prediction=np.array([row["prediction"] for row in rows]),
        stats=[row["impurityStats"] for row in rows],
        left=np.array([row["leftChild"] for row in rows]),
        right=np.array([row["rightChild"] for row in rows]),
        features=np.array([each["featureIndex"] for each in splits]),
        splits=[each["leftCategoriesOrThreshold"] for each in splits],
        categories=np.array([each["numCategories"] for each in splits]),
    )
