"""TokenExtract, TokenAnalysis, FeatureExtractInPlace: what stands in a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column
from mlsql.options import BOOLEAN, NAMES, TEXT, option
from mlsql.session import Run, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import INPUT, FeatureStep, InputOptions, Lesson
from mlsql.stages.algorithms.features.segmenting import (
    DICTIONARIES,
    SegmentingOptions,
    read_lines,
    read_segmentation,
)
from mlsql.stages.algorithms.features.texts import check_texts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.words import TextCounts, Tokens

ID, KEYWORDS = "idCol", "keywords"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions(SegmentingOptions):
    """Which words are told."""

    id: str = option(ID, TEXT, "Column that says which text the words are of.")
    natures: tuple[str, ...] = option(
        "filterNatures", NAMES, "Words of these natures alone, as 'n,v'; else of all.", default=()
    )
    distinct: bool = option(
        "deduplicateResult", BOOLEAN, "Whether a word is told once a text.", default=False
    )


class TokenAnalysis(FeatureStep[TokenOptions]):
    """The words of each text."""

    name: ClassVar[str] = "TokenAnalysis"
    options: ClassVar[type[TokenOptions]] = TokenOptions
    doc: ClassVar[str] = (
        "The words of each text, by a segmenter or between separators, perhaps with their natures."
    )
    example: ClassVar[str] = """\
select 1 as id, "spark runs queries" as text as texts;
train texts as TokenAnalysis.`out/example/tokens` where idCol="id" and inputCol="text" and split=" " as made;
register TokenAnalysis.`out/example/tokens` as words_of;
select words_of("models answer") as words as answers;
"""

    def inputs(self, options: TokenOptions) -> Mapping[str, str]:
        """The texts, and what tells them apart."""
        return {options.input: INPUT, options.id: ID}

    def check_inputs(self, call: Call[TokenOptions]) -> None:
        """Only texts have words."""
        check_texts(call.frame, call.options.input)

    def takes(self, options: TokenOptions, frame: DataFrame) -> Columns:  # noqa: ARG002
        """A text."""
        return Columns("columns", (Column(options.input, "string"),))

    def learn(self, lesson: Lesson[TokenOptions]) -> Tokens:
        """Nothing of the texts: the words of the files."""
        from mlsql.udf.predictors.plain.words import Tokens

        options = lesson.options
        segmentation = read_segmentation(options, lesson.given, lesson.run, natures=options.natures)
        return Tokens(segmentation, None, options.distinct)

    def outputs(self, options: TokenOptions, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """The id and the words."""
        return {options.id: quoted(options.id), options.output or KEYWORDS: f"{{f}}({quoted(options.input)})"}

    def arranged(self, frame: DataFrame, outputs: Mapping[str, str], options: TokenOptions) -> DataFrame:  # noqa: ARG002
        """These two columns alone."""
        return frame.selectExpr(*(f"{sql} as {quoted(name)}" for name, sql in outputs.items()))


class TokenExtract(TokenAnalysis):
    """The words of a dictionary in each text."""

    name: ClassVar[str] = "TokenExtract"
    doc: ClassVar[str] = (
        "Finds the words of dictionaries in each text, the longest where several stand in one place."
    )
    example: ClassVar[str] = """\
select "answer queries\\nqueries" as words as words;
!saveFile _ -i words -o out/example/words.txt;
select 1 as id, "models answer queries" as text as texts;
train texts as TokenExtract.`out/example/found` where idCol="id" and inputCol="text"
  and dic.paths="out/example/words.txt" as found;
register TokenExtract.`out/example/found` as found_in;
select found_in("what queries answer queries") as words as answers;
"""

    def check(self, given: Any, /) -> None:
        """Without a dictionary there is nothing to find."""
        if not {DICTIONARIES, "dic.paths"}.intersection(given):
            raise OptionFault(
                "TokenExtract finds words of dictionaries", option=DICTIONARIES, hint='dic.paths="words.txt"'
            )

    def train(self, call: Call[TokenOptions], run: Run, /) -> DataFrame:
        """Store the dictionary, and find its words."""
        self.check(call.given)
        return super().train(call, run)

    def learn(self, lesson: Lesson[TokenOptions]) -> Tokens:
        """The words of the files; with ``filterNatures`` those of these natures."""
        from mlsql.udf.chinese import word_of
        from mlsql.udf.predictors.plain.words import Tokens
        from mlsql.udf.segmentation import Segmentation

        options = lesson.options
        entries = map(word_of, read_lines(options.dictionaries, DICTIONARIES, lesson.given, lesson.run))
        words = [
            word
            for word, _, nature in entries
            if not options.natures or (nature or "").startswith(options.natures)
        ]
        return Tokens(Segmentation(), tuple(dict.fromkeys(words)), options.distinct)


class FeatureExtractInPlace(FeatureStep[InputOptions]):
    """Counts of what a text holds beside words."""

    name: ClassVar[str] = "FeatureExtractInPlace"
    options: ClassVar[type[InputOptions]] = InputOptions
    doc: ClassVar[str] = (
        "Counts in texts phone numbers, mail addresses, URLs, pictures, digits, Chinese and English letters."
    )
    example: ClassVar[str] = """\
select "write to ann@example.com or call 13812345678" as text as texts;
train texts as FeatureExtractInPlace.`out/example/counts` where inputCol="text" as counts;
register FeatureExtractInPlace.`out/example/counts` as counts_of;
select counts_of_email("ann@example.com") as addresses as answers;
"""

    def inputs(self, options: InputOptions) -> Mapping[str, str]:
        """The texts."""
        return {options.input: INPUT}

    def check_inputs(self, call: Call[InputOptions]) -> None:
        """Only texts can be counted."""
        check_texts(call.frame, call.options.input)

    def learn(self, lesson: Lesson[InputOptions]) -> TextCounts:  # noqa: ARG002
        """Nothing: what is counted does not depend on the table."""
        from mlsql.udf.predictors.plain.words import TextCounts

        return TextCounts()

    def outputs(self, options: InputOptions, frame: DataFrame) -> Mapping[str, str]:  # noqa: ARG002
        """A column a count, or one with the array of all."""
        column = quoted(options.input)
        return {options.output: f"{{f}}({column})"} if options.output else dict(_counts(column))


def _counts(column: str) -> Iterator[tuple[str, str]]:
    from mlsql.udf.predictors.plain.words import COUNTED

    return ((name, f"{{f}}_{name}({column})") for name in COUNTED)
