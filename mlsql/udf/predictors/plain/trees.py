"""Decision trees, all of an ensemble in the same flat arrays and walked together, and forests of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, check_finite, labelled

_FEW_NODES = 8192
"""With no more nodes it takes less time to compare at all of them than only where one row comes by."""
_USUAL = 1e70
"""Below this square of a row's length no number is missing, or too large for single precision."""
_AT_ONCE = 1 << 15
"""So many pairs of a row and a tree are walked together: they stay in the processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Nodes of all trees; the right child of a node stands behind its left one, a leaf is its own child.

    A number above its node's threshold goes right; a leaf's threshold is infinite. :func:`stacked`
    makes one of single trees.
    """

    roots: Any
    """The node that each tree begins at."""
    features: Any
    thresholds: Any
    left: Any
    values: Any
    """Nodes × outputs."""
    depth: int
    is_single: bool = True
    """Whether features are rounded to single precision before they are compared, as scikit-learn does."""
    missing_right: Any = None
    """Whether NaN goes right at a node; None where NaN is refused."""
    category_sets: Any = None
    """The row of *in_left* and *known* of a node that asks for categories, else -1; None: no node does."""
    in_left: Any = None
    """Sets × category numbers: whether that category goes left."""
    known: Any = None
    """The same: whether it was there in training; one that was not is as missing as NaN."""

    def leaves(self, features: Features) -> Any:
        """The leaf that each row comes to in each tree, the trees on the last axis."""
        if features.ndim == 1:
            return self._of_one(features)
        rows = self._compared(features)
        step = max(1, _AT_ONCE // len(self.roots))
        blocks = [self._of_block(rows[start : start + step]) for start in range(0, len(rows), step)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.roots)), dtype=np.intp)

    def _compared(self, features: Features) -> Any:
        """The features as they are compared with thresholds."""
        if self.is_single:
            with np.errstate(over="ignore"):
                features = features.astype(np.float32).astype(np.float64)
        if self.missing_right is None:
            check_finite(features, features)
        elif self.is_single:  # such trees of scikit-learn take NaN, and nothing infinite
            there = np.where(np.isnan(features), 0.0, features)
            check_finite(there, there)
        return features

    def _of_one(self, row: Any) -> Any:
        is_usual = bool(row.dot(row) < _USUAL)  # which NaN is not
        if not is_usual:
            row = self._compared(row)
        elif self.is_single:
            row = row.astype(np.float32).astype(np.float64)
        nodes = self.roots
        if len(self.left) > _FEW_NODES:
            return self._walked(row, nodes, None, is_usual=is_usual)
        met = row.take(self.features)
        right = met > self.thresholds
        if not is_usual or self.category_sets is not None:
            right = self._special(np.arange(len(met)), met, right)
        after = self.left + right
        for _ in range(self.depth):
            nodes = after.take(nodes)
        return nodes

    def _of_block(self, rows: Any) -> Any:
        offsets = np.arange(0, rows.size, rows.shape[1], dtype=np.intp)[:, None]
        nodes = np.repeat(self.roots[None], len(rows), axis=0)
        return self._walked(rows.reshape(-1), nodes, offsets, is_usual=not np.isnan(rows).any())

    def _walked(self, values: Any, nodes: Any, offsets: Any, *, is_usual: bool) -> Any:
        features, thresholds, left = self.features, self.thresholds, self.left
        is_special = not is_usual or self.category_sets is not None
        for _ in range(self.depth):
            places = features.take(nodes)
            met = values.take(places if offsets is None else places + offsets)
            right = met > thresholds.take(nodes)
            nodes = left.take(nodes) + (self._special(nodes, met, right) if is_special else right)
        return nodes

    def _special(self, nodes: Any, met: Any, right: Any) -> Any:
        """Whether to go right at *nodes*, which *met* these values, where some are missing or categories."""
        missing, is_leaf = np.isnan(met), self.left.take(nodes) == nodes
        if self.category_sets is not None:
            sets = self.category_sets.take(nodes)
            number = np.where((met >= 0) & (met < self.known.shape[1]), met, -1).astype(np.intp)
            asks = sets >= 0
            missing |= asks & ((number < 0) | ~self.known[sets, number])
            right = np.where(asks, ~self.in_left[sets, number], right)
        gone = False if self.missing_right is None else self.missing_right.take(nodes)
        return np.where(missing, gone, right) & ~is_leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The nodes of one tree as a library tells them, the root first."""

    features: Any
    """What each node asks for; of a leaf anything."""
    thresholds: Any
    """What is not above it goes left."""
    left: Any
    """The left child's number; of a leaf it is negative."""
    right: Any
    values: Any
    """Nodes × outputs."""
    missing_left: Any = None
    category_sets: Any = None
    """As in :class:`Trees`, which numbers the sets of all trees on."""


def stacked(
    trees: Sequence[Tree],
    *,
    is_single: bool,
    in_left: Any = None,
    known: Any = None,
) -> Trees:
    """All *trees* in one; *in_left* and *known* hold the sets of categories that any of them asks for."""
    ordered = [_by_levels(tree) for tree in trees]
    starts = np.cumsum([0, *(len(order) for order, _, _ in ordered)])
    inner = [np.asarray(tree.left)[order] >= 0 for tree, (order, _, _) in zip(trees, ordered, strict=True)]

    def joined(of: Any, dtype: Any) -> Any:
        parts = [np.asarray(of(tree))[order] for tree, (order, _, _) in zip(trees, ordered, strict=True)]
        return np.ascontiguousarray(np.concatenate(parts), dtype=dtype)

    is_inner = np.concatenate(inner)
    has_missing = trees[0].missing_left is not None
    has_sets = trees[0].category_sets is not None
    return Trees(
        roots=np.array(starts[:-1], dtype=np.intp),
        features=np.where(is_inner, joined(lambda tree: tree.features, np.intp), 0),
        thresholds=np.where(is_inner, joined(lambda tree: tree.thresholds, np.float64), np.inf),
        left=np.concatenate([left + start for (_, left, _), start in zip(ordered, starts, strict=False)]),
        values=joined(lambda tree: tree.values, np.float64),
        depth=max(depth for _, _, depth in ordered),
        is_single=is_single,
        missing_right=~joined(lambda tree: tree.missing_left, bool) & is_inner if has_missing else None,
        category_sets=np.where(is_inner, joined(lambda tree: tree.category_sets, np.intp), -1)
        if has_sets
        else None,
        in_left=in_left,
        known=known,
    )


def _by_levels(tree: Tree) -> tuple[Any, Any, int]:
    """The nodes of *tree* level by level, siblings side by side: old numbers, left children, depth."""
    left, right = np.asarray(tree.left), np.asarray(tree.right)
    levels = list(_levels(left, right))
    order = np.concatenate(levels)
    place = np.empty(len(left), dtype=np.intp)
    place[order] = np.arange(len(order))
    children = left[order]
    return order, np.where(children < 0, np.arange(len(order)), place[children]), len(levels) - 1


def _levels(left: Any, right: Any) -> Iterator[Any]:
    level = np.zeros(1, dtype=np.intp)
    while len(level):
        yield level
        inner = level[left[level] >= 0]
        level = np.stack([left[inner], right[inner]], axis=-1).reshape(-1)


@dataclass(frozen=True, slots=True)
class ForestClassifier:
    """The mean of the trees' probabilities, and the class with the highest; one tree is a forest too."""

    trees: Trees
    """With a value a class, which sum to 1 in each leaf."""
    classes: tuple[Label, ...]

    def predict(self, features: Features) -> Any:
        """The classes."""
        return labelled(self.classes, self.probabilities(features).argmax(axis=-1))

    @property
    def has_probabilities(self) -> bool:
        """Always."""
        return True

    def probabilities(self, features: Features) -> Any:
        """The means."""
        return mean_of_trees(self.trees, features)


@dataclass(frozen=True, slots=True)
class ForestRegressor(AnswersOnly):
    """The mean of the trees' values."""

    trees: Trees

    def predict(self, features: Features) -> Any:
        """The means."""
        return mean_of_trees(self.trees, features)[..., 0]


def mean_of_trees(trees: Trees, features: Features) -> Any:
    """The means of the outputs over all trees, which are added one by one as the libraries do."""
    return summed(trees.values.take(trees.leaves(features), axis=0)) / len(trees.roots)


def summed(values: Any) -> Any:
    """The sums over the axis before the last, one by one: ``sum`` adds in pairs and rounds otherwise."""
    return np.add.accumulate(values, axis=-2)[..., -1, :]
