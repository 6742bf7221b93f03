"""Scorers whose questions are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlsql.registrations import Registration
from mlsql.rest.metrics import Metrics
from mlsql.rest.scorers import Scorers
from mlsql.udf.serving.functions import Companion
from mlsql.udf.serving.lane_columns import Columns


@dataclass(frozen=True, slots=True)
class CountedScorers:
    """*scorers*, whose answers and failures *metrics* counts."""

    scorers: Scorers
    metrics: Metrics

    async def predict(
        self,
        caller: str,
        function: str,
        rows: Sequence[Sequence[object]] | bytes,
        *,
        companion: Companion = "",
    ) -> list[object] | bytes:
        """The answer for each row."""
        with self.metrics.asking_scorer():
            return await self.scorers.predict(caller, function, rows, companion=companion)

    async def query(self, caller: str, sql: str, rows: Columns | bytes) -> Columns | bytes:
        """What *sql* gives over *rows*."""
        with self.metrics.asking_scorer():
            return await self.scorers.query(caller, sql, rows)

    def find(self, caller: str, function: str) -> Registration:
        """The function that *caller* means."""
        return self.scorers.find(caller, function)

    def describe(self, caller: str) -> Sequence[Registration]:
        """The functions that *caller* may call."""
        return self.scorers.describe(caller)
