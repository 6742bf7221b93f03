"""Tables of databases: ``connect jdbc … as crm; load jdbc.`crm.users` as users``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from mlsql.errors import DataError, ScriptError, UnknownName
from mlsql.grammar.nodes import Word
from mlsql.options import read_options
from mlsql.session import Run
from mlsql.spans import Span
from mlsql.stages.sources.base import Target, Written
from mlsql.stages.sources.counts import CountedRows
from mlsql.stages.sources.jdbc_calls import Database
from mlsql.stages.sources.jdbc_drivers import with_driver
from mlsql.stages.sources.jdbc_options import (
    DatabaseOptions,
    JdbcConnectOptions,
    JdbcReadOptions,
    JdbcWriteOptions,
)
from mlsql.stages.sources.jdbc_secrets import secrets_of, told_without
from mlsql.stages.sources.jdbc_upsert import (
    Merge,
    expect_keys,
    expect_unique,
    make_key,
    merge_statement,
    staging_table,
)
from mlsql.stages.sources.spark_options import spark_options
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FORMAT = "jdbc"
_FILE = re.compile(
    r"jdbc:(?:derby|sqlite|h2|hsqldb|duckdb):(?:directory:|file:)?"
    r"(?!//|:?mem(?:ory)?:|classpath:|jar:|tcp:|ssl:|hsql)(?P<file>[^;?]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """What of which database a path names; *options* are Spark's, with all that is needed to get in."""

    table: str
    options: Mapping[str, str] = field(repr=False)
    span: Span = field(repr=False)

    @contextmanager
    def talking(self, run: Run) -> Iterator[Database]:
        """A block that calls the database: its errors are placed, and tell no secret."""
        with run.guard(self.span), told_without(secrets_of(self.options), self.options.get("driver")):
            yield Database(run.spark, self.options, run.stop)


@dataclass(frozen=True, slots=True)
class Jdbc:
    """Databases that have a JDBC driver."""

    doc: ClassVar[str] = "Tables and queries of a database that has a JDBC driver."
    read_options: ClassVar[type[JdbcReadOptions]] = JdbcReadOptions
    write_options: ClassVar[type[JdbcWriteOptions]] = JdbcWriteOptions
    connect_options: ClassVar[type[JdbcConnectOptions]] = JdbcConnectOptions

    def read(self, run: Run, path: Word, options: JdbcReadOptions, /) -> DataFrame:
        """The table or query, lazily; Spark asks the database for columns and types."""
        place = find(run, path, options)
        if options.direct is not None:
            with place.talking(run) as database:
                return database.query(options.direct)
        if not {"query", "dbtable"} & place.options.keys():
            place = _with_table(place)
        with place.talking(run):
            reader = run.spark.read.options(**place.options)
            if options.predicates is None or options.query is not None:
                return reader.format(_FORMAT).load()
            shares = options.predicates.split(options.delimiter)
            return reader.jdbc(place.options["url"], place.options["dbtable"], predicates=shares)

    def write(self, run: Run, frame: DataFrame, target: Target, options: JdbcWriteOptions, /) -> Written:
        """Insert the rows of *frame*, which are counted on their way."""
        if target.partition_by:
            raise ScriptError("a database has no folders to partition by", span=target.partition_by[0].span)
        place = find(run, target.path, options)
        if options.table is None:
            place = _with_table(place)
        table, mode = place.options["dbtable"], target.mode
        with place.talking(run) as database:
            is_there = mode in ("ignore", "errorIfExists") and database.has_table(table)
        if is_there and mode == "ignore":
            return Written(target.path.text, 0, 0)
        if is_there:
            raise DataError(
                f"the table '{table}' is there already",
                span=target.path.span,
                hint="`save append …` adds to it, `save overwrite …` replaces it",
            )
        if options.keys:
            return Written(target.path.text, _upsert(run, frame, place, target, options), 0)
        return Written(target.path.text, _insert(run, frame, place, mode), 0)


def _insert(run: Run, frame: DataFrame, place: Place, mode: str) -> int | None:
    """Have Spark's tasks insert the rows of *frame*; how many they were."""
    rows = CountedRows(frame)
    with place.talking(run):
        rows.frame.write.format(_FORMAT).options(**place.options).mode(mode).save()
    return rows.count(run.stop)


def _upsert(
    run: Run, frame: DataFrame, place: Place, target: Target, options: JdbcWriteOptions
) -> int | None:
    """Replace and add rows by their keys; how many they were."""
    url, table = place.options["url"], place.options["dbtable"]
    expect_keys(options.keys, frame.columns, target.mode, url)
    with place.talking(run) as database:
        keys, columns = ([*map(database.quoted, each)] for each in (options.keys, frame.columns))
        if not database.has_table(table):
            _insert(run, frame.limit(0), place, "append")
            make_key(database, table, keys)
        closing = replace(database, stop=Stop())
        with staging_table(database, closing, table, columns) as staging:
            beside = replace(place, options={**place.options, "dbtable": staging})
            count = _insert(run, frame, beside, "append")
            expect_unique(database, staging, keys)
            database.execute(merge_statement(url, Merge(table, staging, keys, columns)))
    return count


def execute(run: Run, alias: Word, statement: Word) -> int:
    """Have the database that ``connect`` called *alias* run *statement*; how many rows it changed."""
    with _of_alias(run, alias, statement.span).talking(run) as database:
        return database.execute(statement.text)


def query(run: Run, alias: Word, statement: Word) -> DataFrame:
    """The rows that the database that ``connect`` called *alias* gives for *statement*."""
    with _of_alias(run, alias, statement.span).talking(run) as database:
        return database.query(statement.text)


def find(run: Run, path: Word, options: DatabaseOptions) -> Place:
    """The place that *path* names: by the alias of a connection, or in the database of the options."""
    own = _reached_by(options)
    aliases = _aliases(run)
    alias, _, rest = path.text.partition(".")
    if alias in aliases:
        place = Place(rest, {**aliases[alias], **own}, path.span)
    elif "url" in own or _FORMAT in aliases:
        place = Place(path.text, {**aliases.get(_FORMAT, {}), **own}, path.span)
    else:
        raise _unknown(alias, aliases, path.span)
    run.policy.jdbc(place.options, span=path.span)
    reached = {**place.options, "url": _allowed(place.options["url"], run, path.span)}
    return replace(place, options=with_driver(run, reached, path.span))


def _of_alias(run: Run, alias: Word, span: Span) -> Place:
    """The database of ``db1`` or ``db1._``."""
    aliases, name = _aliases(run), alias.text.partition(".")[0] or _FORMAT
    if name not in aliases:
        raise _unknown(name, aliases, alias.span)
    options = aliases[name]
    run.policy.jdbc(options, span=alias.span)
    reached = {**options, "url": _allowed(options["url"], run, alias.span)}
    return Place("", with_driver(run, reached, alias.span), span)


def _aliases(run: Run) -> dict[str, dict[str, str]]:
    """Spark's options of each connection to a database."""
    return {
        alias: _reached_by(read_options(JdbcConnectOptions, each.options, owner="connect"))
        for alias, each in run.session.connections.items()
        if each.format.casefold() == _FORMAT
    }


def _reached_by(options: DatabaseOptions) -> dict[str, str]:
    return {**{key: each.text for key, each in options.properties.items()}, **spark_options(options)}


def _unknown(alias: str, known: Mapping[str, object], span: Span) -> UnknownName:
    first = None if known else f'make it first: connect jdbc where url="jdbc:…" as {alias or "crm"}'
    return UnknownName("connection", alias, known, span=span, hint=first)


def _with_table(place: Place) -> Place:
    if not place.table:
        raise ScriptError("the path names no table", span=place.span, hint="it is `alias.table`")
    return replace(place, options={**place.options, "dbtable": place.table})


def _allowed(url: str, run: Run, span: Span) -> str:
    """*url*, where the file of an embedded database is one that the policy allows."""
    match = _FILE.match(url)
    if match is None:
        return url
    file = run.policy.path(match["file"], span=span, purpose="model")  # a path of this machine, no URI
    return url[: match.start("file")] + file + url[match.end("file") :]
