"""Commands about the run itself: what it tells, what it made last, and a script in a text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlsql.errors import DataError, ScriptError
from mlsql.events import Log
from mlsql.grammar import parse
from mlsql.session import UNCHANGED, Outcome, Passage, Run, Splice, Table
from mlsql.spans import Script
from mlsql.stages.commands.base import Command
from mlsql.stages.commands.calls import FormCommand
from mlsql.stages.commands.forms import Given
from mlsql.stages.rows import local_table

LAST_NAME = "__last_table_name__"
"""The variable in which old scripts look for the name of the last table."""


def _println(given: Given, run: Run) -> Outcome:
    """Nothing but the line that the user sees."""
    run.emit(Log(" ".join(each.text for each in given.every("TEXT"))))
    return UNCHANGED


def _throw(given: Given, run: Run) -> Outcome:  # noqa: ARG001 - as its siblings
    raise DataError(given["MESSAGE"].text, span=given["MESSAGE"].span)


def _last_table_name(given: Given, run: Run) -> Outcome:
    """One row; the name is a variable from now on, too."""
    if run.last_name is None:
        raise ScriptError("no statement before this one made a table with a name", span=given.span)
    run.scope.define(LAST_NAME, run.last_name, template=False)
    return Table(None, local_table(run.spark, [(run.last_name,)], "name string"))


def _last_command(given: Given, run: Run) -> Outcome:
    """What the last command made, once more."""
    if run.last_command is None:
        raise ScriptError(
            "no command before this one made a table",
            span=given.span,
            hint="it stands behind one: !desc t; !lastCommand named columns;",
        )
    return Table(None, run.last_command.frame)


def _parse_script(given: Given) -> Splice:
    text = given["SCRIPT"]
    return Splice((Passage(parse(Script(f"!{given.command.text}", text.text, origin=text.span))),))


def _run_script(script: Splice, run: Run) -> Outcome:  # noqa: ARG001 - as its siblings
    return script


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "println": FormCommand("Shows a line to whoever runs the script.", ("TEXT…",), _println),
        "throw": FormCommand("Ends the script with an error of its own.", ("MESSAGE",), _throw),
        "lastTableName": FormCommand(
            f"The name of the last table that was named, as a row and in the variable {LAST_NAME}.",
            ("",),
            _last_table_name,
        ),
        "lastCommand": FormCommand(
            "The table that the last command made, to be named.", ("",), _last_command
        ),
        "runScript": FormCommand("Runs a text as a script.", ("SCRIPT",), _run_script, _parse_script),
    }
)
"""By the name behind the ``!``."""
