"""Tables written in the script itself: ``set t='''{"a":1}'''; load jsonStr.`t` as table``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsql.errors import DataError
from mlsql.grammar.nodes import Word
from mlsql.session import Run
from mlsql.stages.rows import local_table
from mlsql.stages.sources.base import NoOptions
from mlsql.stages.sources.spark_options import spark_options
from mlsql.stages.sources.text_options import CsvRecordOptions, JsonRecordOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class InlineText:
    """The rows of a variable that holds text in a *format* of Spark, which *cut* makes records of."""

    format: str
    doc: str
    read_options: type[Any]
    cut: Callable[[str], list[str]]

    def read(self, run: Run, path: Word, options: Any, /) -> DataFrame:
        """A row a record."""
        from pyspark.sql import DataFrame

        records = self.cut(run.scope.value(path.text, span=path.span))
        if not records:
            raise DataError(f"the variable '{path.text}' holds no {self.format.upper()}", span=path.span)
        # PySpark reads records from text through a Python worker only; Spark itself needs none.
        spark = run.spark
        text = spark._jvm.org.apache.spark.sql.Encoders.STRING()  # type: ignore[union-attr]
        dataset = spark._jsparkSession.createDataset(records, text)
        reader = spark.read.options(**spark_options(options))._jreader
        return DataFrame(getattr(reader, self.format)(dataset), spark)


@dataclass(frozen=True, slots=True)
class ScriptText:
    """The text of a variable, whole, as a table of one row."""

    doc: ClassVar[str] = "The text of a variable in one row: the column content."
    read_options: ClassVar[type[NoOptions]] = NoOptions

    def read(self, run: Run, path: Word, options: NoOptions, /) -> DataFrame:  # noqa: ARG002
        """One row with the column ``content``."""
        return local_table(run.spark, [(run.scope.value(path.text, span=path.span),)], "content string")


def _json_records(text: str) -> list[str]:
    """The JSON texts in *text*: one value over many lines, or one value a line.

    >>> _json_records('{"a": 1}\\n\\n{"a": 2}')
    ['{"a": 1}', '{"a": 2}']
    >>> _json_records('{"a":\\n 1}')
    ['{"a":\\n 1}']
    """
    try:
        json.loads(text)
    except ValueError:
        return _lines(text)
    return [text]


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.split("\n") if line.strip()]


JSON_TEXT = InlineText("json", "The JSON in the text of a variable.", JsonRecordOptions, _json_records)
CSV_TEXT = InlineText("csv", "The lines of CSV in the text of a variable.", CsvRecordOptions, _lines)
