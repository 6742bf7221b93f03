"""Frames under a name, as temporary views of their session.

Spark makes a query of its own of each view, plans and runs it and tells its listeners: as much work as
a small select. Its catalog takes the view at once. What does that has to be compiled first, which is
worth it from a few views on.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from mlsql.spark.compiled import compiled

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_BY_SPARK = 20
"""So many views cost about as much as the compiling."""


class Views:
    """Gives names to the frames of all sessions of one Spark; threads may share it."""

    def __init__(self, by_spark: int = _BY_SPARK) -> None:
        self._left = by_spark
        self._lock = Lock()
        self._namer: Any = None

    def name(self, frame: DataFrame, name: str) -> None:
        """Make *frame* the temporary view *name* of its session, in the place of one that is there."""
        if (namer := self._compiled_for(frame)) is None:
            quoted = "`" + name.replace("`", "``") + "`"
            frame.createOrReplaceTempView(quoted)
        else:
            namer.name(frame._jdf, name)

    def _compiled_for(self, frame: DataFrame) -> Any:
        """What names views at once; None as long as it is not worth it."""
        with self._lock:
            self._left -= 1
            if self._namer is None and self._left < 0:
                self._namer = compiled(frame.sparkSession, "ViewNamer")
            return self._namer
