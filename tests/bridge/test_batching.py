"""Rows keep their order and number, however they are cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.batching import Piece, resized


def pieces(counts):
    """So many rows each, numbered through, with their numbers as labels."""
    first = 0
    for count in counts:
        numbers = np.arange(first, first + count)
        yield Piece(numbers.reshape(-1, 1).astype(float), numbers)
        first += count


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 12))
def test_batches_have_their_size_and_all_rows_in_order(counts, size):
    """But the last, which has what is left."""
    found = list(resized(pieces(counts), size))
    rows = [row for piece in found for row in piece.matrix[:, 0].tolist()]
    assert rows == list(range(sum(counts))) == [label for piece in found for label in piece.label.tolist()]
    assert [piece.rows for piece in found[:-1]] == [size] * (len(found) - 1)
    assert all(0 < piece.rows <= size for piece in found)
