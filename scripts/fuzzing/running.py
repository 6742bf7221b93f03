"""Text after text through every law, until one breaks, the time is over or there are enough."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import nlargest

from .laws import LAWS, Law, hold
from .limits import TooSlow, limited
from .minimising import minimised
from .texts import Text, Texts

SECONDS_A_PIECE = 1.0
PIECE = 10_000
"""A law may take so many seconds of processor time for a text of so many characters, and in proportion."""
_SLOWEST = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A law that a text breaks: by another error, an endless loop, a wrong answer."""

    text: Text
    law: str
    what: str
    details: str


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a law took for a text."""

    seconds: float
    law: str
    number: int
    kind: str
    characters: int


@dataclass(slots=True)
class Report:
    """What a run has found so far."""

    seconds: float = 0
    texts: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    slowest: list[Timing] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def count(self) -> int:
        """How many texts were tried."""
        return self.texts.total()


Tell = Callable[[Report], None]


def fuzz(
    texts: Texts,
    *,
    seconds: float,
    most: int | None = None,
    first: int = 0,
    laws: Mapping[str, Law] = LAWS,
    tell: Tell = lambda _: None,
) -> Report:
    """Try the texts from number *first* on, for *seconds* or until *most* are done; end at a failure."""
    report, begun = Report(), time.monotonic()
    while report.failure is None and report.count != most and time.monotonic() - begun < seconds:
        text = texts.text(first + report.count)
        report.texts[text.kind] += 1
        report.characters[text.kind] += len(text.text)
        report.failure = try_text(text, laws, report)
        report.seconds = time.monotonic() - begun
        tell(report)
    return report


def try_text(text: Text, laws: Mapping[str, Law], report: Report) -> Failure | None:
    """The first law that *text* breaks, if any; *report* gets the times."""
    for name, law in laws.items():
        begun = time.process_time()
        try:
            with limited(allowed(text.text)):
                holds = hold(law, text.text)
        except (Exception, TooSlow) as error:  # noqa: BLE001 - whatever it is, it is the finding
            return Failure(text, name, f"{type(error).__name__}: {error}", traceback.format_exc())
        report.right[f"{text.kind} {name}"] += holds
        took = Timing(time.process_time() - begun, name, text.number, text.kind, len(text.text))
        if len(report.slowest) < _SLOWEST or took.seconds > report.slowest[-1].seconds:
            report.slowest = nlargest(_SLOWEST, [*report.slowest, took], key=lambda each: each.seconds)
    return None


def allowed(text: str) -> float:
    """How many seconds a law may take for *text*."""
    return SECONDS_A_PIECE * max(1, len(text) / PIECE)


def smallest(failure: Failure, laws: Mapping[str, Law] = LAWS) -> str:
    """The smallest part of the text that breaks the same law in the same way."""
    law, kind = laws[failure.law], failure.what.partition(":")[0]

    def fails(text: str) -> bool:
        try:
            with limited(allowed(text)):
                hold(law, text)
        except (Exception, TooSlow) as error:  # noqa: BLE001 - as above
            return type(error).__name__ == kind
        return False

    return minimised(failure.text.text, fails)
