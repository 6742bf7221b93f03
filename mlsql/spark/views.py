"""Frames under a name, as temporary views of their session.

Spark makes a query of its own of each view, plans and runs it and tells its listeners: as much work as
a small select. Its catalog takes the view at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsql.spark.compiled import USES_WORTH_IT, CompiledLater

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Views:
    """Gives names to the frames of all sessions of one Spark, the first few times as Spark does."""

    def __init__(self, by_spark: int = USES_WORTH_IT) -> None:
        self._namer = CompiledLater("ViewNamer", by_spark)

    def name(self, frame: DataFrame, name: str) -> None:
        """Make *frame* the temporary view *name* of its session, in the place of one that is there."""
        if (namer := self._namer.of(frame.sparkSession)) is None:
            quoted = "`" + name.replace("`", "``") + "`"
            frame.createOrReplaceTempView(quoted)
        else:
            namer.name(frame._jdf, name)
