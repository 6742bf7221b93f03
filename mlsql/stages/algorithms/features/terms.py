"""TfIdfInPlace, TfIdf, HashTfIdf: texts and words as sparse vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mlsql.bridge.errors import DataFault
from mlsql.options import NAMES, Kind, integer, number, option
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import INPUT, FeatureStep, InputOptions, Lesson
from mlsql.stages.algorithms.features.numeric import type_of
from mlsql.stages.algorithms.features.segmenting import SegmentingOptions, read_lines, read_segmentation
from mlsql.stages.algorithms.features.texts import check_texts

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.terms import Terms, TfIdf
    from mlsql.udf.segmentation import Segmentation

PRIORITY = "priorityDicPath"


def _read_sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.split(","))
    if not all(size > 1 for size in sizes):
        raise ValueError(text)
    return sizes


SIZES = Kind("whole numbers above 1, as in '2,3'", _read_sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermOptions(InputOptions):
    """Which words there are."""

    size: int = option("numFeatures", integer(1), "How many numbers the vectors have.", default=1 << 18)
    least: int = option("minDocFreq", integer(0), "Words that fewer rows have weigh nothing.", default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TfIdfInPlaceOptions(SegmentingOptions):
    """How texts become words, and which of them count more."""

    priority_words: tuple[str, ...] = option(
        PRIORITY, NAMES, "Files of words that weigh more; the segmenter knows them.", default=()
    )
    priority: float = option("priority", number(0), "So many times more these words weigh.", default=1.0)
    n_grams: tuple[int, ...] = option(
        "nGrams", SIZES, "So many words one after the other are a term too.", default=(), aliases=("nGram",)
    )


OptionsT = TypeVar("OptionsT", bound=InputOptions)


class InOneColumn(FeatureStep[OptionsT]):
    """A step over one column that gives one."""

    def inputs(self, options: OptionsT) -> Mapping[str, str]:
        """The column."""
        return {options.input: INPUT}

    def outputs(self, options: OptionsT, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """Its result."""
        return {options.output or options.input: f"{{f}}({quoted(options.input)})"}


class TfIdfInPlace(InOneColumn[TfIdfInPlaceOptions]):
    """Texts by a vocabulary of all their terms."""

    name: ClassVar[str] = "TfIdfInPlace"
    options: ClassVar[type[TfIdfInPlaceOptions]] = TfIdfInPlaceOptions
    doc: ClassVar[str] = "Texts as sparse vectors: for each word how often it comes, times how rare it is."
    example: ClassVar[str] = """\
set texts='''
{"text": "spark runs queries"}
{"text": "spark fits models"}
{"text": "models answer queries, models answer fast"}
''';
load jsonStr.`texts` as texts;
train texts as TfIdfInPlace.`out/example/terms` where inputCol="text" and split="[ ,]+" and nGrams="2"
  as vectors;
register TfIdfInPlace.`out/example/terms` as terms_of;
select vec_argmax(terms_of("models answer")) as place as places;
"""

    def check_inputs(self, call: Call[TfIdfInPlaceOptions]) -> None:
        """Only texts have words."""
        check_texts(call.frame, call.options.input)

    def learn(self, lesson: Lesson[TfIdfInPlaceOptions]) -> TfIdf:
        """The vocabulary, the most frequent term first, and how rare each is."""
        from mlsql.udf.predictors.plain.terms import Terms, TfIdf, inverse_frequencies

        options = lesson.options
        favoured = read_lines(options.priority_words, PRIORITY, lesson.given, lesson.run)
        segmentation = read_segmentation(options, lesson.given, lesson.run, words=tuple(favoured))
        counts = document_counts(lesson, Terms(0, n_grams=options.n_grams), segmentation)
        ordered = counts.sort_by([("count", "descending"), ("term", "ascending")])
        terms = ordered["term"].to_pylist()
        if not terms:
            raise DataFault(f"the texts in '{options.input}' hold no word", option=INPUT)
        weights = inverse_frequencies(lesson.rows, ordered["count"].to_numpy())
        return TfIdf(
            Terms(len(terms), tuple(terms), n_grams=options.n_grams),
            weights * _favour(terms, favoured, options.priority),
            segmentation,
        )


class HashTfIdf(InOneColumn[TermOptions]):
    """Words by a hash, without a vocabulary."""

    name: ClassVar[str] = "HashTfIdf"
    options: ClassVar[type[TermOptions]] = TermOptions
    doc: ClassVar[str] = "Arrays of words as sparse vectors, each word at a place that its hash says."
    example: ClassVar[str] = """\
select split("spark runs queries", " ") as words union all select split("spark fits models", " ") as docs;
train docs as HashTfIdf.`out/example/hashed` where inputCol="words" and numFeatures="1000" as vectors;
register HashTfIdf.`out/example/hashed` as hashed;
select hashed(array("spark", "models")) as vector as vectors;
"""

    def check_inputs(self, call: Call[TermOptions]) -> None:
        """Only arrays hold words."""
        if not type_of(call.frame, call.options.input).startswith("array<"):
            kind = type_of(call.frame, call.options.input)
            raise DataFault(
                f"'{call.options.input}' holds {kind}, and no arrays of words",
                option=INPUT,
                hint="TfIdfInPlace takes texts; split(text, ' ') makes an array of one",
            )

    def learn(self, lesson: Lesson[TermOptions]) -> TfIdf:
        """How rare the words at each place are."""
        from mlsql.udf.predictors.plain.terms import TfIdf

        terms = self._terms(lesson)
        counts = document_counts(lesson, terms, None, as_places=True)
        return TfIdf(
            terms, _weights(lesson, counts["term"].to_numpy(), counts["count"].to_numpy(), terms.size)
        )

    def _terms(self, lesson: Lesson[TermOptions]) -> Terms:
        from mlsql.udf.predictors.plain.terms import Terms

        return Terms(lesson.options.size)


class VocabularyTfIdf(HashTfIdf):
    """Words by a vocabulary of the most frequent, or numbers that are their places."""

    name: ClassVar[str] = "TfIdf"
    doc: ClassVar[str] = (
        "Arrays of words as sparse vectors, a place for each of the most frequent words;"
        " numbers, as StringIndex gives them, are their own places."
    )
    example: ClassVar[str] = """\
select split("spark runs queries", " ") as words union all select split("spark fits models", " ") as docs;
train docs as TfIdf.`out/example/counted` where inputCol="words" and numFeatures="4" as vectors;
register TfIdf.`out/example/counted` as counted;
select counted(array("spark", "models")) as vector as vectors;
"""

    def learn(self, lesson: Lesson[TermOptions]) -> TfIdf:
        """The vocabulary, the most frequent first, and how rare each word is."""
        from mlsql.udf.predictors.plain.terms import Terms, TfIdf

        if type_of(lesson.frame, lesson.options.input) != "array<string>":
            return super().learn(lesson)
        counts = document_counts(lesson, Terms(0), None)
        ordered = counts.sort_by([("count", "descending"), ("term", "ascending")])[: lesson.options.size]
        terms = ordered["term"].to_pylist()
        if not terms:
            raise DataFault(f"the arrays in '{lesson.options.input}' hold no word", option=INPUT)
        weights = _weights(lesson, range(len(terms)), ordered["count"].to_numpy(), len(terms))
        return TfIdf(Terms(len(terms), tuple(terms)), weights)

    def _terms(self, lesson: Lesson[TermOptions]) -> Terms:
        from mlsql.udf.predictors.plain.terms import Terms

        return Terms(lesson.options.size, numbered=True)


def document_counts(
    lesson: Lesson[Any], terms: Terms, segmentation: Segmentation | None, *, as_places: bool = False
) -> pa.Table:
    """In how many rows each term is (``term``, ``count``): counted by partition, then added up."""
    import pandas as pd

    kind = "bigint" if as_places else "string"

    def counted(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        counts: Counter[Any] = Counter()
        for frame in frames:
            given = frame["words"].tolist()
            found = map(terms.of, given if segmentation is None else segmentation(given))
            rows = (map(terms.place, each) for each in found) if as_places else found
            counts.update(chain.from_iterable(map(set, rows)))
        table = pd.DataFrame({"term": list(counts), "count": list(counts.values())})
        yield table.astype({"count": "int64"})

    column = quoted(lesson.options.input)
    given = f"cast({column} as string)" if segmentation is not None else column
    partial = lesson.frame.selectExpr(f"{given} as words").mapInPandas(counted, f"term {kind}, count bigint")
    return partial.groupBy("term").sum("count").toDF("term", "count").toArrow()


def _weights(lesson: Lesson[TermOptions], places: Any, counts: Any, size: int) -> Any:
    """How rare the words at each of *size* places are; what fewer rows have than wanted weighs nothing."""
    import numpy as np

    from mlsql.udf.predictors.plain.terms import inverse_frequencies

    found = np.zeros(size)
    found[places] = counts
    return np.where(found >= lesson.options.least, inverse_frequencies(lesson.rows, found), 0.0)


def _favour(terms: Iterable[str], favoured: Iterable[str], times: float) -> Any:
    """The factor of each term."""
    import numpy as np

    words = {line.split()[0] for line in favoured}
    return np.array([times if term in words else 1.0 for term in terms])
