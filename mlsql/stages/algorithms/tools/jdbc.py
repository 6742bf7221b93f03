"""JDBC: statements that a database runs as they stand, one after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mlsql.errors import ScriptError
from mlsql.grammar.nodes import Word
from mlsql.options import OptionText, one_of, option, option_family
from mlsql.session import Run
from mlsql.stages.algorithms.base import Call
from mlsql.stages.rows import local_table
from mlsql.stages.sources.jdbc import execute, query

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FAMILY = "driver-statement-"
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class JdbcStatementOptions:
    """What a database is to run."""

    mode: str = option(
        "sqlMode",
        one_of("ddl", "query"),
        "query: the rows of the one statement are the table.",
        default="ddl",
    )
    statements: Mapping[str, OptionText] = option_family(
        _FAMILY, "Statements, in the order of their numbers: `driver-statement-0`, …"
    )


@dataclass(frozen=True, slots=True)
class JdbcStatements:
    """Runs statements in the database that the path names by the alias of its ``connect``."""

    options: ClassVar[type[JdbcStatementOptions]] = JdbcStatementOptions
    doc: ClassVar[str] = "Has a database run statements as they stand: definitions, changes, or one query."
    example: ClassVar[str] = """\
connect jdbc where url="jdbc:derby:memory:example;create=true" as crm;
run command as JDBC.`crm` where `driver-statement-0`="create table visits (day date, n int)"
  and `driver-statement-1`="insert into visits values ('2026-01-01', 3)";
load jdbc.`crm.visits` as visits;
run command as JDBC.`crm` where `driver-statement-0`="drop table visits" as dropped;
"""

    def transform(self, call: Call[JdbcStatementOptions], run: Run, /) -> DataFrame:
        """One row a statement: what it was, and how many rows it changed; or the rows of the query."""
        statements = [
            Word(each.text, each.span or call.span)
            for _, each in sorted(call.options.statements.items(), key=_order)
        ]
        if not statements:
            raise ScriptError("there is no statement to run", span=call.span, hint=f'`{_FAMILY}0`="…"')
        if call.options.mode == "query":
            if len(statements) > 1:
                raise ScriptError("sqlMode=query takes one statement", span=statements[1].span)
            return query(run, call.path, statements[0])
        rows = [(each.text, execute(run, call.path, each)) for each in statements]
        return local_table(run.spark, rows, "statement string, rows bigint")


def _order(item: tuple[str, OptionText]) -> tuple[int, str]:
    """By number, what has none first."""
    key, _ = item
    return (int(key) if _NUMBER.fullmatch(key) else -1, key)
