"""How long something takes beside a peer or a limit, and whether that meets its target."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from .processes import processes_seconds

REPEATS = 9
WARM_UPS = 3


@dataclass(frozen=True)
class Scale:
    """How much a bench does: so many *rows*, and so many *rounds* of each thing that is measured."""

    rows: int = 1_000_000
    rounds: int = 7


class Row(Protocol):
    """A line of a bench's table."""

    def as_json(self) -> dict[str, object]:
        """Its figures, for a program."""
        ...

    def as_cells(self) -> tuple[str, ...]:
        """Its cells, for people."""
        ...


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


@dataclass(frozen=True)
class Speed:
    """How many times as fast as a peer we are, which *target* says is to be so much at least.

    Both were measured in turns, so the quotient of each round counts: machines are noisy, and
    what disturbs one of them disturbs the other. The quotient of the best times, and that of the
    processor's seconds where these were measured, say what is left when nothing disturbs.
    """

    name: str
    ours: Sequence[float]
    peer: Sequence[float]
    target: float
    ours_cpu: float | None = None
    peer_cpu: float | None = None

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(peer / ours for ours, peer in zip(self.ours, self.peer, strict=True))

    @property
    def of_best(self) -> float:
        """The quotient of the best times."""
        return min(self.peer) / min(self.ours)

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target

    def as_json(self) -> dict[str, object]:
        """The raw figures too."""
        figures: dict[str, object] = {
            "name": self.name,
            "ours_seconds": [round(each, 4) for each in self.ours],
            "peer_seconds": [round(each, 4) for each in self.peer],
            "speed": round(self.value, 4),
            "speed_of_best": round(self.of_best, 4),
            "target": self.target,
            "holds": self.holds,
        }
        if self.ours_cpu and self.peer_cpu:
            figures["speed_by_cpu"] = round(self.peer_cpu / self.ours_cpu, 4)
        return figures

    def as_cells(self) -> tuple[str, ...]:
        """The cells of its line in a table."""
        cpu = f", cpu {self.peer_cpu / self.ours_cpu:.2f}" if self.ours_cpu and self.peer_cpu else ""
        ours, peer = (f"{statistics.median(each):.2f} s" for each in (self.ours, self.peer))
        ratio = f"{self.value:.2f} (best {self.of_best:.2f}{cpu})"
        return self.name, ours, peer, ratio, f"≥ {self.target:g}", "holds" if self.holds else "MISSED"


@dataclass(frozen=True)
class Figure:
    """A *value* that *target* limits, from above or, with *at_least*, from below."""

    name: str
    value: float
    target: float
    unit: str
    at_least: bool = False
    told: str = ""
    """What it is made of, in words."""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def as_json(self) -> dict[str, object]:
        """All that is known of it."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "told": self.told,
            "target": self.target,
            "holds": self.holds,
        }

    def as_cells(self) -> tuple[str, ...]:
        """The cells of its line in a table."""
        sign = "≥" if self.at_least else "≤"
        verdict = "holds" if self.holds else "MISSED"
        return self.name, f"{self.value:.2f} {self.unit}", self.told, "", f"{sign} {self.target:g}", verdict


@dataclass
class Times:
    """The seconds of several runs in turns: by the clock, and of the processor, child processes with it."""

    wall: list[list[float]]
    cpu: list[list[float]]

    @classmethod
    def of(cls, runs: Sequence[Callable[[], object]], rounds: int, *, warm_ups: int = 1) -> Self:
        """Those of *runs*, one after the other, so often."""
        times = cls([[] for _ in runs], [[] for _ in runs])
        for number in range(warm_ups + rounds):
            for place, run in enumerate(runs):
                begun, burnt = time.perf_counter(), processes_seconds()
                run()
                if number >= warm_ups:
                    times.wall[place].append(time.perf_counter() - begun)
                    times.cpu[place].append(processes_seconds() - burnt)
        return times

    def speed(self, name: str, ours: int, peer: int, target: float) -> Speed:
        """How many times as fast as the run number *peer* is the one with the number *ours*."""
        cpu = (statistics.median(self.cpu[each]) for each in (ours, peer))
        return Speed(name, self.wall[ours], self.wall[peer], target, *cpu)


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
