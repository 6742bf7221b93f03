"""CSV whose files begin with lines that are none: they are left out before Spark parses what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import OptionFault
from mlsql.options import declared_options
from mlsql.session import Run
from mlsql.stages.sources.file_options import FileReadOptions
from mlsql.stages.sources.spark_options import spark_options
from mlsql.stages.sources.text_options import CsvReadOptions

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

_HEAD = "if(_metadata.file_block_start = 0, _metadata.file_path, null) as head"
"""The file, where this is its first block."""


def read_csv(run: Run, place: str, options: CsvReadOptions) -> DataFrame:
    """The table in the files at *place*, which the policy has judged."""
    reader = run.spark.read.options(**spark_options(options))
    if not options.skip:
        return reader.csv(place)
    if options.multi_line == "true":
        raise OptionFault(
            "lines cannot be skipped where records span lines",
            option="skipFirstNLines",
            hint='load text with wholetext="true", and cut it in a select',
        )
    return _parsed(run, _lines(run, place, options), options)


def _lines(run: Run, place: str, options: CsvReadOptions) -> DataFrame:
    """The lines that are left of each file."""
    names = {"encoding": options.encoding, "lineSep": options.line_separator}
    of_text = {key: value for key, value in names.items() if value is not None}
    given = spark_options(options)
    of_files = {key: given[key] for key in _keys_of_files() if key in given}
    text = run.spark.read.options(**of_text, **of_files).text(place)
    return text.selectExpr("value", _HEAD).mapInArrow(_without_first(options.skip), "value string")


def _keys_of_files() -> tuple[str, ...]:
    return tuple(each.key for each in declared_options(FileReadOptions))


def _parsed(run: Run, lines: DataFrame, options: CsvReadOptions) -> DataFrame:
    """The table in *lines*; PySpark would read them through a Python worker once more."""
    from pyspark.sql import DataFrame

    given = {key: value for key, value in spark_options(options).items() if key not in _keys_of_files()}
    text: Any = run.spark._jvm.org.apache.spark.sql.Encoders.STRING()  # type: ignore[union-attr]
    dataset = getattr(lines._jdf, "as")(text)
    return DataFrame(run.spark.read.options(**given)._jreader.csv(dataset), run.spark)


def _without_first(count: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: rows of one file come one after the other, so its first ones are counted."""

    def rest(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow.compute as pc

        left: dict[str, int] = {}
        for batch in batches:
            runs, begin = pc.run_end_encode(batch.column("head")), 0
            for end, file in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
                skipped = 0 if file is None else min(left.get(file, count), end - begin)
                if file is not None:
                    left[file] = left.get(file, count) - skipped
                yield batch.select(["value"]).slice(begin + skipped, end - begin - skipped)
                begin = end

    return rest
