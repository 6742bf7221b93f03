"""What a tool has computed, as a table: of names and values, or saved below the path that it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.session import Run
from mlsql.stages.rows import local_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

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


def read_below(run: Run, path: Word, folder: str) -> DataFrame:
    """What :func:`save_below` has saved."""
    place = run.policy.path(path.text, span=path.span)
    with run.guard(path.span):
        return run.spark.read.parquet(f"{place.rstrip('/')}/{folder}")
