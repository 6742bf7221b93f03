"""What a tool has computed, as a table: of names and values, or saved below the path that it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.errors import DataError
from mlsql.session import Run
from mlsql.spark.errors import spark_errors
from mlsql.stages.rows import local_table
from mlsql.stages.sources.counts import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from mlsql.grammar.nodes import Word


def named_values(run: Run, values: Mapping[str, float | None], name: str = "name") -> DataFrame:
    """A row a value: what it is called, and how much it is."""
    return local_table(run.spark, list(values.items()), f"{name} string, value double")


def save_below(run: Run, path: Word, folder: str, frame: DataFrame) -> None:
    """Save *frame* as Parquet in *folder* below the path, when there is one; what is there goes."""
    place = run.policy.path(path.text, span=path.span, purpose="write", needed=False)
    if place:
        with run.guard(path.span):
            # One file, which is read in the order of its rows.
            frame.coalesce(1).write.mode("overwrite").parquet(f"{place.rstrip('/')}/{folder}")


def save_at(run: Run, path: Word, frame: DataFrame, mark: str) -> DataFrame:
    """*frame*, saved as Parquet at the path when there is one.

    A table with the column *mark*, as an earlier run left it, is replaced; nothing else that lies there is.
    """
    place = run.policy.path(path.text, span=path.span, purpose="write", needed=False)
    if not place:
        return frame
    with run.guard(path.span):
        if Folder(run.spark, place).exists() and mark not in _columns(run.spark, place):
            raise DataError(
                f"something other than a table with {mark} lies at '{place}'",
                hint="name an empty folder, or name the table with `as` instead of saving it",
            )
        frame.write.mode("overwrite").parquet(place)
        return run.spark.read.parquet(place)


def _columns(spark: SparkSession, place: str) -> list[str]:
    """Those of the Parquet files at *place*; none when there are no such files."""
    try:
        return spark.read.parquet(place).columns
    except spark_errors():
        return []


def read_below(run: Run, path: Word, folder: str) -> DataFrame:
    """What :func:`save_below` has saved."""
    place = run.policy.path(path.text, span=path.span)
    with run.guard(path.span):
        return run.spark.read.parquet(f"{place.rstrip('/')}/{folder}")
