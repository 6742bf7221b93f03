"""``!show jobs``, ``!show progress``, ``!kill``: the scripts of an owner that run in this engine now."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlsql.errors import UnknownName
from mlsql.grammar.nodes import Word
from mlsql.session import Outcome, Run, Table
from mlsql.stages.catalog import Listing
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand
from mlsql.stages.commands.forms import Given
from mlsql.stages.rows import local_table


def jobs(run: Run, name: Word | None = None) -> Listing:
    """A row for each script of the owner that runs now, or for the one called *name*."""
    runs = run.session.running.of(run.session.owner) if name is None else [find(name, run)]
    rows = tuple((each.id, each.session.owner, each.script.name, *_turn(each)) for each in runs)
    return Listing("id string, owner string, name string, statement int, statements int, title string", rows)


def progress(run: Run, name: Word) -> Listing:
    """How far the script called *name* has come: one row."""
    return Listing("statement int, statements int, title string", (_turn(find(name, run)),))


def find(name: Word, run: Run) -> Run:
    """The script of the owner that runs with this id, or else the newest of this name."""
    runs = run.session.running.of(run.session.owner)
    known = {each.script.name: each for each in runs} | {each.id: each for each in runs}
    if name.text not in known:
        raise UnknownName("running script", name.text, known, span=name.span)
    return known[name.text]


def _turn(run: Run) -> tuple[int | None, int | None, str | None]:
    """Which statement runs, of how many, and its beginning."""
    at = run.statement
    return (at.number, at.total, at.title) if at is not None else (None, None, None)


def _kill(given: Given, run: Run) -> Outcome:
    """One row: what was told to end. It ends when it next looks, its Spark jobs at once."""
    found = find(given["ID"], run)
    found.stop.cancel()
    run.stop.check()
    return Table(None, local_table(run.spark, [(found.id, found.script.name)], "id string, name string"))


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {"kill": FormCommand("Ends a running script of yours, by its id or its name.", ("ID",), _kill)}
)
"""By the name behind the ``!``."""
