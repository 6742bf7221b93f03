"""One check after the other, each within its time, whatever the others found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from queue import Empty, SimpleQueue

from mlsql.config.settings import Settings
from mlsql.errors import MlsqlError
from mlsql.spans import mask_secrets


class Outcome(StrEnum):
    """What became of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it."""

    subject: str
    outcome: Outcome
    told: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Looks at *subject*, for at most *seconds*; an error that it raises is a finding, too."""

    subject: str
    look: Callable[[Settings], Iterable[Finding]]
    seconds: float = 30.0


def ok(subject: str, told: str) -> Finding:
    """Nothing is to be done."""
    return Finding(subject, Outcome.OK, told)


def warning(subject: str, told: str, advice: str) -> Finding:
    """It may do, and should be looked at."""
    return Finding(subject, Outcome.WARNING, told, advice)


def failed(subject: str, told: str, advice: str | None = None) -> Finding:
    """It does not do."""
    return Finding(subject, Outcome.FAILED, told, advice)


def examine(settings: Settings, checks: Iterable[Check]) -> Iterator[Finding]:
    """What the checks find, in their order, as soon as it is known."""
    for check in checks:
        yield from _within_time(check, settings)


def _within_time(check: Check, settings: Settings) -> Iterable[Finding]:
    """The findings of one check; one that hangs is left behind in its thread, which ends with the process."""
    answer: SimpleQueue[list[Finding]] = SimpleQueue()
    work = threading.Thread(
        target=lambda: answer.put(_findings(check, settings)), name=f"doctor {check.subject}", daemon=True
    )
    work.start()
    try:
        return answer.get(timeout=check.seconds)
    except Empty:
        return [failed(check.subject, f"there was no answer within {check.seconds:g} s")]


def _findings(check: Check, settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.look(settings))
    except MlsqlError as error:
        found.append(failed(check.subject, mask_secrets(error.message), error.hint))
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what was found
        first = (str(error).splitlines() or [""])[0]
        found.append(failed(check.subject, mask_secrets(f"{type(error).__name__}: {first}")))
    return found
