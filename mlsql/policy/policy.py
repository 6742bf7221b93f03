"""What an owner may: which paths and tables a script may name, which SQL it may run, what else is open to it.

Everything of a script passes here before it is read or run. At the machine everything is allowed that
the machine allows; in the profile ``service`` owners are apart, and what a role is not given is off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Self
from urllib.parse import urlsplit

from mlsql.config.settings import Settings
from mlsql.errors import ConfigError, Refused, ScriptError
from mlsql.policy.jdbc import expect_reachable
from mlsql.policy.paths import PathJail, starts_with
from mlsql.policy.permissions import TABLE, Access, Operation, OwnTables, TablePermissions
from mlsql.roles import Role
from mlsql.spans import Span
from mlsql.sql.commands import RULES
from mlsql.sql.judge import Mention, Plan, SqlRefused, judge
from mlsql.sql.owner_databases import CATALOG, database_of
from mlsql.sql.settings import is_harmless

SERVICE = "service"
_INTERNAL_TOPICS = ("__", "mlsql.")
"""Kafka's own topics, and those in which training data of all owners lies."""


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a script runs in the profile ``service``, and what he may besides his own tables."""

    owner: str
    role: Role
    jdbc: tuple[str, ...] | None = ()
    """Patterns of JDBC URLs; None is any."""
    includes: bool = False
    topics: tuple[str, ...] = ()
    """Patterns of the topics of the operator's Kafka brokers."""
    hosts: tuple[str, ...] = ()
    """Entries like those of ``callbacks.allow``: what of this network may be asked."""
    permissions: TablePermissions = field(default_factory=OwnTables)

    @property
    def database(self) -> str:
        """The caller's own database in Spark's catalog."""
        return database_of(self.owner)


@dataclass(frozen=True, slots=True)
class Policy(PathJail):
    """What the person at this machine may: everything that it allows; or with a *caller*, what he may.

    Paths are judged as :class:`PathJail` says.
    """

    allows_shell: bool = False
    allows_python: bool = True
    programs: tuple[str, ...] = ()
    include_hosts: tuple[str, ...] = ()
    include_repositories: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    caller: Caller | None = None

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        owner: str = "",
        role: Role = Role.OPERATOR,
        permissions: TablePermissions | None = None,
    ) -> Self:
        """The policy that the settings ask for; *permissions* are asked about tables in a service."""
        security, root = settings.security, settings.paths.root
        is_service = security.profile == SERVICE
        if is_service and root is None:
            hint = "it is the folder in which each owner has his own"
            raise ConfigError("the profile 'service' needs the setting paths.root", hint=hint)
        may = security.roles.operator if role is Role.OPERATOR else security.roles.analyst
        return cls(
            root.absolute() / (owner if is_service else "") if root else None,
            settings.paths.allow,
            guards_models=is_service,
            allows_shell="shell" in may if is_service else security.shell,
            allows_python="python" in may if is_service else security.python,
            programs=security.programs,
            include_hosts=settings.include.hosts,
            include_repositories=settings.include.repositories,
            formats=tuple(map(str.casefold, settings.sources.allow)),
            caller=Caller(
                owner,
                role,
                None if "jdbc" in may else settings.jdbc.allow,
                "include" in may,
                settings.sources.topics,
                settings.sources.hosts,
                permissions or OwnTables(),
            )
            if is_service
            else None,
        )

    def sql(
        self,
        read_plan: Callable[[], Plan],
        *,
        span: Span | None = None,
        place: Callable[[int, int], Span] | None = None,
        columns: Callable[[Mention], tuple[str, ...] | None] | None = None,
    ) -> None:
        """Refuse unless a query may be run; at the machine any may, and its plan is not read.

        *place* is where in the script a stretch of the query stands. *columns* are those that it uses
        of a table; where they are not known, what depends on them is left to the run.
        """
        if self.caller is None:
            return
        try:
            mentions = judge(read_plan(), self.caller.database, RULES)
        except SqlRefused as error:
            found = place(*error.at) if place and error.at else span
            raise Refused(error.message, span=found, hint=error.hint) from error
        for each in mentions:
            asked = self._access(each.use, TABLE, each.name, each.database)
            if self.caller.permissions.judges_columns(asked):
                if columns is None:
                    continue
                asked = replace(asked, columns=columns(each))
            self._check(asked, place(*each.at) if place and each.at else span)

    def table(self, name: str, use: Operation = "select", *, span: Span | None = None) -> None:
        """Refuse unless all of a table, ``table`` or ``database.table``, may be used."""
        if self.caller is not None:
            database, _, table = name.rpartition(".")
            database = database.casefold().removeprefix(f"{CATALOG}.")
            if database in ("", self.caller.database):
                self._check(self._access(use, TABLE, table), span)
            else:
                self._check(self._access(use, TABLE, f"{database}.{table}", database), span)

    def access(self, operation: Operation, source: str, table: str, *, span: Span | None = None) -> None:
        """Refuse unless the table permissions let a step do what it is about to; at the machine they do."""
        if self.caller is not None:
            self._check(self._access(operation, source, table), span)

    def _access(self, operation: Operation, source: str, table: str, database: str | None = None) -> Access:
        assert self.caller is not None
        return Access(self.caller.owner, self.caller.role, operation, source, table, database)

    def _check(self, access: Access, span: Span | None) -> None:
        assert self.caller is not None
        try:
            self.caller.permissions.check(access)
        except Refused as error:
            raise error.at(span) from error.__cause__

    def spark_setting(self, name: str, *, span: Span | None = None) -> None:
        """Refuse unless a script may change the setting *name* of Spark."""
        if self.caller is not None and not is_harmless(name):
            raise Refused(f"a script cannot set '{name}' here", span=span)

    def jdbc(self, options: Mapping[str, str], *, span: Span | None = None) -> None:
        """Refuse unless the database that Spark's *options* reach may be connected to in that way."""
        if self.caller is not None and self.caller.jdbc is not None:
            try:
                expect_reachable(options, self.caller.jdbc)
            except Refused as error:
                raise error.at(span) from error.__cause__

    def brokers(self, *, span: Span | None = None) -> None:
        """Refuse unless a script may name Kafka brokers, and how they are reached."""
        if self.caller is not None:
            message = "scripts may not say how Kafka is reached here"
            raise Refused(message, span=span, hint="bridge.kafka.bootstrap_servers names the brokers")

    def topic(self, name: str, *, span: Span | None = None) -> None:
        """Refuse unless a script may read and write the topic *name*."""
        allowed = ("*",) if self.caller is None else self.caller.topics
        is_internal = name.startswith(_INTERNAL_TOPICS) and self.caller is not None
        if is_internal or not any(fnmatchcase(name, each) for each in allowed):
            hint = "the setting sources.topics names those that may be used, as patterns"
            raise Refused(f"the topic '{name}' may not be used here", span=span, hint=hint)

    def spark_format(self, name: str, *, span: Span | None = None) -> None:
        """Refuse unless a script may have Spark read and write the format *name*, or by the class *name*."""
        if self.caller is not None and name.casefold() not in self.formats:
            hint = "the setting sources.allow names those that may be used"
            raise Refused(f"the format '{name}' may not be used here", span=span, hint=hint)

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """What of this network a script may ask besides the public internet; None is anything."""
        return None if self.caller is None else self.caller.hosts

    def shell(self, *, span: Span | None = None) -> None:
        """Refuse unless scripts may run commands on this machine."""
        if not self.allows_shell:
            raise self._off("scripts may not run shell commands here", "shell", span)

    def python(self, *, span: Span | None = None, what: str = "Python") -> None:
        """Refuse unless scripts may bring code of their own: Python, or *what* else is meant."""
        if not self.allows_python:
            raise self._off(f"scripts may not bring {what} of their own here", "python", span)

    def program(self, name: str, *, span: Span | None = None) -> str:
        """The Python program that a script may run its workers with, besides the engine's own."""
        if name not in self.programs:
            allowed = " or ".join(f"'{each}'" for each in ("python", *self.programs))
            raise Refused(
                f"workers may not be run with '{name}'",
                span=span,
                hint=f"{allowed}; the setting security.programs allows others",
            )
        return name

    def include_url(self, url: str, *, span: Span | None = None) -> str:
        """The address of a script that may be included; only ``http`` and ``https`` can be."""
        self._include(span)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ScriptError(
                f"'{url}' is no http address", span=span, hint="it begins with http:// or https://"
            )
        host = parts.netloc.rpartition("@")[2].casefold()
        if not {"*", host}.intersection(map(str.casefold, self.include_hosts)):
            hint = "the setting include.hosts names the hosts that may be read"
            raise Refused(f"scripts may not be included from '{host}'", span=span, hint=hint)
        return url

    def include_repository(self, url: str, *, span: Span | None = None) -> str:
        """The address of a git repository that may be cloned."""
        self._include(span)
        if ".." in url or not any(starts_with(url, each) for each in self.include_repositories):
            hint = "the setting include.repositories says what such addresses may begin with"
            raise Refused(f"libraries may not be cloned from '{url}'", span=span, hint=hint)
        return url

    def _include(self, span: Span | None) -> None:
        if self.caller is not None and not self.caller.includes:
            raise self._off("scripts may not include what other machines hold", "include", span)

    def _off(self, message: str, permission: str, span: Span | None) -> Refused:
        """The error of what is off, and the setting that turns it on."""
        hint = f"the setting security.{permission} allows it"
        if self.caller is not None:
            hint = f"the setting security.roles.{self.caller.role} allows it with '{permission}'"
        return Refused(message, span=span, hint=hint)
