"""What stands behind the application: jobs, their files, the check of scripts; opened and closed together."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from mlsql.config import data_folder
from mlsql.database import open_database, private_folder
from mlsql.diagnostics import Diagnostic
from mlsql.engine import Engine
from mlsql.errors import ConfigError
from mlsql.job_queue import Limits
from mlsql.job_results import ResultFolders
from mlsql.job_store import JobStore
from mlsql.job_sweeper import Sweeper
from mlsql.job_turns import Work
from mlsql.jobs import Jobs
from mlsql.script_jobs import ScriptWork, spark_tasks
from mlsql.settings import Settings


class Check(Protocol):
    """Finds what is wrong with a script before it runs."""

    def __call__(
        self, text: str, /, *, owner: str | None, parameters: Mapping[str, str], dialect: str | None
    ) -> tuple[Diagnostic, ...]:
        """Errors and warnings, in the order of the text."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """The application's surroundings; a test gives a *check* and work that need no Spark."""

    settings: Settings
    jobs: Jobs
    results: ResultFolders
    check: Check
    tasks: Callable[[str], Mapping[str, int] | None]
    """The Spark tasks of a job that runs."""


def _no_tasks(_job: str) -> None:
    """What is known where there is no Spark."""


@contextmanager
def engine_service(engine: Engine) -> Iterator[Service]:
    """The service whose jobs run on *engine*; the caller closes the engine."""
    results = result_folders(engine.settings)
    work, tasks = ScriptWork(engine, results), partial(spark_tasks, engine.spark)
    with open_service(engine.settings, work, engine.check, tasks) as service:
        yield service


@contextmanager
def open_service(
    settings: Settings, work: Work, check: Check, tasks: Callable[[str], Mapping[str, int] | None] = _no_tasks
) -> Iterator[Service]:
    """A service whose jobs do *work*; jobs that an earlier one left are recovered first."""
    state, results = private_folder(state_folder(settings)), result_folders(settings)
    with _alone_in(state):
        private_folder(results.root)
        database = open_database(settings.jobs.database, state)
        store = JobStore(database)
        sweeper = Sweeper(store, results, settings.jobs.result_ttl)
        try:
            with Jobs(store, work, _limits(settings), results) as jobs:
                sweeper.start()
                yield Service(settings, jobs, results, check, tasks)
        finally:
            sweeper.stop()
            database.dispose()


def result_folders(settings: Settings) -> ResultFolders:
    """Where the files of jobs lie."""
    limits = settings.jobs
    return ResultFolders(state_folder(settings) / "jobs", limits.result_rows, limits.result_bytes)


def state_folder(settings: Settings) -> Path:
    """The folder of the server's database and files."""
    return settings.server.state or data_folder() / "server"


def _limits(settings: Settings) -> Limits:
    jobs = settings.jobs
    return Limits(jobs.concurrency, jobs.per_owner or jobs.concurrency, jobs.queue)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """A block in which no other server uses *folder*: it would take this one's jobs for lost."""
    file = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"another server uses the state folder {folder}", hint="each needs its own server.state"
            ) from error
        yield
    finally:
        os.close(file)
