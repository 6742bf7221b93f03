"""``mlsql run``: one script, in this process."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    from mlsql.config.settings import LoggingSettings, Settings
    from mlsql.engine import Result
    from mlsql.events import Sink
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
    the rows of the last table and nothing else; progress, log and errors go to standard error,
    with logging.format = json as JSON, an object a line.
    Ctrl-C, SIGTERM and SIGHUP cancel the run cleanly; a second Ctrl-C ends the process.
    """
    script = read_script(file)
    overrides = {"jobs.timeout": timeout} if timeout else {}
    with exit_codes():
        from mlsql.cli.json_log import errors_logged
        from mlsql.cli.signals import until_stopped
        from mlsql.engine import refuse_unsound
        from mlsql.stop import Stop

        settings = settings_of(overrides, conf=conf, config=config)
        with errors_logged(settings.logging, sys.stderr):
            # What is wrong with the text is told before Spark starts.
            refuse_unsound(script, settings, request["parameters"], request["dialect"])
            stop = Stop(settings.jobs.timeout)
            until_stopped(partial(_run, settings, stop, form or default_form(), script, request), stop, tell)


def _run(settings: Settings, stop: Stop, form: str, script: Script, request: Mapping[str, Any]) -> None:
    from mlsql.engine import Engine, default_owner
    from mlsql.jobs.logs import about

    job, owner = uuid.uuid4().hex, request["owner"] or default_owner()
    given = {**request, "owner": owner}
    with about({"job": job, "owner": owner}), Engine.local(settings) as engine:
        with _telling(settings.logging) as sink:
            result = engine.run(script.text, name=script.name, job=job, sink=sink, stop=stop, **given)
        _write_result(result, form)


@contextmanager
def _telling(settings: LoggingSettings) -> Iterator[Sink]:
    """A sink that tells of the run on standard error: as progress for people, or as lines of a log."""
    if settings.format == "json":
        from mlsql.cli.json_log import log_event

        yield log_event
        return
    from mlsql.cli.progress import progress

    with progress(sys.stderr, settings.level) as sink:
        yield sink


def _write_result(result: Result, form: str) -> None:
    """The last table on standard output."""
    if form == "none":
        return
    from mlsql.cli.result_lines import result_lines

    with result.reading() as frame:
        write_lines(result_lines(frame, form))
