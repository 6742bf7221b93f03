"""A save that would empty the folder that its own rows come from: Spark reads them only after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.errors import ScriptError
from mlsql.grammar.nodes import Word
from mlsql.spark.inputs import input_folders

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def expect_apart(frame: DataFrame, folder: str, path: Word) -> None:
    """Raise when *frame* is read from *folder*, from below it, or from a folder that holds it."""
    for source in input_folders(frame):
        if _lies_in(source, folder) or _lies_in(folder, source):
            raise ScriptError(
                "the rows are read from the folder that this save would empty",
                span=path.span,
                hint="save them to another folder",
            )


def _lies_in(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer}/")
