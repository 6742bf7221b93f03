"""One row alone walks the upper levels of trees by hops, and comes to the same leaves as among many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.udf.predictors.plain.trees import Tree, stacked


def grown(random, depth, share):
    """A tree that goes on at a *share* of its nodes, down to *depth*."""
    left, right, level = [-1], [-1], [0]
    for _ in range(depth):
        below = []
        for node in level:
            if random.random() < share:
                left[node], right[node] = len(left), len(left) + 1
                below += [len(left), len(left) + 1]
                left += [-1, -1]
                right += [-1, -1]
        level = below
    count = len(left)
    return Tree(
        features=random.integers(0, 5, count),
        thresholds=random.integers(0, 8, count).astype(float),
        left=left,
        right=right,
        values=random.random((count, 1)),
    )


@pytest.mark.parametrize("is_single", [True, False])
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 13), st.floats(0.3, 1.0)), min_size=1, max_size=6),
)
def test_a_row_alone_comes_to_the_leaves_that_it_comes_to_among_many(is_single, seed, shapes):
    """Of trees that are of several depths, full and thin ones, also where a number is just a threshold."""
    random = np.random.default_rng(seed)
    trees = stacked(
        [grown(random, depth if share < 0.8 else min(depth, 7), share) for depth, share in shapes],
        is_single=is_single,
    )
    rows = random.integers(-1, 9, (20, 5)) + random.integers(0, 2, (20, 5)) * 0.5
    many = trees.leaves(rows)
    assert [trees.leaves(row).tolist() for row in rows] == many.tolist()
    assert (trees.left[many] == many).all()
