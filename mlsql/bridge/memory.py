"""How much memory a worker may take for a matrix that its data does not fill."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlsql.bridge.errors import DataFault

SHARE = 0.5
"""Of what is free: the estimator needs memory beside its matrix."""
_CGROUP = Path("/sys/fs/cgroup")


def free() -> int:
    """The bytes that this process can still get: of the machine, its container and its own limit."""
    return max(0, min(_limits()))


def check_fits(size: int, what: str, hint: str) -> None:
    """Raise DataFault when *what* takes more than half of the memory that is free; *hint* is the way out."""
    limit = SHARE * free()
    if size > limit:
        raise DataFault(
            f"{what} takes {size / 1e9:,.1f} GB of memory, which is more than {limit / 1e9:,.1f} GB, "
            f"half of what is free: {hint}"
        )


def _limits() -> Iterator[int]:
    page = os.sysconf("SC_PAGE_SIZE")
    yield page * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError):
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        yield 1024 * int(told["MemAvailable"].split()[0])
    with suppress(OSError, ValueError):  # it says "max" where there is no limit
        allowed, used = (
            int((_CGROUP / name).read_text("ascii")) for name in ("memory.max", "memory.current")
        )
        yield allowed - used
    own, _ = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(OSError):
        if own != resource.RLIM_INFINITY:
            yield own - page * int(Path("/proc/self/statm").read_text("ascii").split()[0])
