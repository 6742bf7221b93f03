"""How long something takes beside a peer or a limit, and whether that meets its target."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 9
WARM_UPS = 3


@dataclass(frozen=True)
class Measure:
    """Seconds of ours, and of the *peer* of which the *target* is the multiple that ours may take.

    The peer may be a tenth of our own work, when the target is about growth. Without a peer the
    target is in seconds.
    """

    name: str
    ours: float
    peer: float | None
    target: float

    @property
    def value(self) -> float:
        """What the target limits: how many times the peer's time ours takes, or our seconds."""
        return self.ours if self.peer is None else self.ours / self.peer

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target

    def as_json(self) -> dict[str, object]:
        """The measure with its raw figures."""
        against = (
            {} if self.peer is None else {"ratio": round(self.value, 4), "peer_seconds": round(self.peer, 4)}
        )
        return {
            "name": self.name,
            "ours_seconds": round(self.ours, 4),
            **against,
            "target": self.target,
            "holds": self.holds,
        }

    def as_cells(self) -> tuple[str, ...]:
        """The cells of its line in a table."""
        peer = "" if self.peer is None else f"{self.peer:.3f} s"
        unit = " s" if self.peer is None else ""
        verdict = "holds" if self.holds else "MISSED"
        ratio = "" if self.peer is None else f"{self.value:.3f}"
        return self.name, f"{self.ours:.3f} s", peer, ratio, f"{self.target:g}{unit}", verdict


def median(ours: Callable[[], object]) -> float:
    """The median of the seconds that it takes, when it is warm."""
    return alternated(ours)[0]


def alternated(
    *runs: Callable[[], object], repeats: int = REPEATS, warm_ups: int = WARM_UPS
) -> tuple[float, ...]:
    """The median of each, taken in turns so that what disturbs one disturbs the others."""
    times: tuple[list[float], ...] = tuple([] for _ in runs)
    for repeat in range(warm_ups + repeats):
        for taken, run in zip(times, runs, strict=True):
            begun = time.perf_counter()
            run()
            if repeat >= warm_ups:
                taken.append(time.perf_counter() - begun)
    return tuple(map(statistics.median, times))
