"""Tables written in the script itself: ``set t='''{"a":1}'''; load jsonStr.`t` as table``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.errors import DataError
from mlsql.grammar.nodes import Word
from mlsql.session import Run
from mlsql.stages.sources.file_options import JsonRecordOptions, spark_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class JsonText:
    """The rows of a variable that holds JSON: one value a line, or one value over many lines."""

    read_options: ClassVar[type[JsonRecordOptions]] = JsonRecordOptions

    def read(self, run: Run, path: Word, options: JsonRecordOptions, /) -> DataFrame:
        """A row a record, an array being a record for each of its elements."""
        from pyspark.sql import DataFrame

        records = _records(run.scope.value(path.text, span=path.span))
        if not records:
            raise DataError(f"the variable '{path.text}' holds no JSON", span=path.span)
        # PySpark reads JSON from text through a Python worker only; Spark itself needs none.
        spark = run.spark
        text = spark._jvm.org.apache.spark.sql.Encoders.STRING()  # type: ignore[union-attr]
        dataset = spark._jsparkSession.createDataset(records, text)
        reader = spark.read.options(**spark_options(options))
        return DataFrame(reader._jreader.json(dataset), spark)


def _records(text: str) -> list[str]:
    """The JSON texts in *text*.

    >>> _records('{"a": 1}\\n\\n{"a": 2}')
    ['{"a": 1}', '{"a": 2}']
    >>> _records('{"a":\\n 1}')
    ['{"a":\\n 1}']
    """
    try:
        json.loads(text)
    except ValueError:
        return [line for line in text.splitlines() if line.strip()]
    return [text]
