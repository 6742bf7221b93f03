"""Which job runs next: limits, fairness among owners, then priority, then age; pure.

Of the owners who may run another job, the one with the fewest running comes first, and of those
the one who has waited longest for a turn. Of an owner's jobs the one with the highest priority
comes first, and of those the oldest.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True, slots=True)
class Limits:
    """How many jobs run at once, of all and of one owner, and how many may wait."""

    concurrency: int
    per_owner: int
    queue: int


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    precedence: int
    age: int
    job: str = field(compare=False)


@dataclass(slots=True)
class JobQueue:
    """The jobs that wait, and how many of whom run. Not for several threads at once."""

    limits: Limits
    _heaps: dict[str, list[_Waiting]] = field(default_factory=dict)
    _waiting: dict[str, str] = field(default_factory=dict)
    _running: Counter[str] = field(default_factory=Counter)
    _turns: dict[str, int] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many jobs have been taken and not ended."""
        return self._running.total()

    def begin(self, owner: str) -> bool:
        """Count a new job of *owner* as running, unless it has to wait behind others or for room."""
        if self.running >= self.limits.concurrency or not self._may_run(owner) or self._startable():
            return False
        self._began(owner)
        return True

    def add(self, job: str, owner: str, priority: int = 0) -> None:
        """Let *job* wait, behind those of its owner that have its priority and came before."""
        number = next(self._numbers)
        self._waiting[job] = owner
        heapq.heappush(self._heaps.setdefault(owner, []), _Waiting(-priority, number, job))
        self._turns.setdefault(owner, -1)

    def remove(self, job: str) -> bool:
        """Forget a job that waits; False when it does not."""
        return self._waiting.pop(job, None) is not None

    def take(self) -> str | None:
        """The job that is to run now, which counts as running until :meth:`ended`; None when none may."""
        if self.running >= self.limits.concurrency:
            return None
        owners = self._startable()
        if not owners:
            return None
        owner, heap = min(owners, key=lambda each: (self._running[each[0]], self._turns[each[0]], each[1][0]))
        self._began(owner)
        job = heapq.heappop(heap).job
        del self._waiting[job]
        return job

    def ended(self, owner: str) -> None:
        """Give back the place of one running job of *owner*."""
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]

    def _startable(self) -> list[tuple[str, list[_Waiting]]]:
        """The owners who may run another job, with those of theirs that wait."""
        heaps = ((owner, self._heap(owner)) for owner in list(self._heaps))
        return [(owner, heap) for owner, heap in heaps if heap and self._may_run(owner)]

    def _began(self, owner: str) -> None:
        self._turns[owner] = next(self._numbers)
        self._running[owner] += 1

    def _may_run(self, owner: str) -> bool:
        return self._running[owner] < self.limits.per_owner

    def _heap(self, owner: str) -> list[_Waiting]:
        """The jobs of *owner* that wait, without those that were removed from the top."""
        heap = self._heaps[owner]
        while heap and heap[0].job not in self._waiting:
            heapq.heappop(heap)
        if not heap:
            del self._heaps[owner]
        return heap
