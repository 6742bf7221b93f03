"""Word2vec and Word2VecInPlace: words as numbers that say in what company they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column
from mlsql.options import NAMES, integer, one_of, option
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import INPUT, InputOptions, Lesson
from mlsql.stages.algorithms.features.numeric import type_of
from mlsql.stages.algorithms.features.segmenting import (
    SegmentingOptions,
    read_lines,
    read_segmentation,
    segmented,
)
from mlsql.stages.algorithms.features.terms import InOneColumn
from mlsql.stages.algorithms.features.texts import check_texts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.words import Result, TextVectors, WordVectors

VECTORS = "wordvecPaths"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word2vecOptions(InputOptions):
    """How words are learnt."""

    size: int = option("vectorSize", integer(1), "How many numbers stand for a word.", default=100)
    least: int = option("minCount", integer(1), "Words that come less often are not learnt.", default=5)
    iterations: int = option("maxIter", integer(1), "How often all texts are learnt from.", default=1)
    seed: int = option("seed", integer(-(2**63), 2**63 - 1), "Another seed gives other vectors.", default=42)


class Word2vec(InOneColumn[Word2vecOptions]):
    """Words as arrays of numbers, by the words around them."""

    name: ClassVar[str] = "Word2vec"
    options: ClassVar[type[Word2vecOptions]] = Word2vecOptions
    doc: ClassVar[str] = (
        "Learns an array of numbers for each word, alike for words in like company; zeros for unseen ones."
    )
    example: ClassVar[str] = """\
select split("spark runs queries", " ") as words union all select split("spark fits models", " ") as docs;
train docs as Word2vec.`out/example/words` where inputCol="words" and vectorSize=4 and minCount=1 as made;
register Word2vec.`out/example/words` as word;
select word("spark") as numbers, word_array(array("spark", "new")) as both as answers;
"""

    def check_inputs(self, call: Call[Word2vecOptions]) -> None:
        """Only arrays hold words."""
        kind = type_of(call.frame, call.options.input)
        if kind != "array<string>":
            message = f"'{call.options.input}' holds {kind}, and no arrays of words"
            raise DataFault(
                message, option=INPUT, hint="Word2VecInPlace takes texts; split(text, ' ') makes an array"
            )

    def learn(self, lesson: Lesson[Word2vecOptions]) -> WordVectors:
        """What Spark's Word2Vec learns."""
        options = lesson.options
        words = lesson.frame.selectExpr(f"{quoted(options.input)} as words")
        return learnt_words(words, options.size, options.least, options.iterations, options.seed)

    def takes(self, options: Word2vecOptions, frame: DataFrame) -> Columns:  # noqa: ARG002
        """A word."""
        return Columns("columns", (Column("word", "string"),))

    def outputs(self, options: Word2vecOptions, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """An array of arrays of numbers for the words of each row."""
        return {options.output or options.input: f"{{f}}_array({quoted(options.input)})"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word2VecInPlaceOptions(SegmentingOptions):
    """How texts become words, and words numbers."""

    size: int = option("vectorSize", integer(1), "How many numbers stand for a word.", default=100)
    least: int = option("minCount", integer(1), "Words that come less often are not learnt.", default=1)
    iterations: int = option("maxIter", integer(1), "How often all texts are learnt from.", default=1)
    seed: int = option("seed", integer(-(2**63), 2**63 - 1), "Another seed gives other vectors.", default=42)
    length: int = option(
        "length", integer(1), "So many words of a text count; zeros fill up shorter ones.", default=100
    )
    vectors: tuple[str, ...] = option(
        VECTORS,
        NAMES,
        "Files of words with their numbers, which are taken and nothing is learnt.",
        default=(),
    )
    result: str = option(
        "resultFeature",
        one_of("", "flat", "merge", "index"),
        "'': an array a word; flat: these as one array; merge: their sum; index: the number of each word,"
        " counted from 1, 0 for none.",
        default="",
    )


class Word2VecInPlace(InOneColumn[Word2VecInPlaceOptions]):
    """Texts as the numbers of their words."""

    name: ClassVar[str] = "Word2VecInPlace"
    options: ClassVar[type[Word2VecInPlaceOptions]] = Word2VecInPlaceOptions
    doc: ClassVar[str] = (
        "Texts as arrays of numbers that are learnt for each word, or as their sum, or as word numbers."
    )
    example: ClassVar[str] = """\
select "spark runs queries" as text union all select "spark fits models" as texts;
train texts as Word2VecInPlace.`out/example/texts` where inputCol="text" and split=" " and vectorSize="4"
  and resultFeature="merge" as vectors;
register Word2VecInPlace.`out/example/texts` as sum_of;
select sum_of("spark fits") as numbers as answers;
"""

    def check_inputs(self, call: Call[Word2VecInPlaceOptions]) -> None:
        """Only texts have words."""
        check_texts(call.frame, call.options.input)

    def learn(self, lesson: Lesson[Word2VecInPlaceOptions]) -> TextVectors:
        """What Spark's Word2Vec learns, or what the files hold."""
        from mlsql.udf.predictors.plain.words import TextVectors

        options = lesson.options
        segmentation = read_segmentation(options, lesson.given, lesson.run)
        if options.vectors:
            words = _read_vectors(lesson)
        else:
            table = segmented(lesson.frame, options.input, segmentation)
            words = learnt_words(table, options.size, options.least, options.iterations, options.seed)
        return TextVectors(words, segmentation, options.length, cast("Result", options.result))


def learnt_words(table: DataFrame, size: int, least: int, iterations: int, seed: int) -> WordVectors:
    """The words of the arrays ``words`` with their vectors, in the order of the alphabet."""
    from pyspark.ml.feature import Word2Vec
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as sf

    from mlsql.udf.predictors.plain.words import WordVectors

    word2vec = Word2Vec(
        vectorSize=size, minCount=least, maxIter=iterations, seed=seed, inputCol="words", outputCol="o"
    )
    vectors = word2vec.fit(table).getVectors()  # in a session of Spark's own, without our functions
    arrays = vectors.select("word", vector_to_array(sf.col("vector")).alias("vector")).toArrow()
    ordered = arrays.sort_by("word")
    return WordVectors(tuple(ordered["word"].to_pylist()), _matrix(ordered["vector"].to_pylist(), size))


def _read_vectors(lesson: Lesson[Word2VecInPlaceOptions]) -> WordVectors:
    """The words of the files, each line a word and its numbers; a first line of two numbers is a header."""
    from mlsql.udf.predictors.plain.words import WordVectors

    lines = [line.split() for line in read_lines(lesson.options.vectors, VECTORS, lesson.given, lesson.run)]
    entries = {word: numbers for word, *numbers in lines if len(numbers) > 1}
    widths = {len(numbers) for numbers in entries.values()}
    if len(widths) != 1:
        raise OptionFault("the files hold no words with equally many numbers each", option=VECTORS)
    return WordVectors(tuple(entries), _matrix([*entries.values()], widths.pop()))


def _matrix(rows: list[list[Any]], width: int) -> Any:
    import numpy as np

    return np.array(rows, dtype=np.float64).reshape(-1, width)
