"""What connect, load and save may say about a database; the keys are Spark's.

These classes have no slots, since a class cannot have two bases with slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsql.options import BOOLEAN, NAMES, TEXT, OptionText, integer, one_of, option, option_family
from mlsql.stages.sources.spark_options import spark_option


@dataclass(frozen=True, kw_only=True, repr=False)
class DatabaseOptions:
    """How a database is reached."""

    url: str | None = spark_option("url", TEXT, "Address, as in `jdbc:postgresql://host/database`.")
    driver: str | None = spark_option("driver", TEXT, "Class of the JDBC driver; else found by the url.")
    user: str | None = spark_option("user", TEXT, "Who logs in.")
    password: str | None = spark_option("password", TEXT, "What proves it; never shown.", secret=True)
    timeout: str | None = spark_option("queryTimeout", integer(0), "Seconds a query may take (0: no limit).")
    first: str | None = spark_option(
        "sessionInitStatement", TEXT, "Statement that each connection runs before it reads."
    )
    connections: str | None = spark_option("numPartitions", integer(1), "Most connections at once.")
    provider: str | None = spark_option("connectionProvider", TEXT, "Spark's connection provider to use.")
    properties: Mapping[str, OptionText] = option_family(
        "properties.", "What the driver itself takes, by its own names: `properties.ssl`."
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class FetchOptions:
    """How rows come out."""

    fetch: str | None = spark_option(
        "fetchsize",
        integer(),
        "Rows that come in one round trip; MySQL, MariaDB and PostgreSQL otherwise stream.",
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class InsertOptions:
    """How rows go in."""

    batch: str | None = spark_option("batchsize", integer(1), "Rows that go in one round trip (1000).")
    isolation: str | None = spark_option(
        "isolationLevel",
        one_of("NONE", "READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE"),
        "Isolation of the transactions that write (READ_UNCOMMITTED).",
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class JdbcConnectOptions(DatabaseOptions, FetchOptions, InsertOptions):
    """What a ``connect jdbc`` may say."""

    url: str = spark_option("url", TEXT, "Address, as in `jdbc:postgresql://host/database`.", required=True)


@dataclass(frozen=True, kw_only=True, repr=False)
class JdbcReadOptions(DatabaseOptions, FetchOptions):
    """What a ``load jdbc`` may say."""

    table: str | None = spark_option("dbtable", TEXT, "Table, or a query in parentheses with a name.")
    query: str | None = spark_option("query", TEXT, "Query that Spark reads as if it were a table.")
    direct: str | None = option(
        "directQuery",
        TEXT,
        "Query that the database runs as it stands, at once; its rows go through the driver.",
        default=None,
    )
    prepare: str | None = spark_option("prepareQuery", TEXT, "What stands before the query, as `with …`.")
    column: str | None = spark_option(
        "partitionColumn", TEXT, "Number, date or timestamp by which several tasks share the rows."
    )
    lower: str | None = spark_option("lowerBound", TEXT, "Where the first share of partitionColumn ends.")
    upper: str | None = spark_option("upperBound", TEXT, "Where the last share of partitionColumn begins.")
    predicates: str | None = option(
        "prePtnArray", TEXT, "Conditions, one a task, that share the rows of a table instead.", default=None
    )
    delimiter: str = option("prePtnDelimiter", TEXT, "What stands between them.", default=",")
    schema: str | None = spark_option(
        "customSchema", TEXT, "Types of columns: `id decimal(38, 0), name string`."
    )
    hint: str | None = spark_option("hint", TEXT, "Hint for the database's optimiser.")
    no_zone: str | None = spark_option("preferTimestampNTZ", BOOLEAN, "Timestamps without a zone (false).")
    push_filters: str | None = spark_option("pushDownPredicate", BOOLEAN, "The database filters (true).")
    push_groups: str | None = spark_option("pushDownAggregate", BOOLEAN, "The database aggregates (true).")
    push_limit: str | None = spark_option("pushDownLimit", BOOLEAN, "The database limits and sorts (true).")
    push_offset: str | None = spark_option("pushDownOffset", BOOLEAN, "The database skips rows (true).")
    push_sample: str | None = spark_option("pushDownTableSample", BOOLEAN, "The database samples (true).")


@dataclass(frozen=True, kw_only=True, repr=False)
class JdbcWriteOptions(DatabaseOptions, InsertOptions):
    """What a ``save … as jdbc`` may say."""

    table: str | None = spark_option("dbtable", TEXT, "Table, when the path does not name it.")
    keys: tuple[str, ...] = option(
        "idCol",
        NAMES,
        "Columns of the key: an append replaces the rows that have the same, and adds the others.",
        default=(),
    )
    truncate: str | None = spark_option(
        "truncate", BOOLEAN, "An overwrite empties the table and keeps its definition (false)."
    )
    cascade: str | None = spark_option("cascadeTruncate", BOOLEAN, "It empties what refers to it too.")
    types: str | None = spark_option(
        "createTableColumnTypes", TEXT, "Types of columns of a new table: `name varchar(64)`."
    )
    suffix: str | None = spark_option("createTableOptions", TEXT, "What ends the definition of a new table.")
    comment: str | None = spark_option("tableComment", TEXT, "Comment on a new table.")
