"""What stands behind the application: jobs, their files, the check of scripts; opened and closed together."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from mlsql.config.settings import Settings
from mlsql.database import open_database, private_folder, state_folder
from mlsql.diagnostics import Diagnostic
from mlsql.engine import Engine
from mlsql.errors import ConfigError
from mlsql.jobs.callbacks import Callbacks
from mlsql.jobs.jobs import Jobs
from mlsql.jobs.queue import Limits
from mlsql.jobs.results import ResultFolders
from mlsql.jobs.store import JobStore
from mlsql.jobs.sweeper import Sweeper
from mlsql.jobs.turns import Work
from mlsql.registration_store import DatabaseRegistrations
from mlsql.registrations import NoRegistrations, Registrations
from mlsql.rest.addresses import asks_for_tokens
from mlsql.rest.callbacks import open_callbacks
from mlsql.rest.chores import now_and_then
from mlsql.rest.cluster import Cluster, NoCluster, SparkCluster
from mlsql.rest.counted_scorers import CountedScorers
from mlsql.rest.metrics import Counts, Metrics
from mlsql.rest.readiness import Readiness, has_room, writes
from mlsql.rest.scorers import NoScorers, Scorers
from mlsql.roles import Role
from mlsql.script_jobs import ScriptWork
from mlsql.tokens import TokenStore
from mlsql.udf.serving.pool import ScorerPool

NO_CLUSTER = NoCluster()
NO_SCORERS, NO_REGISTRATIONS = NoScorers(), NoRegistrations()
_LONGEST_SECONDS = 60.0
"""How often idle sessions are looked for at least."""


class Check(Protocol):
    """Finds what is wrong with a script before it runs."""

    def __call__(
        self,
        text: str,
        /,
        *,
        owner: str | None,
        parameters: Mapping[str, str],
        dialect: str | None,
        role: Role,
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
    cluster: Cluster
    callbacks: Callbacks
    readiness: Readiness
    tokens: TokenStore | None = None
    """What callers have to show; None where only the person at the machine reaches the server."""
    metrics: Metrics = field(default_factory=Metrics)
    registrations: Registrations = NO_REGISTRATIONS
    """The functions of owners, which outlive their sessions."""
    scorers: Scorers = NO_SCORERS
    """What answers them without Spark."""


@contextmanager
def engine_service(engine: Engine) -> Iterator[Service]:
    """The service whose jobs run on *engine*; the caller closes the engine."""
    work = ScriptWork(engine, result_folders(engine.settings))
    opened = open_service(engine.settings, work, engine.check, SparkCluster(engine))
    seconds = min(_LONGEST_SECONDS, max(1.0, engine.settings.sessions.idle / 2))
    with opened as service, now_and_then(engine.close_idle, seconds, "idle sessions"):
        engine.registrations = service.registrations
        try:
            yield service
        finally:
            engine.registrations = NoRegistrations()


@contextmanager
def open_service(
    settings: Settings, work: Work, check: Check, cluster: Cluster = NO_CLUSTER
) -> Iterator[Service]:
    """A service whose jobs do *work*; jobs that an earlier one left are recovered first."""
    state, results = private_folder(state_folder(settings)), result_folders(settings)
    with _alone_in(state):
        private_folder(results.root)
        database = open_database(settings.jobs.database, state)
        store = JobStore(database)
        sweeper = Sweeper(store, results, settings.jobs.result_ttl, settings.jobs.history)
        metrics, functions = Metrics(), DatabaseRegistrations(database)
        try:
            with (
                ScorerPool(settings.serving, sockets_folder(settings), functions) as scorers,
                open_callbacks(settings, database, results) as callbacks,
                Jobs(
                    store,
                    metrics.counting(work),
                    _limits(settings),
                    results,
                    delivery_written=callbacks.wake,
                    job_ended=metrics.ended,
                ) as jobs,
            ):
                sweeper.start()
                parts = {"spark": cluster.answer, "database": writes(database), "state": has_room(state)}
                tokens = TokenStore(database) if asks_for_tokens(settings) else None
                counts = Counts(store.counts, callbacks.tally.snapshot, cluster.sessions, scorers.figures)
                metrics.count(counts)
                yield Service(
                    settings,
                    jobs,
                    results,
                    check,
                    cluster,
                    callbacks,
                    Readiness(parts),
                    tokens,
                    metrics,
                    registrations=scorers.registrations,
                    scorers=CountedScorers(scorers, metrics) if settings.serving.scorers else NO_SCORERS,
                )
        finally:
            sweeper.stop()
            database.dispose()


def service_settings(settings: Settings) -> Settings:
    """*settings* as a server runs with them: unless they say otherwise, owners are apart.

    Then paths begin in a root; without ``paths.root`` it is a folder beside the database.
    """
    security, paths = settings.security, settings.paths
    if security.profile == "auto":
        security = replace(security, profile="service")
    if security.profile == "service" and paths.root is None:
        paths = replace(paths, root=private_folder(state_folder(settings)).absolute() / "files")
    return replace(settings, security=security, paths=paths)


def result_folders(settings: Settings) -> ResultFolders:
    """Where the files of jobs lie."""
    limits = settings.jobs
    return ResultFolders(state_folder(settings) / "jobs", limits.result_rows, limits.result_bytes)


def sockets_folder(settings: Settings) -> Path:
    """Where programs of this machine find the scorers."""
    return settings.serving.sockets or state_folder(settings) / "scorers"


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
