"""The result of a job of a server on standard output, in the forms that ``mlsql run`` knows."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from mlsql.cli.output import write_bytes, write_lines

if TYPE_CHECKING:
    from mlsql.client.client import Client
    from mlsql.client.jobs import Job

STORED_FORMS = ("json", "csv", "arrow", "parquet")

result_option = click.option(
    "--result",
    "form",
    type=click.Choice(["table", "json", "csv", "none"]),
    help="How the last table is written to standard output: table (the first 50 rows; the default on a"
    " terminal), json (one array of all rows; the default elsewhere), csv, none.",
)


def default_form() -> str:
    """The form of a result that nobody asked for: a table for people, JSON for programs."""
    return "table" if sys.stdout.isatty() else "json"


def write_result(client: Client, job: Job, form: str) -> None:
    """The rows that were kept; of a script without a table an empty array in JSON, else nothing."""
    if form == "none":
        return
    if job.result is None:
        write_lines(iter(["[]"] if form == "json" else []))
    elif form == "table":
        write_lines(_table(client, job, job.result.rows))
    else:
        write_stored(client, job.id, form)


def write_stored(client: Client, job: str, form: str, *, limit: int | None = None, offset: int = 0) -> None:
    """The rows of a job as they are stored, piece by piece."""
    with client.result_stream(job, form, limit=limit, offset=offset) as chunks:
        write_bytes(chain(chunks, [b"\n"] if form == "json" else []))


def _table(client: Client, job: Job, total: int) -> Iterator[str]:
    from mlsql.cli.terminal import TABLE_ROWS, count_line, table_lines, terminal_width

    header = client.result(job, "csv", limit=0).decode()
    columns = next(csv.reader(io.StringIO(header)))
    rows = json.loads(client.result(job, "json", limit=TABLE_ROWS))
    values = [[row.get(name) for name in columns] for row in rows]
    yield from table_lines(columns, values, terminal_width(sys.stdout))
    yield count_line(len(rows), total)
