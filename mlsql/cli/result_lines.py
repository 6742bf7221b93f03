"""The last table of a run as the lines that the command line writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlsql.cli.terminal import TABLE_ROWS, count_line, table_lines, terminal_width
from mlsql.results.formats import csv_lines, json_lines, read_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def result_lines(frame: DataFrame | None, form: str) -> Iterator[str]:
    """The rows of *frame* as ``table``, ``json`` or ``csv``; without one an empty array in JSON."""
    if frame is None:
        return iter(["[]"] if form == "json" else [])
    if form == "table":
        return table_output(frame)
    return (json_lines if form == "json" else csv_lines)(read_rows(frame))


def table_output(frame: DataFrame) -> Iterator[str]:
    """The first rows as a table, and under it how many there are."""
    rows = read_rows(frame, TABLE_ROWS + 1)
    shown = rows.take(TABLE_ROWS)
    total = frame.count() if rows.take(1) else len(shown)
    yield from table_lines(rows.columns, shown, terminal_width(sys.stdout))
    yield count_line(len(shown), total)
