"""Chinese words, by jieba: the extra ``chinese``."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from mlsql.errors import ConfigError

_LINE = re.compile(r"(?P<word>\S+)(?:\s+(?P<first>\S+))?(?:\s+(?P<second>\S+))?")


class Jieba:
    """A Segmenter with jieba's own dictionary and further words.

    The dictionary is read from jieba's package. jieba would keep what it has read in a file of the
    temporary folder, whose name anybody can foresee: here there is none.
    """

    def __init__(self, dictionary: Sequence[str] = ()) -> None:
        tokenizer = _imported("jieba").Tokenizer()
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
        for line in dictionary:
            tokenizer.add_word(*word_of(line))
        self._tokenizer = tokenizer

    def words(self, text: str) -> Iterable[str]:
        """The words in their order."""
        words: Iterable[str] = self._tokenizer.cut(text)
        return words

    def tagged(self, text: str) -> Iterable[tuple[str, str]]:
        """The words with their natures, in the letters of ICTCLAS."""
        return ((each.word, each.flag) for each in self._tagger.cut(text))

    @cached_property
    def _tagger(self) -> Any:
        return _imported("jieba.posseg").POSTokenizer(self._tokenizer)


def word_of(line: str) -> tuple[str, int | None, str | None]:
    """Word, frequency and nature of a line of a dictionary; the latter two in any order, or none.

    >>> word_of("机器学习 n 2000")
    ('机器学习', 2000, 'n')
    """
    match = _LINE.match(line.strip())
    if match is None:
        raise ValueError(line)
    further = [each for each in (match["first"], match["second"]) if each]
    frequency = next((int(each) for each in further if each.isdecimal()), None)
    nature = next((each for each in further if not each.isdecimal()), None)
    return match["word"], frequency, nature


def _imported(name: str) -> Any:
    """A module of jieba, without what it logs and warns of while it is imported."""
    import importlib

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks setuptools for its files, where there is one
            module = importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            "Chinese words need jieba, which is not installed: pip install 'mlsql[chinese]'"
        ) from error
    logging.getLogger("jieba").setLevel(logging.WARNING)
    return module
