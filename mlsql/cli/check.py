"""``mlsql check``: what is wrong or odd in scripts, without running them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import EXIT_CODES, exit_codes
from mlsql.cli.manual import EXITS, Command
from mlsql.cli.options import script_dialect, script_variables, settings_of, with_settings
from mlsql.cli.output import tell, write_lines
from mlsql.cli.script_files import read_script
from mlsql.errors import ScriptError

if TYPE_CHECKING:
    from mlsql.config.settings import Settings
    from mlsql.diagnostics import Diagnostic
    from mlsql.spans import Script


@click.command(
    cls=Command,
    examples=["mlsql check *.mlsql", "mlsql check - --json < churn.mlsql", "mlsql check churn.mlsql --spark"],
    exits={
        0: "No script has errors; warnings are none.",
        1: "A script has errors.",
        2: EXITS[2],
        70: EXITS[70],
    },
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--json", "as_json", is_flag=True, help="Write the findings to standard output, as JSON.")
@script_variables
@script_dialect
@click.option("--spark", "with_spark", is_flag=True, help="Have Spark's own parser read the queries, too.")
@with_settings
def check(
    files: tuple[str, ...],
    parameters: dict[str, str],
    dialect: str | None,
    conf: dict[str, str],
    config: Path | None,
    *,
    as_json: bool,
    with_spark: bool,
) -> None:
    """Tell what is wrong or odd in each script FILE, or on standard input (-), and run nothing.

    Findings go to standard error, each with its place, and with --json to standard output. An error
    decides the exit code, warnings alone are no failure. Needs no Spark, unless --spark is given.
    """
    scripts = [read_script(file) for file in files]
    with exit_codes():
        settings = settings_of({}, conf=conf, config=config)
        find = _findings_with_spark if with_spark else _findings
        _tell_findings(find(settings, scripts, parameters=parameters, dialect=dialect), as_json=as_json)


def _findings(settings: Settings, scripts: Sequence[Script], **request: Any) -> list[Diagnostic]:
    from mlsql.engine import check_script

    return [each for one in scripts for each in check_script(one, settings, **request)]


def _findings_with_spark(settings: Settings, scripts: Sequence[Script], **request: Any) -> list[Diagnostic]:
    from mlsql.cli.signals import until_stopped
    from mlsql.engine import Engine
    from mlsql.stop import Stop

    def work() -> list[Diagnostic]:
        with Engine.local(settings) as engine:
            checks = (engine.check(one.text, name=one.name, complete=False, **request) for one in scripts)
            return [each for found in checks for each in found]

    return until_stopped(work, Stop(), tell)


def _tell_findings(found: Sequence[Diagnostic], *, as_json: bool) -> None:
    """Write them, and end the process with 1 when one is an error."""
    if as_json:
        write_lines(iter([json.dumps([each.as_json() for each in found], ensure_ascii=False, indent=2)]))
    else:
        for each in found:
            tell(str(each))
    if any(each.severity == "error" for each in found):
        sys.exit(EXIT_CODES[ScriptError])
