"""How the process ends: the class of an error decides the exit code."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from mlsql.cli.output import tell
from mlsql.errors import Cancelled, ConfigError, MlsqlError, RunError, ScriptError, TimedOut
from mlsql.spans import mask_secrets

EXIT_CODES: Mapping[type[MlsqlError], int] = {
    ScriptError: 1,
    ConfigError: 2,
    RunError: 3,
    TimedOut: 4,
    Cancelled: 5,
}
OUR_BUG = 70


def exit_code(error: MlsqlError) -> int:
    """The code of the nearest class that has one."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), OUR_BUG)


@contextmanager
def exit_codes() -> Iterator[None]:
    """A block whose errors are told on standard error and end the process with their code."""
    try:
        yield
    except MlsqlError as error:
        tell(str(error))
        sys.exit(exit_code(error))
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:  # before there was a run to cancel
        tell("cancelled")
        sys.exit(EXIT_CODES[Cancelled])
    except Exception as error:  # noqa: BLE001 -- whatever else escapes is our bug, and is told as one
        tell(_report_of_bug(error))
        sys.exit(OUR_BUG)


def _report_of_bug(error: Exception) -> str:
    """Two lines for the terminal; the traceback is kept in a file if one can be made. Secrets are masked."""
    trace = mask_secrets("".join(traceback.format_exception(error)))
    kind = type(error).__name__
    try:
        with tempfile.NamedTemporaryFile("w", prefix="mlsql-bug-", suffix=".txt", delete=False) as file:
            file.write(trace)
    except OSError:
        return f"{trace}internal error: {kind}\n  the traceback is above; please report it"
    bug = Path(file.name).stem.removeprefix("mlsql-bug-")
    return f"internal error {bug}: {kind}\n  the traceback is in {file.name}; please report it"
