"""The upper levels of trees as one row alone walks them: three or four levels of all trees at once.

NumPy takes longer to begin than to work on a few hundred numbers. So a hop compares at all 7 or 15
nodes of these levels, whether the row comes by or not, and looks up where those bits lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

_FEWEST, _MOST = 3, 4
_BITS: Mapping[int, Any] = MappingProxyType({_FEWEST: np.uint8, _MOST: np.uint16})
"""The number that the bits of a block are, by the levels of its hop."""
_MOST_ENDS = 1 << 18
"""So many nodes may stand below the last hop: with all hops they take 6 MB."""
_MOST_COPIES = 8
"""So many times more than the trees have themselves: a leaf that comes early stands there repeatedly."""


@dataclass(frozen=True, slots=True)
class Hop:
    """Some levels of complete trees; a block is a node with all that is below it in these levels."""

    features: Any
    """Blocks × slots: a block's nodes, level by level, behind a first slot that does not count."""
    thresholds: Any
    starts: Any
    """The first of the places below each block."""
    ways: Any
    """To which of these places the bits of a block lead."""
    bits: Any
    """The type of the number that they are."""


@dataclass(frozen=True, slots=True)
class Hops:
    """The hops of all trees one after the other, and where they end."""

    hops: Sequence[Hop]
    ends: Any
    """The node at each place below the last hop."""
    levels: int
    """Of all hops."""

    def __call__(self, row: Any) -> Any:
        """The node that *row* comes to in each tree; a number above a node's threshold goes right."""
        if not self.hops:
            return self.ends
        first, *others = self.hops
        right = row.take(first.features) > first.thresholds
        places = first.starts + first.ways.take(np.packbits(right).view(first.bits))
        for hop in others:
            right = row.take(hop.features.take(places, axis=0)) > hop.thresholds.take(places, axis=0)
            places = hop.starts.take(places) + hop.ways.take(np.packbits(right).view(hop.bits))
        return self.ends.take(places)


def hops_of(roots: Any, features: Any, thresholds: Any, left: Any, depth: int) -> Hops:
    """The hops from *roots* downwards, as many as there is room for.

    The right child of a node stands behind its left one, a leaf is its own left child.
    """
    hops, reached = list[Hop](), 0
    most = min(_MOST_ENDS, _MOST_COPIES * len(left))
    for levels in _sizes(depth):
        if len(roots) << levels > most:
            break
        rows = [roots[:, None]]
        for _ in range(levels):
            children = left.take(rows[-1])
            pairs = np.stack([children, children + (children != rows[-1])], axis=-1)
            rows.append(pairs.reshape(len(roots), -1))
        *asked, below = rows
        slots = np.concatenate([asked[0], *asked], axis=1)
        starts = np.arange(len(roots)) << levels
        hops.append(Hop(features.take(slots), thresholds.take(slots), starts, _ways(levels), _BITS[levels]))
        roots, reached = below.reshape(-1), reached + levels
    return Hops(hops, roots, reached)


def _sizes(depth: int) -> list[int]:
    """The levels of as few hops as have *depth* together, or a little more."""
    count = -(-depth // _MOST)
    more = depth - _FEWEST * count
    return [_FEWEST + (number < more) for number in range(count)]


@cache
def _ways(levels: int) -> Any:
    """Where the bits of a block lead: for each number that they may be the number of a place below it."""
    slots = 1 << levels
    numbers = np.arange(1 << slots, dtype=_BITS[levels])
    right = np.unpackbits(numbers.view(np.uint8)).reshape(-1, slots)
    slot = np.ones(len(numbers), dtype=np.intp)
    for _ in range(levels):
        slot = 2 * slot + right[np.arange(len(numbers)), slot]
    return slot - slots
