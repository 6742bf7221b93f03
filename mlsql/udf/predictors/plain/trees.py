"""Decision trees, all of an ensemble in the same flat arrays and walked together, and forests of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlsql.models.manifest import Label
from mlsql.udf.predictors.plain.base import AnswersOnly, Features, MostProbable, check_finite
from mlsql.udf.predictors.plain.hops import Hops, hops_of

_USUAL = 1e70
"""Below this square of a row's length no number is missing, or too large for single precision."""
_AT_ONCE = 1 << 15
"""So many pairs of a row and a tree are walked together: they stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Nodes of all trees; the right child of a node stands behind its left one, a leaf is its own child.

    They stand level by level: the roots of all trees, what is below these, and so on.
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
    takes_infinite: bool = False
    """Whether infinity is a number like others, too, where features are rounded."""

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
                features = features.astype(np.float32)
        if self.missing_right is None:
            check_finite(features, features)
        elif self.is_single and not self.takes_infinite:  # as scikit-learn, which takes NaN there
            there = np.where(np.isnan(features), 0.0, features)
            check_finite(there, there)
        return features

    def _of_one(self, row: Any) -> Any:
        is_usual = bool(np.vdot(row, row) < _USUAL)  # which NaN is not, and of which vdot never warns
        if not is_usual or self.category_sets is not None:
            return self._walked(self._compared(row), self.roots, None, self.depth, is_usual=is_usual)
        if self.is_single:
            row = row.astype(np.float32)
        return self._walked(row, self._hops(row), None, self.depth - self._hops.levels, is_usual=True)

    @cached_property
    def _hops(self) -> Hops:
        return hops_of(self.roots, self.features, self.thresholds, self.left, self.depth)

    def _of_block(self, rows: Any) -> Any:
        offsets = np.arange(0, rows.size, rows.shape[1], dtype=np.intp)[:, None]
        nodes = np.repeat(self.roots[None], len(rows), axis=0)
        return self._walked(rows.reshape(-1), nodes, offsets, self.depth, is_usual=not np.isnan(rows).any())

    def _walked(self, values: Any, nodes: Any, offsets: Any, levels: int, *, is_usual: bool) -> Any:
        features, thresholds, left = self.features, self.thresholds, self.left
        is_special = not is_usual or self.category_sets is not None
        for _ in range(levels):
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
    starts = np.cumsum([0, *(len(tree.left) for tree in trees)])
    left = _joined_children([tree.left for tree in trees], starts)
    right = _joined_children([tree.right for tree in trees], starts)
    levels = [*_levels(starts[:-1], left, right)]
    order = np.concatenate(levels)
    places = np.empty(starts[-1], dtype=np.intp)
    places[order] = np.arange(len(order))
    is_inner = left[order] >= 0

    def joined(parts: Iterable[Any], dtype: Any) -> Any:
        return np.concatenate([np.asarray(each, dtype=dtype) for each in parts])[order]

    thresholds = joined((tree.thresholds for tree in trees), np.float64)
    return Trees(
        roots=np.arange(len(trees)),
        features=np.where(is_inner, joined((tree.features for tree in trees), np.intp), 0),
        thresholds=np.where(is_inner, _single(thresholds) if is_single else thresholds, np.inf),
        left=np.where(is_inner, places[left[order]], np.arange(len(order))),
        values=joined((tree.values for tree in trees), np.float64),
        depth=len(levels) - 1,
        is_single=is_single,
        missing_right=~joined((tree.missing_left for tree in trees), bool) & is_inner
        if trees[0].missing_left is not None
        else None,
        category_sets=np.where(is_inner, joined((tree.category_sets for tree in trees), np.intp), -1)
        if trees[0].category_sets is not None
        else None,
        in_left=in_left,
        known=known,
    )


def _joined_children(children: Sequence[Any], starts: Any) -> Any:
    """The numbers of the children among the nodes of all trees; of leaves they are negative."""
    pairs = zip(map(np.asarray, children), starts, strict=False)
    return np.concatenate([np.where(each < 0, -1, each + start) for each, start in pairs])


def _single(thresholds: Any) -> Any:
    """The greatest numbers of single precision that are not above: the same ones are above them."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _levels(level: Any, left: Any, right: Any) -> Iterator[Any]:
    """The nodes of each level, children of one node side by side."""
    while len(level):
        yield level
        inner = level[left[level] >= 0]
        level = np.stack([left[inner], right[inner]], axis=-1).reshape(-1)


@dataclass(frozen=True, slots=True)
class ForestClassifier(MostProbable):
    """The mean of the trees' probabilities, and the class with the highest; one tree is a forest too."""

    trees: Trees
    """With a value a class, which sum to 1 in each leaf."""
    classes: tuple[Label, ...]

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
