"""The scorers as the routes see them: registered functions, answered without Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mlsql.registrations import Registration, UnknownFunction
from mlsql.udf.serving.functions import Companion
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.translation import NotCarriedOver


class Scorers(Protocol):
    """What answers; :class:`mlsql.udf.serving.pool.ScorerPool` does."""

    async def predict(
        self,
        caller: str,
        function: str,
        rows: Sequence[Sequence[object]] | bytes,
        *,
        companion: Companion = "",
    ) -> list[object] | bytes:
        """The answer for each row; rows by position, or an Arrow stream, which gives one."""
        ...

    async def query(self, caller: str, sql: str, rows: Columns | bytes) -> Columns | bytes:
        """What *sql* gives over *rows*, an Arrow stream over one; NotCarriedOver when it is for Spark."""
        ...

    def find(self, caller: str, function: str) -> Registration:
        """The function that *caller* means by ``f``, ``f@3`` or ``ann.f``; UnknownFunction if none."""
        ...

    def describe(self, caller: str) -> Sequence[Registration]:
        """The functions that *caller* may call, his own first."""
        ...


@dataclass(frozen=True, slots=True)
class NoScorers:
    """No scorer at all: Spark answers alone."""

    async def predict(
        self,
        caller: str,  # noqa: ARG002 -- the protocol's, as below
        function: str,
        rows: Sequence[Sequence[object]] | bytes,  # noqa: ARG002
        *,
        companion: Companion = "",  # noqa: ARG002
    ) -> list[object] | bytes:
        """Nothing can be."""
        raise UnknownFunction(function)

    async def query(
        self,
        caller: str,  # noqa: ARG002
        sql: str,  # noqa: ARG002
        rows: Columns | bytes,  # noqa: ARG002
    ) -> Columns | bytes:
        """Nothing can be."""
        raise NotCarriedOver("there are no scorers")

    def find(self, caller: str, function: str) -> Registration:  # noqa: ARG002
        """Nothing is known."""
        raise UnknownFunction(function)

    def describe(self, caller: str) -> Sequence[Registration]:  # noqa: ARG002
        """None."""
        return ()
