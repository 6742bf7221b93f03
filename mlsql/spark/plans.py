"""The plan that Spark's own parser makes of a query, as plain data: what the judge of SQL is given."""

from __future__ import annotations

import json
import uuid
from importlib.resources import files
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any

from mlsql.sql.judge import Mention

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NAME = "PlanReader"


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
            self._reader = self._reader or _compiled(spark)
        return self._reader


def _compiled(spark: SparkSession) -> Any:
    """A reader in Java, by the compiler that Spark brings along.

    Py4J remembers methods by the name of their class, so no two readers may have the same.
    """
    jvm: Any = spark._jvm
    name = f"{_NAME}{uuid.uuid4().hex}"
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.Thread.currentThread().getContextClassLoader())
    compiler.cook(files("mlsql.spark").joinpath(f"{_NAME}.java").read_text("utf-8").replace(_NAME, name))
    return compiler.getClassLoader().loadClass(name).getConstructors()[0].newInstance(None)
