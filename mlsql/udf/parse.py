"""``parse(text)``: the words of a text, as the usual segmenter cuts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.udf.plugins import python_function
from mlsql.udf.segmentation import Segmentation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Words:
    """The words of each text, and null for null, of pandas series."""

    segmentation: Segmentation

    def __call__(self, texts: pd.Series) -> pd.Series:
        """An array of words a row."""
        import pandas as pd

        words = iter(self.segmentation(texts.dropna()))
        return pd.Series([next(words) if given else None for given in texts.notna()], dtype=object)


PARSE = python_function(
    "parse(text string) -> array<string>",
    Words(Segmentation()),
    "The words of a text; Chinese ones are found by jieba, the extra `chinese`.",
    example="parse('我爱北京天安门')",
    vectorized=True,
)
