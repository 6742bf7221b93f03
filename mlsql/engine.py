"""The composition root: settings → Spark, registries, model store, interpreter.

::

    with mlsql.Engine.local() as engine:
        engine.run("select 1 as one as t").frame.show()
"""

from __future__ import annotations

import getpass
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlsql import stages
from mlsql.bridge.launcher import LocalLauncher
from mlsql.check.check import errors_of
from mlsql.check.checker import Checker, scope_without_spark
from mlsql.config.loading import load_settings
from mlsql.config.settings import Settings
from mlsql.dates import zone_of
from mlsql.diagnostics import Diagnostic
from mlsql.dialect import DIALECTS, Dialect
from mlsql.errors import ConfigError, UnknownName
from mlsql.events import Sink, ignore
from mlsql.grammar import parse
from mlsql.interpreter import Interpreter
from mlsql.models.store import PathModelStore
from mlsql.owner_sessions import OwnerSessions
from mlsql.policy.file import read_policy_file
from mlsql.policy.permissions import TablePermissions
from mlsql.policy.policy import SERVICE, Policy
from mlsql.registrations import CurrentRegistrations, NoRegistrations, Registrations
from mlsql.roles import Role, expect_owner
from mlsql.session import Run, RunningScripts, Session, expect_allowed
from mlsql.spans import Script
from mlsql.spark.databases import drop_own_database, use_own_database
from mlsql.spark.errors import expect_sql
from mlsql.spark.plans import PlanReader
from mlsql.spark.rows import FirstRows
from mlsql.spark.sessions import RUN_ON_FILES, SUBSTITUTE, let_go, own_session, start_spark, stop_spark
from mlsql.spark.views import Views
from mlsql.stages.registered import restore_functions
from mlsql.stop import Stop
from mlsql.udf.functions import BuiltinFunctions
from mlsql.udf.plugins import plugin_functions
from mlsql.variables import Scope

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pyspark.sql import DataFrame, SparkSession

    from mlsql.templates import Rendered


@dataclass(frozen=True, slots=True)
class Result:
    """What a script gives: its last table, by name and as a frame; both None when it made none."""

    run: Run
    lease: ExitStack = field(default_factory=ExitStack, repr=False)
    """What holds the session; let go of when the frame has been read."""

    @property
    def table(self) -> str | None:
        """The name of the last table; None for a bare result too."""
        return self.run.last.name if self.run.last else None

    @property
    def frame(self) -> DataFrame | None:
        """The last table, lazy."""
        return self.run.last.frame if self.run.last else None

    @contextmanager
    def reading(self) -> Iterator[DataFrame | None]:
        """A block that reads the frame as a part of the run: cancelled with it, its errors placed.

        Behind it the session may be closed; that of a fresh run is.
        """
        with self.lease, self.run.watch(), self.run.guard(self.run.last_span):
            yield self.frame


class Engine:
    """Runs scripts on one SparkContext; each owner has a session of his own.

    ``Engine(spark)`` uses a Spark session that is there already and leaves it running;
    :meth:`local` starts one and ends it. The given session itself serves the default owner
    (the login name), so the temporary views in it are visible to his scripts. A *launcher* that is
    given serves several engines, and is closed by the caller. Where owners are apart, *permissions* are
    asked about their tables, else those of the setting ``security.policy``.
    """

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings | None = None,
        *,
        launcher: LocalLauncher | None = None,
        permissions: TablePermissions | None = None,
    ) -> None:
        self.settings = settings or load_settings()
        self.spark = spark
        self._owns_spark = False
        self._sessions = OwnerSessions(self._open_session, partial(self._open_session, fresh=True), let_go)
        self._owners: set[str] = set()  # a fresh run makes a database too, and is not among the sessions
        self._substitute = spark.conf.get(SUBSTITUTE) or "true"
        depth = self.settings.language.include_depth
        self._builtins = BuiltinFunctions(spark, plugin_functions())
        self._plans, self._views, self._rows = PlanReader(), Views(), FirstRows()
        self._running = RunningScripts()
        self._registrations = CurrentRegistrations()
        if permissions is None and (policy_file := self.settings.security.policy) is not None:
            permissions = read_policy_file(policy_file)
        self._permissions = permissions
        self._own_launcher = LocalLauncher() if launcher is None else None
        known = stages.builtins(
            PathModelStore(),
            launcher=launcher or self._own_launcher,
            formats=self.settings.sources.allow,
        )
        self._interpreter = Interpreter(known, deepest=depth)
        self._checker = Checker.from_settings(self.settings, self._interpreter.stages)

    @classmethod
    def local(cls, settings: Settings | None = None) -> Self:
        """An engine on a Spark of its own, in this process; ``close`` or ``with`` ends it."""
        settings = settings or load_settings()
        engine = cls(start_spark(settings), settings)
        engine._owns_spark = True
        return engine

    def run(  # noqa: PLR0913 - keywords, each with a default
        self,
        text: str,
        *,
        name: str = "<script>",
        owner: str | None = None,
        parameters: Mapping[str, str] | None = None,
        sink: Sink = ignore,
        stop: Stop | None = None,
        job: str | None = None,
        dialect: str | None = None,
        fresh: bool = False,
        role: Role = Role.OPERATOR,
        is_read: bool = False,
    ) -> Result:
        """Run the script *text* to its end; *name* is what messages call it by.

        *parameters* are variables from outside; *job* is the id of the run where the caller has
        one already. A *fresh* run has a session of its own: it begins empty, and nobody sees what it
        leaves there; the owner's database is the same. The *role* decides what the script may where
        where owners are apart. A result that this thread reads at once (*is_read*) goes on being one
        group of Spark jobs with the run. Raises MlsqlError: all errors that the text shows at once,
        before anything runs, else the error of the statement that failed.
        """
        script = Script(name, text)
        stop = stop or Stop()
        stop.check()
        statements = parse(script)
        stop.check()
        owner = owner or default_owner()
        with ExitStack() as lease:
            session = lease.enter_context(self._sessions.using(owner, fresh=fresh))
            scope = self._scope(session, job := job or uuid.uuid4().hex, parameters or {}, dialect)
            policy = self._policy(owner, role)
            self._checker.expect_sound(statements, scope, policy)
            run = Run(job, script, session, self.settings, policy, scope, stop, sink)
            with ExitStack() as brief, run.endings:
                if scope.dialect.lenient_sql:
                    brief.enter_context(session.lenient.during(session.spark))
                (lease if is_read else brief).enter_context(run.watch())
                restore_functions(self._interpreter.stages, run)
                self._interpreter.run(statements, run)
            return Result(run, lease.pop_all())

    def check(
        self,
        text: str,
        *,
        name: str = "<script>",
        owner: str | None = None,
        parameters: Mapping[str, str] | None = None,
        dialect: str | None = None,
        complete: bool = True,
        role: Role = Role.OPERATOR,
    ) -> tuple[Diagnostic, ...]:
        """What :meth:`run` would refuse before it begins, what else is odd, and what Spark cannot parse.

        Unless the *parameters* are *complete*, an undefined variable is only a warning.
        """
        session = self.session(owner or default_owner())
        scope = self._scope(session, "check", parameters or {}, dialect)
        policy = self._policy(session.owner, role)

        def tables() -> list[str]:
            return [each.name for each in session.spark.catalog.listTables()]

        def parse_query(query: Rendered) -> None:
            expect_sql(query, spark=session.spark)
            expect_allowed(query, session, policy)

        return self._checker.check(
            Script(name, text),
            scope,
            policy,
            more_variables=not complete,
            tables=tables,
            parse_query=parse_query,
            texts=scope,
        )

    def session(self, owner: str) -> Session:
        """The session of *owner*, made at its first use."""
        return self._sessions.of(owner)

    @property
    def registrations(self) -> Registrations:
        """Where sessions keep functions beyond their end: nowhere, unless a service gives a place."""
        return self._registrations

    @registrations.setter
    def registrations(self, kept: Registrations) -> None:
        self._registrations.kept = kept

    @property
    def open_sessions(self) -> int:
        """How many owners have one."""
        return len(self._sessions)

    def log_out(self, owner: str) -> None:
        """Forget the session of *owner* with its tables, functions, variables and connections.

        A conflict while scripts run in it.
        """
        self._sessions.log_out(owner)

    def close_idle(self) -> None:
        """Forget the sessions that were not used for as long as ``sessions.idle`` says."""
        self._sessions.close_idle(self.settings.sessions.idle)

    def close(self) -> None:
        """Forget the sessions with what they hold, and end Spark when this engine started it."""
        owners, self._owners = self._owners, set()
        self._sessions.forget()
        if self._own_launcher is not None:
            self._own_launcher.close()
        if self._owns_spark:
            stop_spark(self.spark)
            return
        for owner in owners:
            drop_own_database(self.spark, owner)
        self.spark.conf.set(SUBSTITUTE, self._substitute)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _scope(self, session: Session, job: str, parameters: Mapping[str, str], dialect: str | None) -> Scope:
        zone = zone_of(session.spark.conf.get("spark.sql.session.timeZone") or "UTC")
        return Scope.for_run(
            owner=session.owner,
            job_name=job,
            home=str(self._policy(session.owner).root or Path.home()),
            now=datetime.now(zone),
            parameters=parameters,
            lasting=session.variables,
            dialect=_dialect(dialect or self.settings.language.dialect),
        )

    def _open_session(self, owner: str, *, fresh: bool = False) -> Session:
        is_default = expect_owner(owner) == default_owner() and not self._is_service
        self._make_root(owner)
        spark = self.spark if is_default and not fresh else own_session(self.spark)
        spark.conf.set(SUBSTITUTE, "false")
        if not is_default:
            self._owners.add(owner)
            use_own_database(spark, owner)
        if self._is_service:
            spark.conf.set(RUN_ON_FILES, "false")
        self._builtins.register(spark)
        kept = NoRegistrations() if fresh else self._registrations
        return Session(
            owner,
            spark,
            plans=self._plans,
            views=self._views,
            rows=self._rows,
            registrations=kept,
            running=self._running,
        )

    def _policy(self, owner: str, role: Role = Role.OPERATOR) -> Policy:
        return Policy.from_settings(self.settings, owner, role, self._permissions)

    @property
    def _is_service(self) -> bool:
        """Whether owners are apart, also the one who started this."""
        return self.settings.security.profile == SERVICE

    def _make_root(self, owner: str) -> None:
        """Make the folder that the paths of *owner* begin in, where owners are apart."""
        root = self.settings.paths.root
        if not self._is_service or root is None:
            return
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            (root / owner).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(
                f"the folder of '{owner}' in paths.root cannot be made: {error.strerror}",
                hint="the user that the server runs as has to be able to write there",
            ) from error


def check_script(
    script: Script,
    settings: Settings,
    *,
    parameters: Mapping[str, str] | None = None,
    dialect: str | None = None,
    complete: bool = False,
) -> tuple[Diagnostic, ...]:
    """What can be known of *script* where there is no Spark.

    Unless the *parameters* are *complete*, an undefined variable is only a warning: it may come
    from outside, or from an earlier script of the session.
    """
    scope = scope_without_spark(parameters or {}, _dialect(dialect or settings.language.dialect))
    policy = Policy.from_settings(settings)
    return Checker.from_settings(settings).check(script, scope, policy, more_variables=not complete)


def refuse_unsound(
    script: Script, settings: Settings, parameters: Mapping[str, str], dialect: str | None
) -> None:
    """Raise what would stop a run of *script* in a session of its own before it begins."""
    error = errors_of(check_script(script, settings, parameters=parameters, dialect=dialect, complete=True))
    if error is not None:
        raise error


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise UnknownName("dialect", name, DIALECTS)
    return DIALECTS[name]


def default_owner() -> str:
    """The login name as an owner: in lower case, what no owner may hold replaced by ``-``."""
    try:
        login = getpass.getuser()
    except (OSError, KeyError) as error:
        raise ConfigError("the login name is not known", hint="name the owner with --owner") from error
    return re.sub(r"[^a-z0-9._-]", "-", login.lower()).lstrip("._-")[:64] or "owner"
