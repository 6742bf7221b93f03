"""The smallest part of a text that still fails, by leaving out ever smaller pieces.

https://www.st.cs.uni-saarland.de/papers/tse2002/ (delta debugging), lines first, then characters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Fails = Callable[[str], bool]


def minimised(text: str, fails: Fails, *, seconds: float = 60) -> str:
    """*text* without what is not needed for it to fail, as far as *seconds* go."""
    deadline = time.monotonic() + seconds
    for cut in (_lines, list):
        text = "".join(_needed(cut(text), lambda parts: fails("".join(parts)), deadline))
    return text


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _needed(parts: Sequence[str], fails: Callable[[Sequence[str]], bool], deadline: float) -> Sequence[str]:
    """The parts without which it would not fail: halves are left out first, single ones last."""
    size = max(1, len(parts) // 2)
    while parts:
        shorter = _without(parts, size, fails, deadline)
        if time.monotonic() > deadline or (size == 1 and len(shorter) == len(parts)):
            return shorter
        size = max(1, size // 2)
        parts = shorter
    return parts


def _without(
    parts: Sequence[str], size: int, fails: Callable[[Sequence[str]], bool], deadline: float
) -> Sequence[str]:
    start = 0
    while start < len(parts) and time.monotonic() < deadline:
        shorter = [*parts[:start], *parts[start + size :]]
        if fails(shorter):
            parts = shorter
        else:
            start += size
    return parts
