"""``mlsql jobs`` and ``mlsql kill``: look at the jobs of a server, and end them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import EXIT_CODES, exit_codes
from mlsql.cli.manual import Command, GroupCommand
from mlsql.cli.output import tell, write_bytes, write_lines
from mlsql.cli.results import STORED_FORMS, write_stored
from mlsql.cli.server_options import Connect, with_server
from mlsql.errors import ScriptError
from mlsql.jobs.states import JobState

if TYPE_CHECKING:
    from mlsql.client.client import Client
    from mlsql.client.jobs import Job

_FOLLOW_SECONDS = 1.0
_COLUMNS = ("id", "name", "owner", "state", "submitted", "seconds")

_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, as the server tells it.")
_job = click.argument("job", metavar="ID")


@click.group(
    cls=GroupCommand,
    invoke_without_command=True,
    examples=[
        "mlsql jobs --state running --state queued",
        "mlsql jobs --owner ann --limit 5 --json",
        "mlsql jobs show 8f14e45fceea167a5a36dedd4bea2543",
    ],
)
@click.option(
    "--state",
    "states",
    type=click.Choice([each.value for each in JobState]),
    multiple=True,
    help="Only jobs in this state; repeatable.",
)
@click.option("--owner", help="Only jobs of this owner; an analyst sees his own in any case.")
@click.option("--name", help="Only jobs of this name.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many are shown at most."
)
@_as_json
@with_server
def jobs(connect: Connect, limit: int, *, as_json: bool, **asked: Any) -> None:
    """List the jobs of a server, the newest first, or look at one of them.

    Options of the server may stand behind `jobs` or behind the command below it.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    with exit_codes(), connect() as client:
        found = [*client.jobs(limit=limit, **asked)]
        write_lines(iter([_json([each.told for each in found])]) if as_json else _table(found))


@jobs.command(cls=Command, examples=["mlsql jobs show 8f14e45fceea167a5a36dedd4bea2543 --json"])
@_job
@_as_json
@with_server
def show(job: str, connect: Connect, *, as_json: bool) -> None:
    """Show the job ID: its state, its times, the statement that runs, its error."""
    with exit_codes(), connect() as client:
        found = client.job(job)
        write_lines(iter([_json(found.told)]) if as_json else _card(found))


@jobs.command(cls=Command, examples=["mlsql jobs log 8f14e45fceea167a5a36dedd4bea2543 --follow"])
@_job
@click.option("--follow", is_flag=True, help="Go on until the job ends.")
@with_server
def log(job: str, connect: Connect, *, follow: bool) -> None:
    """Write the log of the job ID to standard output."""
    with exit_codes(), connect() as client:
        offset, has_ended = 0, False
        while True:
            text, offset = client.log(job, offset=offset)
            write_bytes([text.encode()])
            if text:
                continue
            if has_ended or not follow:
                return
            has_ended = client.job(job).state.is_end
            time.sleep(0.0 if has_ended else _FOLLOW_SECONDS)


@jobs.command(
    cls=Command,
    examples=[
        "mlsql jobs result 8f14e45fceea167a5a36dedd4bea2543 --format csv | head",
        "mlsql jobs result 8f14e45fceea167a5a36dedd4bea2543 --format parquet > rows.parquet",
    ],
)
@_job
@click.option(
    "--format",
    "form",
    type=click.Choice(STORED_FORMS),
    default="json",
    show_default=True,
    help="json (one array), csv, arrow (an IPC stream) or parquet.",
)
@click.option("--limit", type=click.IntRange(0), help="How many rows at most; by default all that were kept.")
@click.option(
    "--offset", type=click.IntRange(0), default=0, show_default=True, help="How many rows are left out first."
)
@with_server
def result(job: str, connect: Connect, form: str, limit: int | None, offset: int) -> None:
    """Write the rows of the job ID, which has succeeded, to standard output."""
    if form in ("arrow", "parquet") and sys.stdout.isatty():
        raise click.UsageError(f"{form} is nothing for a terminal: redirect it into a file")
    with exit_codes(), connect() as client:
        write_stored(client, job, form, limit=limit, offset=offset)


@click.command(cls=Command, examples=["mlsql kill 8f14e45fceea167a5a36dedd4bea2543"])
@click.argument("jobs", metavar="ID…", nargs=-1, required=True)
@with_server
def kill(jobs: Sequence[str], connect: Connect) -> None:
    """Cancel each job ID of a server, whether it waits or runs.

    A job that runs is `cancelled` when all that it started has ended; until then `mlsql jobs show`
    says that this was asked for. One that has ended is an error, which keeps no other from its end.
    """
    with exit_codes(), connect() as client:
        killed = [_kill(client, each) for each in jobs]
        if not all(killed):
            sys.exit(EXIT_CODES[ScriptError])


def _kill(client: Client, job: str) -> bool:
    """Whether it could be told to end; says so."""
    try:
        told = client.cancel(job)
    except ScriptError as error:
        tell(str(error))
        return False
    tell(f"the job {told.id} is {told.state if told.state.is_end else 'being cancelled'}")
    return True


def _table(found: Sequence[Job]) -> Iterator[str]:
    from mlsql.cli.terminal import table_lines, terminal_width

    if not found:
        tell("no job is there")
        return
    yield from table_lines(_COLUMNS, [_row(each) for each in found], terminal_width(sys.stdout))


def _row(job: Job) -> tuple[Any, ...]:
    name = "" if job.name == job.id else job.name
    return (job.id, name, job.owner, _state(job), _time(job.submitted), _seconds(job))


def _card(job: Job) -> Iterator[str]:
    """What there is to say of one job, a line each."""
    statement, result = job.statement, job.result
    told = {
        "id": job.id,
        "name": job.name,
        "owner": job.owner,
        "state": _state(job),
        "attempt": job.attempt if job.attempt > 1 else None,
        "submitted": _time(job.submitted),
        "started": _time(job.started),
        "ended": _time(job.ended),
        "seconds": _seconds(job),
        "statement": statement and "[{number}/{total}] line {line}: {title}".format(**statement),
        "result": result and f"{result.rows} rows until {_time(result.expires)}",
        "error": job.error,
    }
    width = max(map(len, told))
    for name, value in told.items():
        if value is not None:
            yield f"{name:{width}}  " + str(value).replace("\n", "\n" + " " * (width + 2))


def _state(job: Job) -> str:
    is_awaited = job.cancel_requested and not job.state.is_end
    return f"{job.state}, to be cancelled" if is_awaited else job.state.value


def _seconds(job: Job) -> float | None:
    """How long it has run."""
    if job.started is None:
        return None
    return round(((job.ended or datetime.now(UTC)) - job.started).total_seconds(), 1)


def _time(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%d %H:%M:%S}Z"


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2)
