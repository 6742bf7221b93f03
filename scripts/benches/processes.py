"""What this process and those that it has started use: processor seconds, memory. Needs Linux's /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processes_seconds() -> float:
    """Those of the processor in this process and all that it has started, ended ones too; 0 without /proc."""
    return sum(_seconds(process) for process in family())


def family(root: int | None = None) -> Iterator[int]:
    """This process, or *root*, and what it has started, and what these have."""
    if not Path("/proc/self").exists():
        return
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = [os.getpid() if root is None else root]
    while waiting:
        yield (process := waiting.pop())
        waiting += children.get(process, [])


def peak_bytes(process: int) -> int:
    """The most memory that a process has had so far; 0 when it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def command_of(process: int) -> str:
    """Its command line; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    return ""


def _seconds(process: int) -> float:
    """Its own, and those of its children that have ended."""
    return sum(map(int, _fields(process)[11:15])) / _TICKS


def _fields(process: int) -> list[str]:
    """Those of /proc/PID/stat behind the name; none when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return []
