"""Words as numbers that were learnt, the words of a text that matter, and what else a text holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mlsql.udf.predictors.plain.stepping import NUMBERS, FittedStep, StepFunction, one
from mlsql.udf.segmentation import Segmentation

Result = Literal["", "flat", "merge", "index"]
_OUTPUTS: Mapping[str, str] = {
    "": "array<array<double>>",
    "flat": NUMBERS,
    "merge": NUMBERS,
    "index": "array<int>",
}


@dataclass(frozen=True)
class WordVectors(FittedStep):
    """Words as arrays of numbers; zeros for one that the fit has not seen."""

    words: tuple[str, ...]
    vectors: Any
    """A row a word."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(word)``, ``f_array(words)``."""
        size = self.vectors.shape[1]
        return (
            StepFunction(one("word", "string"), NUMBERS, "of_words", gives=size),
            StepFunction(one("words", "array<string>"), "array<array<double>>", "of_arrays", "_array"),
        )

    def of_words(self, words: Sequence[str | None]) -> Any:
        """A row a word."""
        return self.table[self.places(words)]

    def of_arrays(self, arrays: Sequence[Sequence[str | None]]) -> list[Any]:
        """An array of such rows for each array of words."""
        return [[*self.of_words(words)] for words in arrays]

    def places(self, words: Sequence[str | None]) -> Any:
        """The rows of :attr:`table` that hold the words."""
        known = self._places
        return np.array([known.get(word, 0) for word in words], dtype=np.int32)

    @cached_property
    def table(self) -> Any:
        """Zeros, and behind them a row a word."""
        return np.vstack([np.zeros(self.vectors.shape[1]), self.vectors])

    @cached_property
    def _places(self) -> Mapping[str | None, int]:
        return {word: place for place, word in enumerate(self.words, 1)}


@dataclass(frozen=True)
class TextVectors(FittedStep):
    """Texts as the numbers of their first words; a shorter text is filled up with zeros."""

    words: WordVectors
    segmentation: Segmentation
    length: int
    """So many words of each text count."""
    result: Result
    """An array a word, these as one array, their sum, or the number of each word, counted from 1."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(text)``."""
        size = self.words.vectors.shape[1]
        gives = {"": None, "flat": self.length * size, "merge": size, "index": self.length}[self.result]
        return (StepFunction(one("text", "string"), _OUTPUTS[self.result], "of_texts", gives=gives),)

    def of_texts(self, texts: Sequence[str]) -> Any:
        """A row a text."""
        places = np.zeros((len(texts), self.length), dtype=np.int32)
        for row, words in zip(places, self.segmentation(texts), strict=True):
            first = words[: self.length]
            row[: len(first)] = self.words.places(first)
        if self.result == "index":
            return places
        if self.result == "merge":
            return np.array([self.words.table[row].sum(axis=0) for row in places])
        vectors = [self.words.table[row] for row in places]
        return (
            np.array([each.ravel() for each in vectors])
            if self.result == "flat"
            else [[*each] for each in vectors]
        )


@dataclass(frozen=True)
class Tokens(FittedStep):
    """The words of a text, or those of a dictionary that stand in it."""

    segmentation: Segmentation
    dictionary: tuple[str, ...] | None = None
    """Only these, the longest first where several stand in one place; None: all words of the text."""
    distinct: bool = False
    """Whether a word is told once a text."""

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(text)``."""
        return (StepFunction(one("text", "string"), "array<string>", "of_texts"),)

    def of_texts(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text, in their order."""
        found = self.segmentation(texts) if self.dictionary is None else [*map(self._found, texts)]
        return [list(dict.fromkeys(words)) for words in found] if self.distinct else found

    def _found(self, text: str) -> list[str]:
        found, start = [], 0
        while start < len(text):
            lengths = self._lengths.get(text[start], ())
            word = next(
                (text[start : start + each] for each in lengths if self._is_known(text, start, each)), ""
            )
            found += [word] if word else []
            start += len(word) or 1
        return found

    def _is_known(self, text: str, start: int, length: int) -> bool:
        return text[start : start + length] in self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.dictionary or ())

    @cached_property
    def _lengths(self) -> Mapping[str, Sequence[int]]:
        """The lengths of the words that begin with a character, the greatest first."""
        lengths: dict[str, set[int]] = {}
        for word in self._known:
            lengths.setdefault(word[0], set()).add(len(word))
        return {first: sorted(each, reverse=True) for first, each in lengths.items()}


_MAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_PICTURE = r"(?:https?://|www\.)[^\s\"'<>，。）]+?\.(?:jpe?g|png|gif|bmp|webp|svg)\b"
_URL = r"(?:https?://|www\.)[^\s\"'<>，。）]+"
_QQ_WECHAT = r"(?:加我|扣扣|群|qq)[^\w@]{0,10}\d{5,}|(?:微信|v信|wechat)[^\w]{0,8}[a-z0-9_-]{5,}"
COUNTED: Mapping[str, re.Pattern[str]] = {
    "phone": re.compile(
        r"(?<!\d)(?:(?:\+?86[- ]?)?1[3-9]\d{9}|0\d{2,3}[- ]?\d{7,8}|400[- ]?\d{3}[- ]?\d{4})(?!\d)"
    ),
    "email": re.compile(_MAIL),
    "url": re.compile(_URL),
    "pic": re.compile(_PICTURE, re.IGNORECASE),
    "qqwechat": re.compile(_QQ_WECHAT, re.IGNORECASE),
    "digit": re.compile(r"[0-9]"),
    "number": re.compile(r"\d+(?:\.\d+)?"),
    "chinese": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]"),
    "english": re.compile(r"[A-Za-z]"),
    "blank": re.compile(r"\s"),
    "punctuation": re.compile(r"[^\w\s]"),
    "length": re.compile(r"(?s:.)"),
}
"""What is counted, in the order of the array."""


@dataclass(frozen=True)
class TextCounts(FittedStep):
    """How many phone numbers, mail addresses, URLs and characters of some kinds a text holds."""

    names: tuple[str, ...] = field(default=tuple(COUNTED))

    @property
    def functions(self) -> tuple[StepFunction, ...]:
        """``f(text)``, the array of all counts, and ``f_NAME(text)`` for each."""
        text = one("text", "string")
        main = StepFunction(text, NUMBERS, "counts", gives=len(self.names))
        return (main, *(StepFunction(text, "int", name, f"_{name}") for name in self.names))

    def ask(self, function: StepFunction, columns: Sequence[Any]) -> Any:
        """The counts of the texts in the only column."""
        if not function.suffix:
            return self.counts(*columns)
        return self._count(function.method, columns[0])

    def counts(self, texts: Sequence[str]) -> Any:
        """A row of counts a text."""
        return np.stack([self._count(name, texts) for name in self.names], axis=1).astype(np.float64)

    @staticmethod
    def _count(name: str, texts: Sequence[str]) -> Any:
        find = COUNTED[name].finditer
        return np.array([sum(1 for _ in find(text)) for text in texts], dtype=np.int32)
