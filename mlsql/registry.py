"""Names → implementations: an instance that is handed around, never a global.

A composition root (``engine``, ``bridge.worker``) fills it from each package's ``builtins()``
and from entry points; everything below only looks up. A target may be named as
``"package.module:attribute"`` and is then imported at its first use, so that a missing
TensorFlow hurts only the scripts that use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Generic, TypeVar, cast

from mlsql.errors import ConfigError, UnknownName
from mlsql.spans import Span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One name, what it stands for (or the dotted place of that), and who added it."""

    name: str
    target: T | str
    added_by: str = "mlsql"


class Registry(Generic[T]):
    """The implementations of one kind by name, looked up without regard to case.

    >>> fruits: Registry[int] = Registry("fruit")
    >>> fruits.add("Apple", 1)
    >>> fruits.get("apple")
    1
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[T]] = {}
        self._retired: dict[str, str] = {}

    def add(self, name: str, target: T | str, *, added_by: str = "mlsql") -> None:
        """Give *target* the *name*; a name that is taken is the operator's error."""
        taken = self._entries.get(name.casefold())
        if taken is not None:
            raise ConfigError(
                f"{added_by} adds the {self.kind} '{name}', which {taken.added_by} has added before"
            )
        self._entries[name.casefold()] = Entry(name, target, added_by)

    def rename(self, names: Mapping[str, str]) -> None:
        """Let what has a new name be asked for by its old one too, unless that is another's: old to new."""
        for old, new in names.items():
            self._entries.setdefault(old.casefold(), self._entries[new.casefold()])

    def retire(self, names: Mapping[str, str]) -> None:
        """Tell who asks for one of *names*, which nothing here has, what stands in its place."""
        self._retired |= {name.casefold(): instead for name, instead in names.items()}

    def add_plugins(self, group: str) -> None:
        """Add what installed packages offer under the entry point *group*, without importing it."""
        for point in entry_points(group=group):
            self.add(point.name, point.value, added_by=point.dist.name if point.dist else point.value)

    def get(self, name: str, *, span: Span | None = None) -> T:
        """What *name* stands for; an unknown one is a ScriptError with the nearest known."""
        entry = self._entries.get(name.casefold())
        if entry is None:
            raise UnknownName(self.kind, name, self, span=span, hint=self._retired.get(name.casefold()))
        if not isinstance(entry.target, str):
            return entry.target
        try:
            return cast(T, resolve_name(entry.target))
        except ImportError as error:
            raise ConfigError(
                f"the {self.kind} '{entry.name}' cannot be loaded: {error}",
                span=span,
                hint=f"install what {entry.added_by} needs for it",
            ) from error

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names as they were added, without old ones."""
        return (entry.name for name, entry in self._entries.items() if name == entry.name.casefold())

    def __len__(self) -> int:
        return sum(1 for _ in self)
