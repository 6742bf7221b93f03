"""Texts as vectors of their words: how often each comes, weighed by how rare it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import numpy as np

from mlsql.udf.predictors.plain.sparse import SparseRows
from mlsql.udf.predictors.plain.stepping import VECTOR, FittedStep, StepFunction, one
from mlsql.udf.segmentation import Segmentation

_HASH_SEED = 42
_32_BITS = 0xFFFFFFFF
NOWHERE = -1
_KEPT_HASHES = 1 << 17


@dataclass(frozen=True)
class Terms:
    """What stands in a vector, and where."""

    size: int
    vocabulary: tuple[str, ...] | None = None
    """The term at each place; None: a hash says the place, as it does in Spark's HashingTF."""
    numbered: bool = False
    """Whether terms are numbers, which are their places, modulo the size."""
    n_grams: tuple[int, ...] = ()
    """So many words one after the other are a term too."""

    def of(self, words: Sequence[Any]) -> Sequence[Any]:
        """The terms of a text of these *words*."""
        if not self.n_grams:
            return words
        starts = ((size, start) for size in self.n_grams for start in range(len(words) - size + 1))
        return [*words, *(" ".join(words[start : start + size]) for size, start in starts)]

    @cached_property
    def place(self) -> Callable[[Any], int]:
        """The place of a term, -1 for one that has none."""
        size = self.size
        if self.numbered:
            return lambda term: int(term) % size
        if self.vocabulary is None:
            return lru_cache(maxsize=_KEPT_HASHES)(lambda term: murmur3(str(term).encode()) % size)
        return _Places((term, place) for place, term in enumerate(self.vocabulary)).__getitem__


class _Places(dict[Any, int]):
    """The places of terms; those of others are nowhere."""

    def __missing__(self, term: Any) -> int:
        return NOWHERE


@dataclass(frozen=True)
class TfIdf(FittedStep):
    """Texts, or arrays of words, as sparse vectors of term counts times weights."""

    terms: Terms
    weights: Any
    """A number a place: the logarithm of how rare the terms there are, with their priority."""
    segmentation: Segmentation | None = None
    """None: it takes arrays of words."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(text)``, or ``f(words)``."""
        words = one("words", "array<int>" if self.terms.numbered else "array<string>")
        parameter = words if self.segmentation is None else one("text", "string")
        return (StepFunction(parameter, VECTOR, "vectors", gives=self.terms.size),)

    def vectors(self, texts: Sequence[Any]) -> SparseRows:
        """A vector a text."""
        words = texts if self.segmentation is None else self.segmentation(texts)
        rows = [self.terms.of(each) for each in words]
        places = np.fromiter(map(self.terms.place, chain.from_iterable(rows)), np.int64)
        row = np.repeat(np.arange(len(rows)), np.fromiter(map(len, rows), np.int64, len(rows)))
        is_known = places != NOWHERE
        keys, counts = np.unique(row[is_known] * self.terms.size + places[is_known], return_counts=True)
        row, places = np.divmod(keys, self.terms.size)
        starts = np.searchsorted(row, np.arange(len(rows) + 1))
        return SparseRows(self.terms.size, starts, places.astype(np.int32), counts * self.weights[places])


def inverse_frequencies(rows: int, counts: Any) -> Any:
    """How rare terms are of which *counts* of the *rows* hold each: ``ln((rows + 1) / (count + 1))``.

    As Spark's IDF has it.
    """
    return np.log((rows + 1) / (np.asarray(counts, dtype=np.float64) + 1))


def murmur3(content: bytes, seed: int = _HASH_SEED) -> int:
    """MurmurHash3 for x86 with 32 bits, signed: https://github.com/aappleby/smhasher (public domain).

    >>> murmur3(b"hello"), murmur3(b"")
    (488910111, 142593372)
    """
    state, whole = seed, len(content) & ~3
    for start in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(content[start : start + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE6546B64) & _32_BITS
    state ^= _mixed(int.from_bytes(content[whole:], "little")) if len(content) > whole else 0
    state ^= len(content)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        state = ((state ^ (state >> shift)) * factor) & _32_BITS
    return state - (1 << 32) if state >> 31 else state


def _mixed(word: int) -> int:
    return _rotated(word * 0xCC9E2D51 & _32_BITS, 15) * 0x1B873593 & _32_BITS


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _32_BITS
