"""Whether the service can do its work now: each part is tried, and has a second to answer."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from sqlalchemy import Engine, false, update

from mlsql.errors import ConfigError
from mlsql.jobs.tables import SUBMISSION_KEYS

log = logging.getLogger(__name__)

LEAST_ROOM = 100 * 2**20
"""Bytes that must be left where results are kept."""
_SECONDS = 1.0


@dataclass(slots=True)
class Readiness:
    """What each of the *parts* lacks; a part is a callable that raises what is wrong with it."""

    parts: Mapping[str, Callable[[], object]]
    seconds: float = _SECONDS
    _tries: dict[str, _Try] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def problems(self) -> Mapping[str, str | None]:
        """What is wrong with each part; None where nothing is."""
        deadline = time.monotonic() + self.seconds
        tries = {name: self._try(name) for name in self.parts}
        return {name: each.problem(deadline) for name, each in tries.items()}

    def _try(self, name: str) -> _Try:
        """A try of the part: the one that has not ended yet, or a new one; what hangs is not asked again."""
        with self._lock:
            before = self._tries.get(name)
            if before is None or before.ended.is_set():
                self._tries[name] = _Try(name, self.parts[name])
            return self._tries[name]


class _Try:
    """One question to a part, in a thread of its own, which may never come back."""

    def __init__(self, name: str, part: Callable[[], object]) -> None:
        self.ended = Event()
        self._problem: str | None = None
        Thread(target=self._ask, args=(name, part), name=f"is {name} ready", daemon=True).start()

    def problem(self, deadline: float) -> str | None:
        """What was wrong, or that no answer came."""
        if not self.ended.wait(max(0.0, deadline - time.monotonic())):
            return "does not answer"
        return self._problem

    def _ask(self, name: str, part: Callable[[], object]) -> None:
        try:
            part()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the part is not ready
            log.warning("%s is not ready: %s", name, type(error).__name__)
            self._problem = error.message if isinstance(error, ConfigError) else type(error).__name__
        finally:
            self.ended.set()


def writes(database: Engine) -> Callable[[], None]:
    """A part: the *database* takes a write, of nothing."""
    nothing = update(SUBMISSION_KEYS).where(false()).values(made=0.0)

    def part() -> None:
        with database.begin() as connection:
            connection.execute(nothing)

    return part


def has_room(folder: Path) -> Callable[[], None]:
    """A part: *folder* has room for results."""

    def part() -> None:
        free = shutil.disk_usage(folder).free
        if free < LEAST_ROOM:
            raise ConfigError(f"{free >> 20} MiB are left, and {LEAST_ROOM >> 20} are needed")

    return part
