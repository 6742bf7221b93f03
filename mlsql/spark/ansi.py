"""SQL as Spark had it before ANSI, where what cannot be converted or divided is null."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ANSI = "spark.sql.ansi.enabled"


@dataclass(slots=True)
class LenientSql:
    """Makes the queries of a session lenient, as long as a run wants that."""

    runs: int = 0
    before: str | None = None
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def during(self, spark: SparkSession) -> Iterator[None]:
        """A block whose queries are lenient; those planned in it stay so.

        Runs of one session share its setting: the first that wants it changes it, the last changes it back.
        """
        with self.lock:
            if not self.runs:
                self.before = spark.conf.get(_ANSI)
                spark.conf.set(_ANSI, "false")
            self.runs += 1
        try:
            yield
        finally:
            with self.lock:
                self.runs -= 1
                if not self.runs and self.before is not None:
                    spark.conf.set(_ANSI, self.before)
