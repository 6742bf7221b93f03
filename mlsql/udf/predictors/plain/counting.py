"""Texts as scikit-learn's vectorisers count them: words or pieces of them, by a vocabulary or by a hash."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, ClassVar, Literal

import numpy as np

from mlsql.errors import DataError
from mlsql.udf.predictors.plain.base import Features
from mlsql.udf.predictors.plain.sparse import SparseRows, side_by_side
from mlsql.udf.predictors.plain.terms import NOWHERE, murmur3

Unit = Literal["word", "char", "char_wb", "given"]
"""What is counted: words, characters, characters within words, or words that are given as such."""
_KEPT_HASHES = 1 << 17
_SPACES = re.compile(r"\s\s+")


@dataclass(frozen=True)
class Analysis:
    """What a text is made of, as ``build_analyzer`` of scikit-learn has it."""

    unit: Unit
    n_grams: tuple[int, int]
    """So many units, from the first to the second number, stand together in one term."""
    pattern: str = ""
    """The regular expression of a word."""
    lowers: bool = True
    accents: Literal["kept", "ascii", "unicode"] = "kept"
    """How accents are taken away."""
    left_out: tuple[str, ...] = ()
    """Words that do not count."""

    def terms(self, text: Any) -> Sequence[str]:
        """The terms of a text."""
        if self.unit == "given":
            words: Sequence[str] = self._expected(text, list | tuple | np.ndarray)
            return words
        text = self._prepared(self._expected(text, str))
        if self.unit == "word":
            return self._words(self._find(text))
        spaced = _SPACES.sub(" ", text)
        return [*(self._within_words(spaced) if self.unit == "char_wb" else self._pieces(spaced))]

    def _prepared(self, text: str) -> str:
        if self.lowers:
            text = text.lower()
        if self.accents == "kept" or (self.accents == "unicode" and text.isascii()):
            return text
        apart = unicodedata.normalize("NFKD", text)
        if self.accents == "ascii":
            return apart.encode("ascii", "ignore").decode("ascii")
        return "".join(each for each in apart if not unicodedata.combining(each))

    def _words(self, words: Sequence[str]) -> Sequence[str]:
        if self._left_out:
            words = [each for each in words if each not in self._left_out]
        least, most = self.n_grams
        if most == 1:
            return words
        sizes = range(least, min(most, len(words)) + 1)
        return [
            " ".join(words[start : start + size]) for size in sizes for start in range(len(words) - size + 1)
        ]

    def _pieces(self, text: str) -> Iterator[str]:
        least, most = self.n_grams
        for size in range(least, min(most, len(text)) + 1):
            yield from (text[start : start + size] for start in range(len(text) - size + 1))

    def _within_words(self, text: str) -> Iterator[str]:
        """Pieces of words with a space at both ends; a word that is shorter counts once, as a whole."""
        least, most = self.n_grams
        for word in (f" {each} " for each in text.split()):
            for size in range(least, most + 1):
                yield from (word[start : start + size] for start in range(max(1, len(word) - size + 1)))
                if size >= len(word):
                    break

    @staticmethod
    def _expected(text: Any, kind: Any) -> Any:
        if not isinstance(text, kind):
            raise DataError(f"{text!r} is no text, of which alone this model can count words")
        return text

    @cached_property
    def _find(self) -> Callable[[str], list[str]]:
        return re.compile(self.pattern).findall

    @cached_property
    def _left_out(self) -> frozenset[str]:
        return frozenset(self.left_out)


@dataclass(frozen=True)
class Counted:
    """One column of texts as counts of their terms, each at a place of its own or at that of its hash."""

    analysis: Analysis
    size: int
    vocabulary: tuple[str, ...] | None = None
    """The term at each place; None: its hash says the place, as in FeatureHasher of scikit-learn."""
    is_signed: bool = False
    """Whether the sign of the hash counts, so that terms at one place may cancel out."""
    is_binary: bool = False
    """Whether a term that is there counts as 1."""

    def __call__(self, features: Features) -> SparseRows:
        """A row a text."""
        (texts,) = features
        is_one = not self._are_many(texts)
        rows = [sorted(self._counts(each).items()) for each in ([texts] if is_one else texts)]
        starts = np.cumsum([0, *map(len, rows)])
        entries = np.array([*chain.from_iterable(rows)], dtype=np.int64).reshape(-1, 2)
        values = np.ones(len(entries)) if self.is_binary else entries[:, 1].astype(np.float64)
        return SparseRows(self.size, starts, entries[:, 0], values, is_one)

    def _are_many(self, texts: Any) -> bool:
        many = (list, tuple, np.ndarray)
        if self.analysis.unit == "given":
            return isinstance(texts, many) and len(texts) > 0 and isinstance(texts[0], many)
        return isinstance(texts, many)

    def _counts(self, text: Any) -> Mapping[int, int]:
        """How often what stands at each place comes in *text*."""
        found = Counter(map(self._place, self.analysis.terms(text)))
        if self.vocabulary is not None:
            found.pop(NOWHERE, None)
            return found
        counts: dict[int, int] = {}
        for hashed, count in found.items():
            place = abs(hashed) % self.size
            counts[place] = counts.get(place, 0) + (-count if self.is_signed and hashed < 0 else count)
        return counts

    @cached_property
    def _place(self) -> Callable[[str], int]:
        """The place of a term, or its hash."""
        if self.vocabulary is None:
            return lru_cache(maxsize=_KEPT_HASHES)(lambda term: murmur3(term.encode(), seed=0))
        places = {term: place for place, term in enumerate(self.vocabulary)}
        return lambda term: places.get(term, NOWHERE)


@dataclass(frozen=True, slots=True)
class Weighed:
    """Counts of terms as weights: their logarithm, and the more the rarer a term is."""

    takes_sparse: ClassVar[bool] = True
    is_sublinear: bool
    rarity: Any
    """A factor a place; None: all are alike."""

    def __call__(self, features: Features) -> SparseRows:
        """The rows, which are sparse whatever they were."""
        rows = features if isinstance(features, SparseRows) else side_by_side([features])
        values = np.log(rows.values) + 1.0 if self.is_sublinear else rows.values
        return rows.with_values(values if self.rarity is None else values * self.rarity[rows.indices])
