"""The sessions of owners: made at their first use, used by many scripts, closed when nobody has for long.

A closed session is forgotten with its temporary tables, functions, variables and connections;
the owner's database stays, and his next script begins in a new session.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from mlsql.jobs.errors import JobConflict
from mlsql.session import Session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(slots=True)
class _Kept:
    """A session with how many use it, and when one last did."""

    session: Session
    users: int = 0
    used: float = 0.0


@dataclass(slots=True)
class OwnerSessions:
    """The sessions that *make* gives, one for each owner who needs one; *let_go* empties them."""

    make: Callable[[str], Session]
    make_fresh: Callable[[str], Session]
    let_go: Callable[[SparkSession], object]
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)  # a use may end wherever Python collects what held it

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, owner: str) -> Session:
        """The session of *owner*."""
        with self._lock:
            return self._of(owner).session

    @contextmanager
    def using(self, owner: str, *, fresh: bool = False) -> Iterator[Session]:
        """A block in which the session of *owner* is not closed; a *fresh* one is closed behind it."""
        if fresh:
            session = self.make_fresh(owner)
            try:
                yield session
            finally:
                self.let_go(session.spark)
            return
        with self._lock:
            kept = self._of(owner)
            kept.users += 1
        try:
            yield kept.session
        finally:
            with self._lock:
                kept.users -= 1
                kept.used = self.clock()

    def log_out(self, owner: str) -> None:
        """Close the session of *owner*; a conflict while scripts run in it."""
        with self._lock:
            kept = self._kept.get(owner)
            if kept is not None and kept.users:
                raise JobConflict(
                    f"scripts of '{owner}' run in his session", hint="it can be closed when they have ended"
                )
            self._kept.pop(owner, None)
        if kept is not None:
            self.let_go(kept.session.spark)

    def close_idle(self, seconds: float) -> None:
        """Close the sessions that nobody has used for so long."""
        for kept in self._taken_idle(seconds):
            self.let_go(kept.session.spark)

    def forget(self) -> None:
        """Forget every session, as Spark ends or is given back."""
        with self._lock:
            self._kept.clear()

    def _of(self, owner: str) -> _Kept:
        if owner not in self._kept:
            self._kept[owner] = _Kept(self.make(owner))
        kept = self._kept[owner]
        kept.used = self.clock()
        return kept

    def _taken_idle(self, seconds: float) -> list[_Kept]:
        with self._lock:
            before = self.clock() - seconds
            idle = [owner for owner, kept in self._kept.items() if not kept.users and kept.used <= before]
            return [self._kept.pop(owner) for owner in idle]
