"""Who made folders, topics and drafts, so that what a killed process left behind is found and removed."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told from a later one that got the same id by when it started."""

    host: str
    pid: int
    started: str

    @classmethod
    def this_process(cls) -> Self:
        """The process that runs now."""
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()) or "")

    @classmethod
    def nobody(cls) -> Self:
        """Of what its process no longer needs: it counts as gone here."""
        return cls(socket.gethostname(), os.getpid(), "")

    @property
    def is_gone(self) -> bool:
        """Whether it surely no longer lives; of a process on another host nothing is known."""
        return self.host == socket.gethostname() and self.started != (_started(self.pid) or "gone")

    def record(self, **facts: Any) -> str:
        """*facts* and the owner as JSON."""
        return json.dumps({**facts, "owner": dataclasses.asdict(self)})

    def write(self, file: Path, **facts: Any) -> None:
        """Write *facts* and the owner to *file*, readable by nobody else, all or nothing."""
        draft = file.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        with open(draft, "x", encoding="utf-8", opener=_private) as text:
            text.write(self.record(**facts))
        draft.replace(file)


def read_record(file: Path) -> tuple[Owner, Mapping[str, Any]] | None:
    """The owner and the facts of a file that :meth:`Owner.write` wrote; None where there is none."""
    try:
        return parse_record(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def parse_record(text: str) -> tuple[Owner, Mapping[str, Any]] | None:
    """The inverse of :meth:`Owner.record`; None for another text."""
    try:
        facts = json.loads(text)
        return Owner(**facts.pop("owner")), facts
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _started(pid: int) -> str | None:
    """When a process started, in whatever unit the system counts; None when there is no such process."""
    if Path("/proc/self/stat").exists():
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except OSError:
            return None
        return after_name.split()[19]
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return found.stdout.strip() or None
