"""StringIndex: texts to numbers and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from mlsql.bridge.request import Columns
from mlsql.models.manifest import Column
from mlsql.options import one_of, option
from mlsql.session import quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.features.declaration import INPUT, FeatureStep, InputOptions, Lesson
from mlsql.stages.algorithms.features.numeric import type_of
from mlsql.stages.algorithms.features.texts import check_texts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mlsql.udf.predictors.plain.indexing import Labels, Unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class StringIndexOptions(InputOptions):
    """What is numbered, and what becomes of texts that are new."""

    invalid: str | None = option(
        "handleInvalid",
        one_of("error", "skip", "keep"),
        "What becomes of a text that was not there in training: error; skip leaves the row out of tables;"
        " keep numbers it behind the others; by default it is -1.",
        default=None,
    )


class StringIndex(FeatureStep[StringIndexOptions]):
    """Texts by how often they come, the most frequent is 0; of equals the first of the alphabet."""

    name: ClassVar[str] = "StringIndex"
    options: ClassVar[type[StringIndexOptions]] = StringIndexOptions
    doc: ClassVar[str] = (
        "Numbers the texts of a column, the most frequent 0; functions give the numbers and texts."
    )
    example: ClassVar[str] = """\
select if(id % 3 = 0, "b", "a") as label, id as n from range(9) as rows;
train rows as StringIndex.`out/example/labels` where inputCol="label" as indexed;
register StringIndex.`out/example/labels` as number_of;
select number_of("b") as one, number_of("new") as unseen, number_of_r(0) as text,
  number_of_array(array("a", "b")) as both as numbers;
"""

    def inputs(self, options: StringIndexOptions) -> Mapping[str, str]:
        """The column of texts."""
        return {options.input: INPUT}

    def takes(self, options: StringIndexOptions, frame: DataFrame) -> Columns:  # noqa: ARG002
        """A text."""
        return Columns("columns", (Column(options.input, "string"),))

    def check_inputs(self, call: Call[StringIndexOptions]) -> None:
        """Only texts, or arrays of them, are numbered."""
        check_texts(call.frame, call.options.input, arrays=True)

    def learn(self, lesson: Lesson[StringIndexOptions]) -> Labels:
        """The texts in the order of their numbers."""
        from mlsql.udf.predictors.plain.indexing import Labels

        column = quoted(lesson.options.input)
        text = f"explode({column})" if _is_array(lesson.frame, lesson.options.input) else column
        texts = lesson.frame.selectExpr(f"cast({text} as string) as text").groupBy("text").count()
        ordered = texts.orderBy("count", "text", ascending=[False, True])
        labels = ordered.toArrow()["text"].to_pylist()
        chosen = lesson.options.invalid
        return Labels(tuple(labels), cast("Unseen", chosen if chosen in ("error", "keep") else "unseen"))

    def outputs(self, options: StringIndexOptions, frame: DataFrame) -> Mapping[str, str]:
        """The numbers instead of the texts."""
        suffix = "_array" if _is_array(frame, options.input) else ""
        return {options.output or options.input: f"{{f}}{suffix}({quoted(options.input)})"}

    def arranged(
        self, frame: DataFrame, outputs: Mapping[str, str], options: StringIndexOptions
    ) -> DataFrame:
        """The table, where it is asked for without the rows of new texts."""
        table = super().arranged(frame, outputs, options)
        if options.invalid != "skip":
            return table
        (name,) = outputs
        is_known = (
            f"not array_contains({quoted(name)}, -1)"
            if _is_array(frame, options.input)
            else f"{quoted(name)} <> -1"
        )
        return table.where(f"{quoted(name)} is null or {is_known}")


def _is_array(frame: DataFrame, column: str) -> bool:
    return type_of(frame, column).startswith("array")
