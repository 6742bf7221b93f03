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
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mlsql import stages, udf
from mlsql.config import Settings, load_settings
from mlsql.errors import ConfigError, ScriptError
from mlsql.events import Sink, ignore
from mlsql.grammar import parse
from mlsql.interpreter import Interpreter
from mlsql.model_store import DirectoryModelStore
from mlsql.policy import Policy
from mlsql.session import Run, Session
from mlsql.spans import Script
from mlsql.spark import own_session, start_spark, stop_spark
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
    (the login name), so the temporary views in it are visible to his scripts.
    """

    def __init__(self, spark: SparkSession, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.spark = spark
        self._owns_spark = False
        self._lock = Lock()
        self._sessions: dict[str, Session] = {}
        self._interpreter = Interpreter(stages.builtins(DirectoryModelStore()))

    @classmethod
    def local(cls, settings: Settings | None = None) -> Self:
        """An engine on a Spark of its own, in this process; ``close`` or ``with`` ends it."""
        settings = settings or load_settings()
        engine = cls(start_spark(settings), settings)
        engine._owns_spark = True
        return engine

    def run(
        self,
        text: str,
        *,
        name: str = "<script>",
        owner: str | None = None,
        parameters: Mapping[str, str] | None = None,
        sink: Sink = ignore,
        stop: Stop | None = None,
        job: str | None = None,
    ) -> Result:
        """Run the script *text* to its end; *name* is what messages call it by.

        *parameters* are variables from outside; *job* is the id of the run where the caller has
        one already. Raises MlsqlError: all syntax errors at once before anything runs, else the
        error of the statement that failed.
        """
        script = Script(name, text)
        statements = parse(script)
        session = self.session(owner or default_owner())
        run = self._begin(script, session, job or uuid.uuid4().hex, parameters or {}, sink, stop or Stop())
        with run.watch():
            self._interpreter.run(statements, run)
        return Result(run)

    def session(self, owner: str) -> Session:
        """The session of *owner*, made at its first use."""
        with self._lock:
            if owner not in self._sessions:
                self._sessions[owner] = self._open_session(owner)
            return self._sessions[owner]

    def close(self) -> None:
        """Forget the sessions, and end Spark when this engine started it."""
        self._sessions.clear()
        if self._owns_spark:
            stop_spark(self.spark)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(
        self,
        script: Script,
        session: Session,
        job: str,
        parameters: Mapping[str, str],
        sink: Sink,
        stop: Stop,
    ) -> Run:
        zone = ZoneInfo(session.spark.conf.get("spark.sql.session.timeZone") or "UTC")
        scope = Scope.for_run(
            owner=session.owner,
            job_name=job,
            home=str(self.settings.paths.root or Path.home()),
            now=datetime.now(zone),
            parameters=parameters,
        )
        policy = Policy.from_settings(self.settings)
        return Run(job, script, session, self.settings, policy, scope, stop, sink)

    def _open_session(self, owner: str) -> Session:
        if not OWNER.fullmatch(owner):
            raise ScriptError(
                f"'{owner}' cannot be an owner",
                hint="lower-case letters, digits, '.', '_', '-'; at most 64, the first a letter or digit",
            )
        spark = self.spark if owner == default_owner() else own_session(self.spark)
        udf.register_builtins(spark)
        return Session(owner, spark)


def default_owner() -> str:
    """The login name as an owner: in lower case, what no owner may hold replaced by ``-``."""
    try:
        login = getpass.getuser()
    except (OSError, KeyError) as error:
        raise ConfigError("the login name is not known", hint="name the owner with --owner") from error
    return re.sub(r"[^a-z0-9._-]", "-", login.lower()).lstrip("._-")[:64] or "owner"
