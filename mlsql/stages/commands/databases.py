"""``!jdbc alias "statement"``: have a database run a statement of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlsql.session import Outcome, Run, Table
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand
from mlsql.stages.commands.forms import Given
from mlsql.stages.rows import local_table
from mlsql.stages.sources import jdbc


def _execute(given: Given, run: Run) -> Outcome:
    """One row: the connection, and how many rows of the database were changed."""
    changed = jdbc.execute(run, given["CONNECTION"], given["STATEMENT"])
    row = (given["CONNECTION"].text, changed)
    return Table(None, local_table(run.spark, [row], "connection string, rows bigint"))


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "jdbc": FormCommand(
            "Has a database that connect named run a statement, such as create table.",
            ("CONNECTION STATEMENT",),
            _execute,
        )
    }
)
"""By the name behind the ``!``."""
