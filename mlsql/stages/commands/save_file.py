"""``!saveFile``: the one cell of a table becomes a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mlsql.errors import DataError
from mlsql.grammar.nodes import Word
from mlsql.options import TEXT, option
from mlsql.session import Outcome, Run, Table
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import OptionCall, OptionCommand
from mlsql.stages.commands.file_system import Files
from mlsql.stages.rows import local_table


@dataclass(frozen=True, slots=True, kw_only=True)
class _SaveFile:
    """Which cell becomes a file."""

    table: str = option("i", TEXT, "The table of one cell.")
    path: str = option("o", TEXT, "The file.")


def _save_file(call: OptionCall, run: Run) -> Outcome:
    """One row: the path, and how many bytes were written."""
    table = call.words["i"]
    rows = run.table(table).limit(2).collect()
    content = _cell(rows, table)
    files = Files(run, call.words["o"], "write")
    files.write(content)
    return Table(None, local_table(run.spark, [(files.path, len(content))], "path string, bytes bigint"))


def _cell(rows: Sequence[Sequence[object]], table: Word) -> bytes:
    """The one cell of a table of one row and one column: binary as it is, text in UTF-8."""
    if len(rows) != 1 or len(rows[0]) != 1:
        shape = "no rows" if not rows else "several rows" if len(rows) > 1 else f"{len(rows[0])} columns"
        message = f"a file is made of one cell, but '{table.text}' has {shape}"
        raise DataError(
            message, span=table.span, hint="select that cell first: select content from t limit 1"
        )
    match rows[0][0]:
        case str() as text:
            return text.encode("utf-8")
        case bytes() | bytearray() as content:
            return bytes(content)
        case None:
            raise DataError(f"the cell of '{table.text}' is null", span=table.span)
        case _:
            raise DataError(
                f"the cell of '{table.text}' is neither text nor binary",
                span=table.span,
                hint="cast it: select cast(x as string)",
            )


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "saveFile": OptionCommand(
            "Writes the one cell of a table, binary or text, to a file.",
            ("_ -i TABLE -o PATH",),
            _SaveFile,
            _save_file,
        ),
    }
)
"""By the name behind the ``!``."""
