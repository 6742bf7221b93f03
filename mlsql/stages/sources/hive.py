"""Tables of the catalog, which last when it is Hive's: ``load hive.`db.table` as t``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.errors import DataError, UnknownName
from mlsql.events import Log
from mlsql.grammar.nodes import Word
from mlsql.session import Run, quoted
from mlsql.spans import Span
from mlsql.stages.sources.base import NoOptions, Target, Written
from mlsql.stages.sources.counts import CountedRows
from mlsql.stages.sources.file_options import HiveWriteOptions
from mlsql.stages.sources.files import partition_columns
from mlsql.templates import Rendered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_IMPLEMENTATION = "spark.sql.catalogImplementation"


@dataclass(frozen=True, slots=True)
class Hive:
    """Tables by name, with their files where the catalog keeps them."""

    doc: ClassVar[str] = "Tables of Spark's catalog: `table` or `database.table`."
    read_options: ClassVar[type[NoOptions]] = NoOptions
    write_options: ClassVar[type[HiveWriteOptions]] = HiveWriteOptions

    def read(self, run: Run, path: Word, options: NoOptions, /) -> DataFrame:  # noqa: ARG002
        """The table, lazily."""
        run.policy.table(path.text, "load", span=path.span)
        return run.sql(Rendered(f"table {_name(run, path)}", path.span))

    def write(self, run: Run, frame: DataFrame, target: Target, options: HiveWriteOptions, /) -> Written:
        """Write *frame* as a table of the catalog; its rows are counted as they are written."""
        path, mode, name = target.path, target.mode, _name(run, target.path)
        run.policy.table(path.text, "save", span=path.span)
        known = _format(run, name, path.span)
        if known and mode == "ignore":
            return Written(path.text, 0, 0)
        if known and mode == "errorIfExists":
            raise DataError(
                f"the table '{path.text}' is there already",
                span=path.span,
                hint="`save append …` adds to it, `save overwrite …` replaces it",
            )
        self._warn(run)
        partitions = partition_columns(target, options, frame)
        before = _files(run, name) if known and mode == "append" else frozenset()
        file_format = known if known and mode == "append" else options.format
        rows = CountedRows(frame if options.files is None else frame.repartition(options.files))
        with run.guard(path.span):
            writer = rows.frame.write.mode(mode).format(file_format).partitionBy(partitions)
            writer.saveAsTable(name)
        return Written(path.text, rows.count(run.stop), len(_files(run, name) - before))

    def _warn(self, run: Run) -> None:
        if run.spark.conf.get(_IMPLEMENTATION, "in-memory") != "hive":
            run.emit(
                Log(f"the table lasts as long as this Spark: {_IMPLEMENTATION} is not 'hive'", "warning")
            )


def _name(run: Run, path: Word) -> str:
    """The name with its database: without one, a temporary view of the same name would be meant."""
    parts = path.text.split(".")
    return ".".join(map(quoted, parts if len(parts) > 1 else (run.spark.catalog.currentDatabase(), *parts)))


def _format(run: Run, name: str, span: Span) -> str | None:
    """The format of a table that is there, which an append cannot change; None when there is none."""
    try:
        rows = run.sql(Rendered(f"describe extended {name}", span)).collect()
    except UnknownName:
        return None
    return next((str(row.data_type) for row in rows if row.col_name == "Provider"), "hive")


def _files(run: Run, name: str) -> frozenset[str]:
    return frozenset(run.spark.table(name).inputFiles())
