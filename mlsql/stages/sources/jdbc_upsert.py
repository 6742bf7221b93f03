"""Rows that replace those with the same key: ``save append t as jdbc.`crm.users` where idCol="id"``.

Spark's tasks fill a table of our own beside the one that is meant; one statement of the database
then brings them in, all or none. What the key cannot tell apart is refused before.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import MissingColumn
from mlsql.stages.sources.jdbc_calls import Database
from mlsql.stages.sources.jdbc_drivers import kind_of


@dataclass(frozen=True, slots=True)
class Merge:
    """What is brought in: *columns* of the table *source*, by *keys*, all as the database quotes them.

    The texts of statements are made of these names alone, and never of values.
    """

    target: str
    source: str
    keys: Sequence[str]
    columns: Sequence[str]

    @property
    def others(self) -> list[str]:
        """The columns that are no keys."""
        return [each for each in self.columns if each not in self.keys]

    @property
    def insertion(self) -> str:
        """``insert into … select …``."""
        columns = ", ".join(self.columns)
        return f"insert into {self.target} ({columns}) select {columns} from {self.source}"  # noqa: S608 - see Merge


def _on_conflict(merge: Merge, condition: str = "") -> str:
    """PostgreSQL 9.5 and later, with a unique index on the keys; SQLite."""
    changes = ", ".join(f"{each} = excluded.{each}" for each in merge.others)
    action = f"update set {changes}" if changes else "nothing"
    return f"{merge.insertion}{condition} on conflict ({', '.join(merge.keys)}) do {action}"


def _in_sqlite(merge: Merge) -> str:
    """Without a condition, SQLite takes ``on conflict`` for that of a join."""
    return _on_conflict(merge, " where true")


def _on_duplicate_key(merge: Merge) -> str:
    """MySQL and MariaDB; any unique index counts there."""
    changes = ", ".join(f"{each} = values({each})" for each in merge.others or merge.keys)
    return f"{merge.insertion} on duplicate key update {changes}"


def _merge(merge: Merge) -> str:
    """SQL of 2003: Derby, Oracle, H2, DB2."""
    condition = " and ".join(f"t.{each} = s.{each}" for each in merge.keys)
    changes = ", ".join(f"t.{each} = s.{each}" for each in merge.others)
    update = f" when matched then update set {changes}" if changes else ""
    values = ", ".join(f"s.{each}" for each in merge.columns)
    insertion = f"insert ({', '.join(merge.columns)}) values ({values})"  # noqa: S608 - see Merge
    places = f"{merge.target} t using {merge.source} s"
    return f"merge into {places} on ({condition}){update} when not matched then {insertion}"


_STATEMENTS: Mapping[str, Callable[[Merge], str]] = MappingProxyType(
    {
        "derby": lambda merge: _merge(merge).replace(" set t.", " set ").replace(", t.", ", "),
        "h2": _merge,
        "mariadb": _on_duplicate_key,
        "mysql": _on_duplicate_key,
        "oracle": _merge,
        "postgresql": _on_conflict,
        "sqlite": _in_sqlite,
    }
)
_LIKE_IN_DERBY = "create table {name} as select {columns} from {table} with no data"
_LIKE = "create table {name} as select {columns} from {table} where 1 = 0"


def expect_keys(keys: Sequence[str], columns: Sequence[str], mode: str, url: str) -> None:
    """Raise unless rows can be brought in by *keys*."""
    known = {each.casefold() for each in columns}
    for key in keys:
        if key.casefold() not in known:
            raise MissingColumn(key, columns, option="idCol")
    if mode != "append":
        hint = "write `save append …`: rows with known keys are replaced, the others added"
        raise OptionFault("idCol has a meaning for an append alone", option="idCol", hint=hint)
    if kind_of(url) not in _STATEMENTS:
        raise OptionFault(
            f"rows cannot be replaced by key in a database of the kind '{kind_of(url)}'",
            option="idCol",
            hint=f"they can in {', '.join(sorted(_STATEMENTS))}",
        )


def merge_statement(url: str, merge: Merge) -> str:
    """The statement by which the database at *url* brings the rows in."""
    return _STATEMENTS[kind_of(url)](merge)


@contextmanager
def staging_table(database: Database, closing: Database, table: str, columns: Sequence[str]) -> Iterator[str]:
    """A table like *table* with these columns, for a block; *closing* drops it, also in a stopped run."""
    name = ".".join([*table.split(".")[:-1], f"mlsql_{uuid.uuid4().hex[:12]}"])
    form = _LIKE_IN_DERBY if kind_of(database.options["url"]) == "derby" else _LIKE
    database.execute(form.format(name=name, columns=", ".join(columns), table=table))
    try:
        yield name
    finally:
        closing.execute(f"drop table {name}")


def make_key(database: Database, table: str, keys: Sequence[str]) -> None:
    """Have a new *table* know what its key is."""
    database.execute(f"create unique index mlsql_{uuid.uuid4().hex[:12]} on {table} ({', '.join(keys)})")


def expect_unique(database: Database, table: str, keys: Sequence[str]) -> None:
    """Raise unless each key stands once in *table*, and none is null."""
    listed, nulls = ", ".join(keys), " or ".join(f"{each} is null" for each in keys)
    query = f"select {listed} from {table}"  # noqa: S608 - names that the database has quoted
    if database.has_rows(f"{query} where {nulls}"):
        raise DataFault(f"the key ({listed}) of a row that is saved is null", option="idCol")
    if database.has_rows(f"{query} group by {listed} having count(*) > 1"):
        raise DataFault(
            f"several rows that are saved have the same key ({listed})",
            option="idCol",
            hint="keep one of them: row_number() over (partition by … order by …) = 1",
        )
