"""Table permissions from a YAML file: which databases are shared with whom, and what is denied to whom.

::

    databases:
      sales:
        readers: {owners: [ann], roles: [operator]}
        writers: {owners: [etl]}
    deny:
      - tables: [sales.customers]
        columns: [phone, email]
      - owners: [intern-*]
        operations: [train, predict]

A database that is not named is closed; what is an owner's own is open to him, unless it is denied. The
file is read once; whatever is wrong with it is told with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml  # type: ignore[import-untyped]  # it ships no types

from mlsql.errors import ConfigError, Refused
from mlsql.names import listed, nearest
from mlsql.policy.permissions import OPERATIONS, Access, Operation, closed_database
from mlsql.roles import Role

T = TypeVar("T")

_WRITING: tuple[Operation, ...] = ("save",)


@dataclass(frozen=True, slots=True)
class Group:
    """Some callers: by patterns of owners, or by roles; who is in one of both."""

    owners: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def has(self, access: Access) -> bool:
        """Whether the caller is one of them."""
        return access.role in self.roles or _matches(self.owners, access.owner)


@dataclass(frozen=True, slots=True)
class Shared:
    """A database that is not one owner's: who reads it, and who writes to it too."""

    readers: Group = field(default_factory=Group)
    writers: Group = field(default_factory=Group)

    def opens(self, access: Access) -> bool:
        """Whether the caller may do that in it; who writes reads too."""
        may_read = access.operation not in _WRITING and self.readers.has(access)
        return may_read or self.writers.has(access)


@dataclass(frozen=True, slots=True)
class Denial:
    """What is denied, by patterns; what is left empty is any. With columns, only what reads one of them."""

    owners: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def concerns(self, access: Access) -> bool:
        """Whether it is about this, whatever columns are read."""
        asked = (access.owner, access.role, access.operation, access.source, access.table)
        patterns = (self.owners, self.roles, self.operations, self.sources, self.tables)
        return all(not some or _matches(some, each) for some, each in zip(patterns, asked, strict=True))

    def columns_of(self, access: Access) -> tuple[str, ...]:
        """The denied columns among those that are used."""
        used = self.columns if access.columns is None else access.columns
        return tuple(each for each in used if _matches(self.columns, each))


@dataclass(frozen=True, slots=True)
class FilePermissions:
    """The permissions that a policy file gives."""

    databases: Mapping[str, Shared] = field(default_factory=dict)
    deny: tuple[Denial, ...] = ()

    def check(self, access: Access, /) -> None:
        """Refuse what no database opens, and what is denied."""
        if access.database is not None:
            shared = self.databases.get(access.database)
            if shared is None or not shared.opens(access):
                raise closed_database(access)
        for each in self.deny:
            if each.concerns(access):
                _refuse(each, access)

    def judges_columns(self, access: Access, /) -> bool:
        """Whether some column of it is denied to the caller."""
        return any(each.columns and each.concerns(access) for each in self.deny)


def read_policy_file(file: Path) -> FilePermissions:
    """The permissions that *file* gives; ConfigError for whatever in it is not known, with its line."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"the policy file '{file}' cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: this is no YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"the policy file '{file}' is no YAML: {error}") from error
    return FilePermissions() if root is None else _Reader(file).permissions(root)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the nodes of one file, which know their lines."""

    file: Path

    def permissions(self, root: yaml.Node) -> FilePermissions:
        known: Mapping[str, Callable[[yaml.Node], Any]] = {
            "databases": self._databases,
            "deny": self._denials,
        }
        return FilePermissions(**self._fields(root, known, "a policy"))

    def _databases(self, node: yaml.Node) -> dict[str, Shared]:
        known = {"readers": self._group, "writers": self._group}
        return {
            name.casefold(): Shared(**self._fields(value, known, f"the database '{name}'"))
            for name, value in self._entries(node, "the databases")
        }

    def _group(self, node: yaml.Node) -> Group:
        known = {"owners": self._texts, "roles": self._roles}
        return Group(**self._fields(node, known, "a group"))

    def _denials(self, node: yaml.Node) -> tuple[Denial, ...]:
        known = {
            "owners": self._texts,
            "roles": self._roles,
            "operations": self._operations,
            "sources": self._texts,
            "tables": self._texts,
            "columns": self._texts,
        }
        return tuple(Denial(**self._fields(each, known, "a denial")) for each in self._items(node, "deny"))

    def _roles(self, node: yaml.Node) -> tuple[str, ...]:
        return self._known_texts(node, "role", [str(each) for each in Role])

    def _operations(self, node: yaml.Node) -> tuple[str, ...]:
        return self._known_texts(node, "operation", OPERATIONS)

    def _known_texts(self, node: yaml.Node, kind: str, known: Sequence[str]) -> tuple[str, ...]:
        texts = self._texts(node)
        for each in texts:
            if each not in known:
                self._fail(node, f"no {kind} is called '{each}': known are {listed(known)}")
        return texts

    def _texts(self, node: yaml.Node) -> tuple[str, ...]:
        return tuple(self._text(each) for each in self._items(node, "these"))

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            self._fail(node, "a text is wanted here")
        text: str = node.value
        return text

    def _items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self._fail(node, f"{what} are a list: [one, another]")
        items: list[yaml.Node] = node.value
        return items

    def _fields(
        self, node: yaml.Node, known: Mapping[str, Callable[[yaml.Node], Any]], what: str
    ) -> dict[str, Any]:
        fields = {}
        for name, value in self._entries(node, what):
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean '{near}'?" if near else f"it has {listed(known)}"
                self._fail(value, f"{what} has no '{name}'; {hint}")
            fields[name] = known[name](value)
        return fields

    def _entries(self, node: yaml.Node, what: str) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} is a mapping: name: value")
        seen: set[str] = set()
        for key, value in node.value:
            name = self._text(key)
            if name in seen:
                self._fail(key, f"'{name}' stands there twice")
            seen.add(name)
            yield name, value

    def _fail(self, node: yaml.Node, message: str) -> NoReturn:
        raise ConfigError(f"{self.file}:{node.start_mark.line + 1}: {message}")


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Whether *text* is like one of the *patterns*, in any case of letters."""
    return any(fnmatchcase(text.casefold(), each.casefold()) for each in patterns)


def _refuse(denial: Denial, access: Access) -> None:
    """Raise what *denial* says of *access*, if its columns are among those that are read."""
    subject = f"'{access.owner}' may not {access.operation} '{access.table}'"
    if not denial.columns:
        raise Refused(f"{subject}: the policy denies it", hint="the operator of this service can tell why")
    columns = denial.columns_of(access)
    if columns:
        hint = "select the columns that are needed, without *" if access.columns is None else None
        raise Refused(f"{subject} with the columns {listed(columns)}: the policy denies it", hint=hint)
