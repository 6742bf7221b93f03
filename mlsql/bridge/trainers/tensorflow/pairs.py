"""What two words that stand together say of a text, wherever they stand.

After Joulin et al., 2016, Bag of Tricks for Efficient Text Classification (arXiv:1607.01759).
"""

from __future__ import annotations

from typing import Any

PAIRS = 2**16
"""So many pairs have a vector of their own; more of them share these."""
_SPREAD = 31_337
"""A prime by which pairs are spread; what is below ``PAIRS`` stays below 2³¹ when multiplied with it."""


def paired(indices: Any, vocabulary: int, size: int) -> Any:
    """The sum of the vectors of all pairs, *size* long, over the root of their number.

    *indices* are those of the words, below *vocabulary*, in a tensor (texts, words); 0 is no word.
    """
    from keras import layers, ops

    words = ops.cast(indices, "int32")
    first, second = words[:, :-1], words[:, 1:]
    if vocabulary**2 <= PAIRS:
        count, numbers = vocabulary**2, first * vocabulary + second
    else:
        count, numbers = PAIRS, (first % PAIRS * _SPREAD + second % PAIRS) % PAIRS
    there = ops.expand_dims(ops.cast(ops.logical_and(first > 0, second > 0), "float32"), -1)
    vectors = layers.Embedding(count, size)(numbers) * there
    return ops.sum(vectors, axis=1) / ops.sqrt(ops.maximum(ops.sum(there, axis=1), 1.0))
