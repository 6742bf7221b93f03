"""A session, which is an owner's and lives long, and a run, which is one script in it.

Stages get ``(step, run)``. Every path passes ``run.policy.path`` and every SQL text
:meth:`Run.sql`: nothing else in the stages reads a path or hands text to Spark.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlsql.config.settings import Settings
from mlsql.errors import DataError, MissingPath, MlsqlError, UnknownName
from mlsql.events import Event, Log, Sink, StatementStarted, ignore
from mlsql.file_systems import hint_of_near
from mlsql.grammar.nodes import Statement, Word
from mlsql.grammar.query_names import table_names
from mlsql.models.manifest import Column
from mlsql.options import Options, read_options, unknown_options
from mlsql.policy.policy import Policy
from mlsql.registrations import NoRegistrations, Registrations
from mlsql.spans import Script, Span
from mlsql.spark.ansi import LenientSql
from mlsql.spark.errors import spark_errors, sql_error
from mlsql.spark.plans import PlanReader
from mlsql.spark.rows import FirstRows, lazy_rows
from mlsql.spark.sessions import CANCEL_AGAIN_SECONDS, cancel_jobs, job_group
from mlsql.spark.views import Views
from mlsql.stop import Stop
from mlsql.templates import Rendered
from mlsql.variables import Definition, Scope

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

T = TypeVar("T")

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
COMMAND = "command"
"""The table of one row that always exists, for algorithms that need no input."""


@dataclass(frozen=True, slots=True)
class Table:
    """The outcome of a step that made a table: its name (None for a bare result) and frame."""

    name: str | None
    frame: DataFrame


@dataclass(frozen=True, slots=True)
class Nothing:
    """The outcome of a step that has no rows to show (``set``)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Statements to run next, with the variables that hold in them alone."""

    statements: tuple[Statement, ...]
    bindings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Splice:
    """The outcome of a step that stands for others: an include, a macro, a branch, a loop.

    The last table that they make gets the name *output* too.
    """

    passages: tuple[Passage, ...]
    output: Word | None = None


UNCHANGED = Splice(())
"""The outcome of a step that leaves the result of the script what it is (``!println``)."""


Outcome = Table | Nothing | Splice


@dataclass(frozen=True, slots=True)
class FunctionSignature:
    """How a registered function is called: ``f(a double, b double) -> string``."""

    name: str
    parameters: tuple[Column, ...]
    output: str
    companion_of: str | None = None
    """The function that it came with, and goes with."""
    doc: str | None = field(default=None, compare=False, repr=False)
    """What it does, as who made it says."""

    def __str__(self) -> str:
        parameters = ", ".join(f"{_written(each.name)} {each.type}" for each in self.parameters)
        return f"{self.name}({parameters}) -> {self.output}"


@dataclass(frozen=True, slots=True)
class Connection:
    """What ``connect`` gives an alias: a format, and the options by which it is reached."""

    format: str
    options: Options = field(repr=False)


class RunningScripts:
    """The runs of one engine that have begun and not ended, those of all owners."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    @contextmanager
    def listed(self, run: Run) -> Iterator[None]:
        """A block in which *run* is among them."""
        with self._lock:
            self._runs[run.id] = run
        try:
            yield
        finally:
            with self._lock:
                self._runs.pop(run.id, None)

    def of(self, owner: str) -> list[Run]:
        """Those of *owner*, the oldest first."""
        with self._lock:
            return [run for run in self._runs.values() if run.session.owner == owner]


@dataclass(slots=True)
class Session:
    """What an owner keeps from one script to the next."""

    owner: str
    spark: SparkSession
    functions: dict[str, FunctionSignature] = field(default_factory=dict)
    variables: dict[str, Definition] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    plans: PlanReader = field(default_factory=PlanReader)
    views: Views = field(default_factory=Views)
    rows: FirstRows = field(default_factory=FirstRows)
    lenient: LenientSql = field(default_factory=LenientSql)
    registrations: Registrations = field(default_factory=NoRegistrations)
    """Where functions are kept beyond this session."""
    running: RunningScripts = field(default_factory=RunningScripts)
    """What runs in this engine, also in other sessions."""
    restoring: threading.Lock = field(default_factory=threading.Lock)
    is_restored: bool = False
    """Whether the functions that were kept are here again."""


@dataclass(slots=True)
class Run:
    """One script in a session: its variables, policy, events and the stop that ends it."""

    id: str
    script: Script
    session: Session
    settings: Settings
    policy: Policy
    scope: Scope
    stop: Stop = field(default_factory=Stop)
    sink: Sink = ignore
    last: Table | None = None
    last_span: Span | None = None
    """The statement that made it: where its rows fail when nothing says more."""
    last_command: Table | None = None
    last_name: str | None = None
    statement: StatementStarted | None = None
    """The one that runs, or ran last."""
    endings: ExitStack = field(default_factory=ExitStack)
    """What is let go of when the run ends, however it ends."""
    _queries: dict[str, Rendered] = field(default_factory=dict)
    _is_watched: bool = False

    @property
    def spark(self) -> SparkSession:
        """The owner's Spark session; ``getActiveSession`` may be another's."""
        return self.session.spark

    def emit(self, event: Event) -> None:
        """Tell whoever listens to this run."""
        if isinstance(event, StatementStarted):
            self.statement = event
        self.sink(event)

    def remember(self, *, by_command: bool) -> None:
        """Keep the last result for those who ask for it later: as a command's, or by its name."""
        if by_command:
            self.last_command = self.last
        if self.last is not None and self.last.name is not None:
            self.last_name = self.last.name

    def read_options(self, kind: type[T], given: Options, *, owner: str, span: Span | None = None) -> T:
        """An instance of *kind*; what it does not declare is an error, or in a tolerant dialect a warning."""
        if self.scope.dialect.tolerates_unknown_options:
            given = self._known(kind, given, owner, span)
        return read_options(kind, given, owner=owner, span=span)

    def sql(self, query: Rendered) -> DataFrame:
        """The lazy rows of *query*; what Spark refuses is an error placed in the script."""
        self._queries[query.text] = query
        with self.guard(query.span):
            self._offer_command(query.text)
            expect_allowed(query, self.session, self.policy, is_run=True)
            return lazy_rows(self.spark, query.text)

    def _offer_command(self, query: str) -> None:
        """Make the table that always exists, when *query* reads it."""
        asked = COMMAND in query.casefold() and any(
            each.name.casefold() == COMMAND for each in table_names(query)
        )
        if asked and not self.spark.catalog.tableExists(COMMAND):
            self._command_table().createOrReplaceTempView(COMMAND)

    def _command_table(self) -> DataFrame:
        return self.spark.range(1).selectExpr(f"id as {COMMAND}")

    def read_text(self, path: str, *, span: Span | None = None) -> str:
        """The text of the file at *path*, which the policy has judged; UTF-8."""
        if "://" in path:
            with self.guard(span):
                row = self.spark.read.text(path, wholetext=True).first()
            return row.value if row is not None else ""
        return read_local_text(path, span=span)

    def define(self, table: Word, frame: DataFrame) -> Table:
        """Name *frame*: a temporary view of the session, which replaces one of that name."""
        self.session.views.name(frame, table.text)
        return Table(table.text, frame)

    def table(self, name: Word) -> DataFrame:
        """The frame that a script calls *name*, be it ``database.table`` of Spark's catalog.

        An unknown one is told with the nearest known.
        """
        self.policy.table(name.text, span=name.span)
        if name.text.casefold() == COMMAND:
            return self._command_table()
        for written in (quoted(name.text), ".".join(map(quoted, name.text.split(".")))):
            if self.spark.catalog.tableExists(written):
                return self.spark.table(written)
        known = [each.name for each in self.spark.catalog.listTables()]
        raise UnknownName("table", name.text, known, span=name.span)

    @contextmanager
    def guard(self, span: Span | None = None) -> Iterator[None]:
        """A block whose errors leave as ours, placed in the query that they came from or at *span*.

        A cancelled Spark job or worker fails in many ways: the stop decides what it was.
        """
        try:
            self.stop.check()
            yield
        except MlsqlError as error:
            raise (self.stop.reason or error).at(span) from error.__cause__
        except spark_errors() as error:
            raise (self.stop.reason or self._placed(error)).at(span) from error

    @contextmanager
    def watch(self) -> Iterator[None]:
        """A block whose Spark jobs are one group, which a cancel or the deadline ends at once.

        A block within such a block adds nothing.
        """
        if self._is_watched:
            yield
            return
        cancel = partial(cancel_jobs, self.spark, self.id)
        ending = self.stop.ending(cancel, again=CANCEL_AGAIN_SECONDS)
        group = job_group(self.spark, self.id, self.script.name)
        with self.session.running.listed(self), self.stop.timer(), ending, group:
            self._is_watched = True
            try:
                yield
            finally:
                self._is_watched = False

    def _known(self, kind: type[Any], given: Options, owner: str, span: Span | None) -> Options:
        unknown = unknown_options(kind, given, owner=owner, span=span)
        for error in unknown:
            self.emit(Log(f"{error.message}; it has no effect", "warning"))
        names = {error.option for error in unknown}
        return {key: value for key, value in given.items() if key not in names}

    def _placed(self, error: Exception) -> MlsqlError:
        return sql_error(error, self._queries, self.spark)


def expect_allowed(query: Rendered, session: Session, policy: Policy, *, is_run: bool = False) -> None:
    """Refuse unless *policy* lets *query* run; fails as Spark's parser does.

    Before the run the tables may not be there yet, so what depends on their columns is left to it.
    """
    policy.sql(
        partial(session.plans.read, session.spark, query.text),
        span=query.span,
        place=query.source_span,
        columns=partial(session.plans.columns, session.spark, query.text) if is_run else None,
    )


def read_local_text(path: str, *, span: Span | None = None) -> str:
    """The text of a file of this machine, which the policy has judged; UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MissingPath(path, span=span, hint=hint_of_near(path)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"'{path}' cannot be read: {error}", span=span) from error


def _written(name: str) -> str:
    """*name* as a query has to write it."""
    return name if _PLAIN_NAME.fullmatch(name) else quoted(name)


def quoted(name: str) -> str:
    """*name* in backquotes, as Spark takes any name.

    >>> quoted("a `b`")
    '`a ``b```'
    """
    return "`" + name.replace("`", "``") + "`"
