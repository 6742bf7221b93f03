"""A run told in JSON, a line each thing, on standard error: for programs that collect logs.

The lines are those of the service: time, level, logger, message, job, owner.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mlsql.cli.exits import exit_code
from mlsql.config.settings import LoggingSettings
from mlsql.errors import MlsqlError
from mlsql.events import Event, Log
from mlsql.jobs.events import lines_of
from mlsql.jobs.logs import logging_to

log = logging.getLogger(__name__)


@contextmanager
def errors_logged(settings: LoggingSettings, stream: TextIO) -> Iterator[None]:
    """A block whose log goes to *stream* where JSON is asked for; an error is its last line then."""
    if settings.format != "json":
        yield
        return
    with logging_to(stream, level=settings.level, form="json"):
        try:
            yield
        except MlsqlError as error:
            log.error("%s", error)
            sys.exit(exit_code(error))


def log_event(event: Event) -> None:
    """A sink that logs what the log of a job holds."""
    level = logging.getLevelNamesMapping().get(event.level.upper()) if isinstance(event, Log) else None
    for line in lines_of(event):
        log.log(level or logging.INFO, "%s", line)
