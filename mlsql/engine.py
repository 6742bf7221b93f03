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
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mlsql import stages, udf
from mlsql.bridge.launcher import LocalLauncher
from mlsql.check import errors_of
from mlsql.checker import Checker, scope_without_spark
from mlsql.config import load_settings
from mlsql.diagnostics import Diagnostic
from mlsql.dialect import DIALECTS, Dialect
from mlsql.errors import ConfigError, ScriptError, UnknownName
from mlsql.events import Sink, ignore
from mlsql.grammar import parse
from mlsql.interpreter import Interpreter
from mlsql.model_store import PathModelStore
from mlsql.policy import Policy
from mlsql.roles import Role
from mlsql.session import Run, Session
from mlsql.settings import Settings
from mlsql.spans import Script
from mlsql.spark import SUBSTITUTE, own_session, start_spark, stop_spark
from mlsql.spark_databases import drop_own_database, use_own_database
from mlsql.spark_errors import expect_sql
from mlsql.stop import Stop
from mlsql.variables import Scope

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pyspark.sql import DataFrame, SparkSession

OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Result:
    """What a script gives: its last table, by name and as a frame; both None when it made none."""

    run: Run

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
        """A block that reads the frame as a part of the run: cancelled with it, its errors placed."""
        with self.run.watch(), self.run.guard():
            yield self.frame


class Engine:
    """Runs scripts on one SparkContext; each owner has a session of his own.

    ``Engine(spark)`` uses a Spark session that is there already and leaves it running;
    :meth:`local` starts one and ends it. The given session itself serves the default owner
    (the login name), so the temporary views in it are visible to his scripts. A *launcher* that is
    given serves several engines, and is closed by the caller.
    """

    def __init__(
        self, spark: SparkSession, settings: Settings | None = None, *, launcher: LocalLauncher | None = None
    ) -> None:
        self.settings = settings or load_settings()
        self.spark = spark
        self._owns_spark = False
        self._lock = Lock()
        self._sessions: dict[str, Session] = {}
        self._owners: set[str] = set()  # a fresh run makes a database too, and is not among the sessions
        self._substitute = spark.conf.get(SUBSTITUTE) or "true"
        depth = self.settings.language.include_depth
        self._own_launcher = LocalLauncher() if launcher is None else None
        known = stages.builtins(PathModelStore(), launcher=launcher or self._own_launcher)
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
    ) -> Result:
        """Run the script *text* to its end; *name* is what messages call it by.

        *parameters* are variables from outside; *job* is the id of the run where the caller has
        one already. A *fresh* run shares nothing with others of its owner: its session begins
        empty, and what it leaves is seen by nobody. The *role* decides what the script may where
        owners are apart. Raises MlsqlError: all errors that the text
        shows at once, before anything runs, else the error of the statement that failed.
        """
        script = Script(name, text)
        statements = parse(script)
        owner = owner or default_owner()
        session = self._open_session(owner, fresh=True) if fresh else self.session(owner)
        scope = self._scope(session, job := job or uuid.uuid4().hex, parameters or {}, dialect)
        policy = Policy.from_settings(self.settings, owner, role)
        self._checker.expect_sound(statements, scope, policy)
        run = Run(job, script, session, self.settings, policy, scope, stop or Stop(), sink)
        with run.watch(), run.endings:
            self._interpreter.run(statements, run)
        return Result(run)

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
        tables = [each.name for each in session.spark.catalog.listTables()]
        parse_query = partial(expect_sql, spark=session.spark)
        return self._checker.check(
            Script(name, text),
            scope,
            Policy.from_settings(self.settings, session.owner, role),
            more_variables=not complete,
            tables=tables,
            parse_query=parse_query,
            texts=scope,
        )

    def session(self, owner: str) -> Session:
        """The session of *owner*, made at its first use."""
        with self._lock:
            if owner not in self._sessions:
                self._sessions[owner] = self._open_session(owner)
            return self._sessions[owner]

    def close(self) -> None:
        """Forget the sessions with what they hold, and end Spark when this engine started it."""
        owners, self._owners = self._owners, set()
        self._sessions.clear()
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
        zone = ZoneInfo(session.spark.conf.get("spark.sql.session.timeZone") or "UTC")
        return Scope.for_run(
            owner=session.owner,
            job_name=job,
            home=str(self.settings.paths.root or Path.home()),
            now=datetime.now(zone),
            parameters=parameters,
            lasting=session.variables,
            dialect=_dialect(dialect or self.settings.language.dialect),
        )

    def _open_session(self, owner: str, *, fresh: bool = False) -> Session:
        if not OWNER.fullmatch(owner):
            raise ScriptError(
                f"'{owner}' cannot be an owner",
                hint="lower-case letters, digits, '.', '_', '-'; at most 64, the first a letter or digit",
            )
        is_default = owner == default_owner()
        spark = self.spark if is_default and not fresh else own_session(self.spark)
        spark.conf.set(SUBSTITUTE, "false")
        if not is_default:
            self._owners.add(owner)
            use_own_database(spark, owner)
        udf.register_builtins(spark)
        return Session(owner, spark)


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
