"""``mlsql fmt``: scripts in canonical form."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mlsql.cli.exits import EXIT_CODES, exit_codes
from mlsql.cli.manual import EXITS, Command
from mlsql.cli.output import tell
from mlsql.cli.script_files import STANDARD_INPUT, read_script, write_script
from mlsql.errors import ScriptError

if TYPE_CHECKING:
    from mlsql.spans import Script


@click.command(
    cls=Command,
    examples=["mlsql fmt *.mlsql", "mlsql fmt --check *.mlsql", "mlsql fmt - < churn.mlsql"],
    exits={0: EXITS[0], 1: "A script has errors; with --check, or would change.", 2: EXITS[2], 70: EXITS[70]},
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a script would change.")
def fmt(files: tuple[str, ...], *, check: bool) -> None:
    """Write each script FILE in canonical form, in place; from standard input (-) to standard output.

    Comments stay. A script with errors is left as it is, and the errors are told.
    """
    scripts = [read_script(file) for file in files]
    with exit_codes():
        outcomes = [_format(script, check=check) for script in scripts]
    if None in outcomes or (check and any(outcomes)):
        sys.exit(EXIT_CODES[ScriptError])


def _format(script: Script, *, check: bool) -> bool | None:
    """Whether the script was to be changed; None when it has errors, which are told."""
    from mlsql.grammar.formatter import format_script

    try:
        formatted = format_script(script)
    except ScriptError as error:
        tell(str(error))
        return None
    if script.name == STANDARD_INPUT and not check:
        click.echo(formatted.encode(), nl=False)
    elif formatted != script.text:
        if not check:
            write_script(script, formatted)
        tell(f"would change {script.name}" if check else f"changed {script.name}")
    return formatted != script.text
