"""Statements that a database runs as they stand: by a connection of our own, with Spark's drivers.

Spark loads drivers by its own class loader (``spark.jars``), so its classes open the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from mlsql.errors import DataError
from mlsql.spark.errors import spark_errors
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MOST_SECONDS = 3600
_MOST_ROWS = 100_000
_IN_DRIVER = -1
_DERBY = "org.apache.derby."
_CANCEL_SECONDS = 0.2
"""A statement that is asked to end between its start and its first row goes on: it is asked again."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database as Spark's *options* reach it; each call opens a connection and closes it."""

    spark: SparkSession
    options: Mapping[str, str]
    stop: Stop

    def execute(self, statement: str) -> int:
        """Run one statement; the number of rows that it changed."""
        with self._connection() as (connection, _), self._statement(connection) as call:
            call.execute(statement)
            changed: int = call.getUpdateCount()
            return max(0, changed)

    def query(self, statement: str) -> DataFrame:
        """The rows of one query, which are fetched at once."""
        with self._connection() as (connection, dialect), self._statement(connection) as call:
            call.setMaxRows(_MOST_ROWS + 1)
            rows = call.executeQuery(statement)
            utils = self._package.execution.datasources.jdbc.JdbcUtils
            schema = utils.getSchema(connection, rows, dialect, False, False)
            fetched = utils.resultSetToRows(rows, schema, dialect).toList()
            return self._frame(fetched, schema)

    def has_table(self, table: str) -> bool:
        """Whether *table* is there."""
        options = self._package.execution.datasources.jdbc.JdbcOptionsInWrite
        with self._connection() as (connection, _):
            utils = self._package.execution.datasources.jdbc.JdbcUtils
            return bool(
                utils.tableExists(connection, options(self._scala({**self.options, "dbtable": table})))
            )

    def has_rows(self, query: str) -> bool:
        """Whether *query* gives any."""
        with self._connection() as (connection, _), self._statement(connection) as call:
            call.setMaxRows(1)
            return bool(call.executeQuery(query).next())

    def quoted(self, name: str) -> str:
        """*name* as the database wants the name of a column."""
        return str(self._package.jdbc.JdbcDialects.get(self.options["url"]).quoteIdentifier(name))

    def _frame(self, rows: Any, schema: Any) -> DataFrame:
        from pyspark.sql import DataFrame

        if rows.size() > _MOST_ROWS:
            raise DataError(
                f"a directQuery gives more than {_MOST_ROWS:,} rows",
                hint="the option query reads them in Spark's tasks",
            )
        java_rows = self._jvm.scala.jdk.javaapi.CollectionConverters.asJava(rows)
        return DataFrame(self.spark._jsparkSession.createDataFrame(java_rows, schema), self.spark)

    @contextmanager
    def _connection(self) -> Iterator[tuple[Any, Any]]:
        """(connection, dialect), for a block."""
        jdbc = self._package.execution.datasources.jdbc
        options = jdbc.JDBCOptions(self._scala({"dbtable": "none", **self.options}))
        dialect = self._package.jdbc.JdbcDialects.get(self.options["url"])
        connection = dialect.createConnectionFactory(options).apply(_IN_DRIVER)
        try:
            yield connection, dialect
        finally:
            connection.close()

    @contextmanager
    def _statement(self, connection: Any) -> Iterator[Any]:
        """A statement that ends in time, and when the run is stopped."""
        call = connection.createStatement()
        try:
            call.setQueryTimeout(self._seconds())
            with self.stop.ending(partial(_cancel, call, connection), again=_CANCEL_SECONDS):
                yield call
        finally:
            call.close()

    def _seconds(self) -> int:
        remaining = self.stop.remaining
        limits = (int(self.options.get("queryTimeout", "0")), remaining and int(remaining) + 1, _MOST_SECONDS)
        return min(each for each in limits if each)

    def _scala(self, options: Mapping[str, str]) -> Any:
        return self._jvm.PythonUtils.toScalaMap(dict(options))

    @property
    def _package(self) -> Any:
        return self._jvm.org.apache.spark.sql

    @property
    def _jvm(self) -> Any:
        return self.spark._jvm


def _cancel(call: Any, connection: Any) -> None:
    """Ask the database to give up; one that cannot be asked ends by the time limit of the statement."""
    with suppress(*spark_errors()):
        if connection.getClass().getName().startswith(_DERBY):  # has no cancel, but keeps time limits so
            language = connection.getLanguageConnection()
            context = None if language is None else language.getStatementContext()  # None: it has ended
            if context is not None:
                context.cancel()
        else:
            call.cancel()
