"""``mlsql doctor``: whether this machine has what scripts need, and what to do where it has not."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from mlsql.cli.exits import EXIT_CODES, exit_codes
from mlsql.cli.manual import EXITS, Command
from mlsql.cli.options import settings_of, with_settings
from mlsql.cli.output import write_lines
from mlsql.errors import RunError

if TYPE_CHECKING:
    from mlsql.doctor import Finding


@click.command(
    cls=Command,
    examples=[
        "mlsql doctor",
        "mlsql doctor --without-spark --json",
        "spark-submit --master spark://head:7077 scripts/spark_entry.py doctor",
    ],
    exits={0: "Nothing failed.", 2: EXITS[2], 3: "Something failed.", 70: EXITS[70]},
)
@click.option("--without-spark", is_flag=True, help="Do not start Spark, which takes longest.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON array to standard output.")
@with_settings
def doctor(*, without_spark: bool, as_json: bool, **given: Any) -> None:
    """Check what scripts need here: each line is ok, a warning or failed, with what to do.

    Looked at are Python, Java, the packages of the extras, memory, the folders that are written to
    and the room on their disks, the port of the server, its database, the Kafka broker and the
    MLflow server where they are set, Spark with the Python and the packages of its executors, and
    the connectors on its classpath. Each check has a time limit of its own, so this always ends.
    """
    with exit_codes():
        from mlsql.doctor import MACHINE_CHECKS, SERVICE_CHECKS, SPARK_CHECKS, Outcome, examine

        checks = (*MACHINE_CHECKS, *SERVICE_CHECKS, *(() if without_spark else SPARK_CHECKS))
        found: list[Finding] = []
        findings = _noted(examine(settings_of({}, **given), checks), found)
        write_lines(_as_json(findings) if as_json else _as_text(findings))
    if any(each.outcome is Outcome.FAILED for each in found):
        sys.exit(EXIT_CODES[RunError])


def _noted(findings: Iterable[Finding], notes: list[Finding]) -> Iterator[Finding]:
    for each in findings:
        notes.append(each)
        yield each


def _as_json(findings: Iterable[Finding]) -> Iterator[str]:
    yield json.dumps([dataclasses.asdict(each) for each in findings], ensure_ascii=False, indent=2)


def _as_text(findings: Iterable[Finding]) -> Iterator[str]:
    for each in findings:
        yield f"{each.outcome:8} {each.subject}: {each.told}"
        if each.advice:
            yield f"{'':8} → {each.advice}"
