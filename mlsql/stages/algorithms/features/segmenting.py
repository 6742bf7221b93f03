"""How texts become words: the options that steps over texts share, and the files that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.options import BOOLEAN, NAMES, TEXT, Kind, Options, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.features.declaration import InputOptions
from mlsql.stages.faults import span_of
from mlsql.udf.segmentation import Segmentation, separator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from pyspark.sql import DataFrame

DICTIONARIES, STOP_WORDS = "dicPaths", "stopWordPath"
SEPARATOR = Kind("a regular expression of Python without groups, as in '[ ,]+'", separator)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentingOptions(InputOptions):
    """How the texts are cut into words."""

    split: str | None = option(
        "split",
        SEPARATOR,
        "What lies between words, a regular expression; else a segmenter cuts.",
        default=None,
    )
    dictionaries: tuple[str, ...] = option(
        DICTIONARIES,
        NAMES,
        "Files of words that the segmenter knows then, one a line, perhaps with frequency and nature.",
        default=(),
        aliases=("dic.paths",),
    )
    stop_words: tuple[str, ...] = option(
        STOP_WORDS, NAMES, "Files of words that are left out, one a line.", default=()
    )
    ignores_nature: bool = option(
        "ignoreNature", BOOLEAN, "Whether words are given without their nature, as in `word/n`.", default=True
    )
    segmenter: str = option("segmenter", TEXT, "The segmenter; packages may add others.", default="jieba")


def read_segmentation(
    options: SegmentingOptions,
    given: Options,
    run: Run,
    *,
    words: tuple[str, ...] = (),
    natures: tuple[str, ...] = (),
) -> Segmentation:
    """What *options* say, with the files read; the segmenter knows *words* too."""
    return Segmentation(
        split=options.split,
        segmenter=options.segmenter,
        dictionary=(*read_lines(options.dictionaries, DICTIONARIES, given, run), *words),
        stop_words=tuple(read_lines(options.stop_words, STOP_WORDS, given, run)),
        natures=natures,
        tags=not options.ignores_nature and options.split is None,
    )


def read_lines(paths: Iterable[str], key: str, given: Options, run: Run) -> list[str]:
    """The lines of the files at *paths*, which the option *key* has named, without empty ones."""
    span = span_of(given, key)
    texts = (run.read_text(run.policy.path(path, span=span), span=span) for path in paths)
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def segmented(table: DataFrame, column: str, segmentation: Segmentation) -> DataFrame:
    """The words of the texts in *column*, none of which is null, as the column ``words``."""

    def words(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        for each in frames:
            yield pd.DataFrame({"words": pd.Series(segmentation(each["text"]), dtype=object)})

    texts = table.selectExpr(f"cast({quoted(column)} as string) as text")
    return texts.mapInPandas(words, "words array<string>")
