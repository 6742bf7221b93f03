"""Words of a text: by a regular expression between them, or by a segmenter, which knows a language.

A segmenter is a plug-in: what an installed package offers under the entry point group
``mlsql.segmenters`` is found by its name. It is made once a process, at its first text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol

from mlsql.registry import Registry

GROUP = "mlsql.segmenters"
_KEPT = 16
"""So many segmenters with their dictionaries stay in one process."""
_SPECIAL = frozenset(r".^$*+?{}[]\|()")


class Segmenter(Protocol):
    """Cuts texts of a language into words."""

    def words(self, text: str) -> Iterable[str]:
        """The words in their order; spaces between them may be among them."""
        ...

    def tagged(self, text: str) -> Iterable[tuple[str, str]]:
        """The words with their parts of speech, as ``n`` or ``v``."""
        ...


class MakesSegmenter(Protocol):
    """What a plug-in is."""

    def __call__(self, dictionary: Sequence[str]) -> Segmenter:
        """A segmenter that knows the words of *dictionary* too: lines of word, frequency, nature."""
        ...


def builtins() -> Registry[MakesSegmenter]:
    """The segmenters that come with mlsql, and those of installed packages."""
    segmenters: Registry[MakesSegmenter] = Registry("segmenter")
    segmenters.add("jieba", "mlsql.udf.chinese:Jieba")
    segmenters.add_plugins(GROUP)
    return segmenters


@dataclass(frozen=True)
class Segmentation:
    """How texts become words, as small data that travels to executors and is stored with a model."""

    split: str | None = None
    """A regular expression of Python for what lies between words; else the segmenter cuts."""
    segmenter: str = "jieba"
    dictionary: tuple[str, ...] = field(default=(), repr=False)
    """Further words: a line is a word, perhaps its frequency, perhaps its nature."""
    stop_words: tuple[str, ...] = field(default=(), repr=False)
    natures: tuple[str, ...] = ()
    """The natures of which words are kept; none: all are."""
    tags: bool = False
    """Whether words are given as ``word/nature``."""

    def __call__(self, texts: Iterable[str]) -> list[list[str]]:
        """The words of each text."""
        stops = self._stops
        if self.split is not None:
            pieces = map(self._pieces, texts)
            if not stops:
                return [list(filter(None, each)) for each in pieces]
            return [[word for word in each if word and word not in stops] for each in pieces]
        segmenter = made_segmenter(self.segmenter, self.dictionary)
        if self.tags or self.natures:
            return [self._tagged(segmenter.tagged(text)) for text in texts]
        return [
            [word for word in segmenter.words(text) if word not in stops and not word.isspace()]
            for text in texts
        ]

    def _pieces(self, text: str) -> list[str]:
        return text.split(self.split) if self._is_plain else self._pattern.split(text)

    def _tagged(self, words: Iterable[tuple[str, str]]) -> list[str]:
        kept = [
            (word, nature)
            for word, nature in words
            if word not in self._stops
            and not word.isspace()
            and (not self.natures or any(nature.startswith(each) for each in self.natures))
        ]
        return [f"{word}/{nature}" if self.tags else word for word, nature in kept]

    @cached_property
    def _stops(self) -> frozenset[str]:
        return frozenset(self.stop_words)

    @cached_property
    def _is_plain(self) -> bool:
        return bool(self.split) and not _SPECIAL.intersection(self.split or "")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.split or "")


@lru_cache(maxsize=_KEPT)
def made_segmenter(name: str, dictionary: tuple[str, ...]) -> Segmenter:
    """The segmenter *name* with further words, kept for the life of this process."""
    return builtins().get(name)(dictionary)


def separator(text: str) -> str:
    """*text*, which must be a regular expression for :attr:`Segmentation.split`; ValueError says why not."""
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise ValueError(text) from error
    if compiled.groups or not text:  # what a group matches would be a word
        raise ValueError(text)
    return text
