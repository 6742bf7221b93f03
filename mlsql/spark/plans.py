"""The plan that Spark's own parser makes of a query, as plain data: what the judge of SQL is given."""

from __future__ import annotations

import json
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any

from mlsql.spark.compiled import compiled
from mlsql.sql.judge import Mention

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class PlanReader:
    """Reads plans with the parser of any session of one Spark; its Java is compiled at the first use."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._reader: Any = None

    def read(self, spark: SparkSession, query: str) -> Any:
        """The plan of *query*, of which nothing is looked up or run; fails as Spark's parser does.

        A node is a dictionary with its class as ``node`` (without ``org.apache.spark.sql.``), its
        fields, and as ``at`` the first and last character of the query that it comes from.
        """
        return json.loads(self._java(spark).read(spark._jsparkSession.sessionState(), query))

    def columns(self, spark: SparkSession, query: str, mention: Mention) -> tuple[str, ...] | None:
        """The columns that *query* uses of a table that it names; None where that cannot be told.

        Spark analyses the query for it, and runs nothing.
        """
        used = json.loads(self._java(spark).columns(spark._jsparkSession.sessionState(), query))
        wanted = mention.name.casefold().split(".")[-2:]
        found = [each for table, each in used if [*map(str.casefold, table)][-len(wanted) :] == wanted]
        return tuple(dict.fromkeys(chain.from_iterable(found))) if found else None

    def _java(self, spark: SparkSession) -> Any:
        with self._lock:
            self._reader = self._reader or compiled(spark, "PlanReader")
        return self._reader
