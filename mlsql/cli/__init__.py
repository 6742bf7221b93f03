"""The command line: ``mlsql run``, ``serve``, ``submit`` …; the one package that prints and exits.

Standard output holds the result and nothing else; progress, log and errors go to standard
error. The class of an error decides the exit code::

    0 ok · 1 script or data · 2 usage or settings · 3 cluster, broker, worker · 4 timeout
    5 cancelled · 70 our bug

A command is a module of its own, which is imported when somebody asks for it.
"""

from __future__ import annotations

import click

from mlsql.cli.exits import EXIT_CODES, exit_code
from mlsql.cli.lazy import LazyGroup
from mlsql.cli.output import write_lines

__all__ = ["EXIT_CODES", "exit_code", "main", "write_lines"]

COMMANDS = {
    "run": "mlsql.cli.run:run",
    "check": "mlsql.cli.check:check",
    "fmt": "mlsql.cli.fmt:fmt",
    "serve": "mlsql.cli.serve:serve",
    "submit": "mlsql.cli.submit:submit",
    "jobs": "mlsql.cli.jobs:jobs",
    "kill": "mlsql.cli.jobs:kill",
    "token": "mlsql.cli.token:token",
    "config": "mlsql.cli.config:config",
    "connectors": "mlsql.cli.connectors:connectors",
    "doctor": "mlsql.cli.doctor:doctor",
}


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="mlsql", message="%(prog)s %(version)s")
def main() -> None:
    """Run MLSQL scripts on Spark: load, select, train, register, predict."""
