"""Commands on one table: its columns, its plan, keeping it in memory, splitting and repartitioning it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlsql.errors import MissingColumn, ScriptError
from mlsql.grammar.nodes import Word
from mlsql.options import FRACTIONS, TEXT, integer, option
from mlsql.session import Outcome, Run, Table, quoted
from mlsql.stages.algorithms.base import Call
from mlsql.stages.algorithms.tools.sampler import RateSampler, SamplerOptions
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand, OptionCall, OptionCommand
from mlsql.stages.commands.forms import Given
from mlsql.stages.rows import local_table
from mlsql.templates import Rendered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SCRIPT = "script"


def _describe(given: Given, run: Run) -> Outcome:
    """One row a column."""
    fields = run.table(given["TABLE"]).schema
    rows = [(each.name, each.dataType.simpleString(), each.metadata.get("comment")) for each in fields]
    return Table(None, local_table(run.spark, rows, "col_name string, data_type string, comment string"))


def _explain(given: Given, run: Run) -> Outcome:
    """Spark's plan, one row a line."""
    run.table(given["TABLE"])
    mode = next(iter(given.words), "")
    query = f"explain {mode} select * from {quoted(given['TABLE'].text)}"  # noqa: S608 - the name is quoted
    (row,) = run.sql(Rendered(query, given["TABLE"].span)).collect()
    return Table(
        None, local_table(run.spark, [(line,) for line in row[0].rstrip().splitlines()], "plan string")
    )


def _cache(given: Given, run: Run) -> Outcome:
    """Keep the table in memory from its first use on; until when says the scope."""
    table = given["TABLE"]
    frame = run.table(table)
    scope = _SCRIPT if _SCRIPT in given.words else "session"
    if scope == _SCRIPT and not _is_cached(frame):
        run.endings.callback(frame.unpersist)
    frame.persist()
    return Table(None, local_table(run.spark, [(table.text, scope)], "table string, scope string"))


def _uncache(given: Given, run: Run) -> Outcome:
    table = given["TABLE"]
    frame = run.table(table)
    row = (table.text, _is_cached(frame))
    frame.unpersist()
    return Table(None, local_table(run.spark, [row], "table string, was_cached boolean"))


def _is_cached(frame: DataFrame) -> bool:
    return frame.storageLevel.useMemory


@dataclass(frozen=True, slots=True)
class _Split:
    """Of which table which shares, kept within each value of a column when one is named."""

    given: Given
    table: Word
    label: Word | None
    shares: tuple[float, ...]


def _read_split(given: Given) -> _Split:
    try:
        shares = FRACTIONS.read(given["SHARES"].text)
    except ValueError as error:
        message = f"the shares are {FRACTIONS.expected}, not '{given['SHARES'].text}'"
        raise ScriptError(message, span=given["SHARES"].span) from error
    return _Split(given, given["TABLE"], given.get("COLUMN"), shares)


def _split(split: _Split, run: Run) -> Outcome:
    """The table with ``__split__``, the number of the part that a row falls into."""
    frame = run.table(split.table)
    label = column_of(split.label, frame) if split.label else None
    options = SamplerOptions(label=label, rates=split.shares, exact=label is not None)
    name = split.given.command
    call = Call(frame, name, Word("", name.span), options, {}, split.given.span)
    return Table(None, RateSampler().transform(call, run))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repartition:
    """Which table gets how many partitions."""

    table: str = option("i", TEXT, "The table.")
    count: int = option("num", integer(1), "How many partitions.")
    output: str | None = option("o", TEXT, "The name of the table made.", default=None)


def _repartition(call: OptionCall, run: Run) -> Outcome:
    frame = run.table(call.words["i"]).repartition(call.options.count)
    return run.define(call.words["o"], frame) if call.options.output is not None else Table(None, frame)


def _empty(given: Given, run: Run) -> Outcome:  # noqa: ARG001 - as its siblings
    """A table of nothing, so that a script ends without rows."""
    return Table(None, local_table(run.spark, [], ""))


def column_of(word: Word, frame: DataFrame) -> str:
    """The column that *word* names, in its own letters; an unknown one is told before any job."""
    if word.text in frame.columns:
        return word.text
    for column in frame.columns:
        if column.casefold() == word.text.casefold():
            return column
    raise MissingColumn(word.text, frame.columns, span=word.span)


_TABLE = ("TABLE",)
_COLUMNS = FormCommand("The columns of a table.", _TABLE, _describe)

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "desc": _COLUMNS,
        "columns": _COLUMNS,
        "explain": FormCommand(
            "Spark's plan of a table.", ("TABLE [extended|formatted|cost|codegen]",), _explain
        ),
        "cache": FormCommand(
            "Keeps a table in memory from its first use on, for the script or as long as the session lives.",
            ("TABLE [script|session|application]",),
            _cache,
        ),
        "uncache": FormCommand("Lets go of a table that was kept in memory.", _TABLE, _uncache),
        "split": FormCommand(
            "Marks each row with the part of a split that it falls into, of each value of a column alike.",
            ("TABLE [by COLUMN] with SHARES",),
            _split,
            _read_split,
        ),
        "tableRepartition": OptionCommand(
            "A table in so many partitions.",
            ("_ -i TABLE -num COUNT [-o TABLE]",),
            _Repartition,
            _repartition,
        ),
        "emptyTable": FormCommand("A table of nothing.", ("",), _empty),
    }
)
"""By the name behind the ``!``."""
