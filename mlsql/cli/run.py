"""``mlsql run``: one script, in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import exit_codes
from mlsql.cli.manual import Command
from mlsql.cli.options import script_dialect, script_variables, settings_of, with_settings
from mlsql.cli.output import tell, write_lines
from mlsql.cli.results import default_form, result_option
from mlsql.cli.script_files import read_script

if TYPE_CHECKING:
    from mlsql.config.settings import Settings
    from mlsql.engine import Result
    from mlsql.spans import Script
    from mlsql.stop import Stop


@click.command(
    cls=Command,
    examples=[
        "mlsql run churn.mlsql --set day=2026-01-01",
        "mlsql run churn.mlsql --timeout 2h --result csv > churn.csv",
        "echo 'select 1 as one as t;' | mlsql run - --conf spark.master=local[2]",
    ],
    exits=(0, 1, 2, 3, 4, 5, 70),
)
@click.argument("file", metavar="FILE|-")
@script_variables
@result_option
@click.option("--owner", help="Whose session the script runs in; by default the login name.")
@click.option("--timeout", metavar="DURATION", help="How long the script may run: seconds, or 90s, 10m, 2h.")
@script_dialect
@with_settings
def run(
    file: str,
    form: str | None,
    timeout: str | None,
    conf: dict[str, str],
    config: Path | None,
    **request: Any,
) -> None:
    """Run the script FILE, or the one on standard input (-), on a Spark of this process.

    What the text shows to be wrong is told before Spark starts, all of it. Standard output holds
    the rows of the last table and nothing else; progress, log and errors go to standard error.
    Ctrl-C, SIGTERM and SIGHUP cancel the run cleanly; a second Ctrl-C ends the process.
    """
    script = read_script(file)
    overrides = {"jobs.timeout": timeout} if timeout else {}
    with exit_codes():
        from mlsql.cli.signals import until_stopped
        from mlsql.engine import refuse_unsound
        from mlsql.stop import Stop

        settings = settings_of(overrides, conf=conf, config=config)
        # What is wrong with the text is told before Spark starts.
        refuse_unsound(script, settings, request["parameters"], request["dialect"])
        stop = Stop(settings.jobs.timeout)
        until_stopped(partial(_run, settings, stop, form or default_form(), script, request), stop, tell)


def _run(settings: Settings, stop: Stop, form: str, script: Script, request: Mapping[str, Any]) -> None:
    from mlsql.cli.progress import progress
    from mlsql.engine import Engine

    with Engine.local(settings) as engine:
        with progress(sys.stderr, settings.logging.level) as sink:
            result = engine.run(script.text, name=script.name, sink=sink, stop=stop, **request)
        _write_result(result, form)


def _write_result(result: Result, form: str) -> None:
    """The last table on standard output."""
    if form == "none":
        return
    from mlsql.cli.result_lines import result_lines

    with result.reading() as frame:
        write_lines(result_lines(frame, form))
