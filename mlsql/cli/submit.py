"""``mlsql submit``: a script as a job of a server, waited for or not."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import EXIT_CODES, exit_codes
from mlsql.cli.manual import Command
from mlsql.cli.options import duration, pairs, script_dialect, script_variables
from mlsql.cli.output import tell, write_lines
from mlsql.cli.results import default_form, result_option, write_result
from mlsql.cli.script_files import read_script
from mlsql.cli.server_options import Connect, with_server
from mlsql.errors import Cancelled, MlsqlError, ScriptErrors

if TYPE_CHECKING:
    from mlsql.client.client import Client
    from mlsql.client.jobs import Callback, Job
    from mlsql.spans import Script

_CANCEL_SECONDS = 60.0
_CALLBACK = ("callback", "callback_header", "callback_retries", "callback_form")


@click.command(
    cls=Command,
    examples=[
        "mlsql submit nightly.mlsql --set day=2026-01-01 --name nightly --retry-on-restart",
        "mlsql submit churn.mlsql --wait --result csv > churn.csv",
        "mlsql submit - --server https://mlsql.example --token-file ~/.mlsql-token < churn.mlsql",
    ],
    exits=(0, 1, 2, 3, 4, 5, 70),
)
@click.argument("file", metavar="FILE|-")
@script_variables
@click.option("--name", default="", help="A label to find the job by; by default its id.")
@click.option("--owner", help="Whose session the script runs in; another than the token's takes an operator.")
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=duration,
    help="How long the script may run, counted from its start: seconds, or 90s, 10m, 2h.",
)
@click.option(
    "--priority",
    type=click.IntRange(-1000, 1000),
    default=0,
    show_default=True,
    help="Among the waiting jobs of its owner the highest runs first.",
)
@click.option("--retry-on-restart", is_flag=True, help="Run it again when the server dies while it runs.")
@click.option("--callback", metavar="URL", help="An address that is told the end of the job.")
@click.option(
    "--callback-header",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="A header that the callback carries; repeatable.",
)
@click.option(
    "--callback-form", is_flag=True, help="Send the callback as a form, as receivers of Byzer read it."
)
@click.option("--callback-retries", type=click.IntRange(0, 100), help="How often it is tried again.")
@click.option(
    "--key",
    help="The same key with the same submission gives the same job for 24 hours; by default a new one.",
)
@script_dialect
@click.option("--wait", is_flag=True, help="Wait for the end, show the progress, and write the result.")
@result_option
@click.option(
    "--cancel-on-interrupt", is_flag=True, help="With --wait: Ctrl-C and SIGTERM cancel the job, too."
)
@with_server
def submit(
    file: str,
    connect: Connect,
    form: str | None,
    *,
    wait: bool,
    cancel_on_interrupt: bool,
    **asked: Any,
) -> None:
    """Have a server run the script FILE, or the one on standard input (-), as a job.

    The server has written the job down when this returns: it runs also when the server restarts
    before its turn. Without --wait the id of the job is written to standard output. With --wait
    progress goes to standard error, the result to standard output, and the error of the script
    decides the exit code, as with `mlsql run`; connections that break and servers that restart
    meanwhile do no harm.

    Ctrl-C while waiting leaves the job alone and says how to go on; with --cancel-on-interrupt it
    cancels the job. Files and tables that the script names are those that the server sees.
    """
    script = read_script(file)
    asked["callback"] = _callback(**{name: asked.pop(name) for name in _CALLBACK})
    with exit_codes(), connect() as client:
        with _placed_in(script):
            job = client.submit(script.text, **asked)
        if not wait:
            write_lines(iter([job.id]))
            return
        tell(f"the job {job.id} is submitted")
        with _placed_in(script):
            ended = _follow(client, job, cancels=cancel_on_interrupt)
            ended.raise_for_state()
        write_result(client, ended, form or default_form())


def _callback(
    callback: str | None,
    callback_header: dict[str, str],
    callback_retries: int | None,
    *,
    callback_form: bool,
) -> Callback | None:
    if callback is None:
        if callback_header or callback_form or callback_retries is not None:
            raise click.UsageError("the callback has options, and no address: --callback")
        return None
    from mlsql.client.jobs import Callback

    return Callback(url=callback, headers=callback_header, max_retries=callback_retries, form=callback_form)


def _follow(client: Client, job: Job, *, cancels: bool) -> Job:
    """The job when it has ended; an interrupt leaves it alone or cancels it, and ends the process."""
    from mlsql.cli.progress import progress

    try:
        with _interrupted_by_signals(), progress(sys.stderr, "info") as sink:
            return client.wait(job, progress=sink)
    except KeyboardInterrupt:
        if cancels:
            tell(f"cancelling the job {job.id} …")
            client.cancel(job)
            return client.wait(job, timeout=_CANCEL_SECONDS)
        tell(
            f"the job {job.id} goes on\n"
            f"  hint: mlsql jobs log {job.id} --follow, mlsql jobs result {job.id}, mlsql kill {job.id}"
        )
        sys.exit(EXIT_CODES[Cancelled])


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """A block that SIGTERM and SIGHUP end as Ctrl-C does."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    taken = {each: signal.signal(each, signal.default_int_handler) for each in numbers}
    try:
        yield
    finally:
        for each, before in taken.items():
            signal.signal(each, before)


@contextmanager
def _placed_in(script: Script) -> Iterator[None]:
    """A block whose errors call the script by its name here: the server calls it <script>."""
    try:
        yield
    except MlsqlError as error:
        each: tuple[MlsqlError, ...] = error.errors if isinstance(error, ScriptErrors) else (error,)
        for one in each:
            _place(one, script)
        raise


def _place(error: MlsqlError, script: Script) -> None:
    from mlsql.client.errors import told_span

    span = error.span
    if span is not None and span.script.name == "<script>":
        error.span = told_span(script.name, span.line, span.column, span.excerpt())
