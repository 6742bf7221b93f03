"""Writes of several threads in one transaction: who comes while another commits goes with the next commit.

A commit waits for the disk, and a database such as SQLite takes one writer at a time. So writers
queue here, not in the database, where they would poll; and a hundred that wait share one commit.
Each is durable when its caller is answered, and one that fails takes no other with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")

Change = Callable[[Connection], T]
"""What a writer does in a transaction; when that is undone it is done once more in another."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    change: Change[Any]
    outcome: Future[Any] = field(default_factory=Future)


@dataclass(slots=True)
class Commits:
    """The writers of one database."""

    engine: Engine
    _waiting: list[_Waiting] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def write(self, change: Change[T]) -> T:
        """What *change* gives, once that is committed; raises what it raised, and nothing of it stays."""
        mine = _Waiting(change)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:  # whoever has the turn writes for all that wait
            if not mine.outcome.done():
                self._commit(self._taken())
        result: T = mine.outcome.result()
        return result

    def _taken(self) -> list[_Waiting]:
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken

    def _commit(self, together: Sequence[_Waiting]) -> None:
        """Settle the outcome of each; when one fails, all are undone and each is tried alone."""
        try:
            with self.engine.begin() as connection:
                told = [each.change(connection) for each in together]
        except Exception as error:  # noqa: BLE001 -- it is raised where its caller waits
            if len(together) == 1:
                together[0].outcome.set_exception(error)
                return
            for each in together:
                self._commit([each])
        else:
            for each, result in zip(together, told, strict=True):
                each.outcome.set_result(result)
