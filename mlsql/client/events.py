"""The events of a job as a client reads them: out of a stream of bytes, and as a run here would tell them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlsql.client.errors import told_span
from mlsql.events import Event, Log, Metric, Progress, Sink, StatementEnded, StatementStarted, TableShown
from mlsql.jobs.events import JobEvent
from mlsql.jobs.states import JobState


def read_stream(chunks: Iterable[bytes]) -> Iterator[JobEvent | None]:
    """The whole events of a stream of Server-Sent Events; None for a comment, which shows that it lives.

    Half an event, where the stream was cut, is left out.
    """
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        for block in blocks:
            yield _event(block.decode())


def _event(block: str) -> JobEvent | None:
    lines = (line.partition(":") for line in block.split("\n"))
    fields = {name: value.removeprefix(" ") for name, _, value in lines if name}
    if "data" not in fields:
        return None
    data = json.loads(fields["data"])
    at = datetime.fromisoformat(data.pop("at")).timestamp()
    return JobEvent(int(fields["id"]), fields["event"], at, data)


@dataclass(slots=True)
class Tail:
    """How far a stream has been read: what it tells goes to *progress*."""

    progress: Sink
    last: int = 0
    fruitless: int = 0
    """How often it was opened since it said something."""
    is_over: bool = False

    def take(self, event: JobEvent) -> None:
        """Pass an event on."""
        self.last, self.fruitless = event.id, 0
        self.is_over = event.kind == "state" and JobState(event.data["state"]).is_end
        told = run_event(event)
        if told is not None:
            self.progress(told)


def run_event(event: JobEvent) -> Event | None:
    """The event of a run that the server told as *event*; None of one that this version does not know."""
    read = _KINDS.get(event.kind)
    return read(dict(event.data)) if read else None


def _state(data: dict[str, Any]) -> Log:
    return Log(f"the job is {data['state']}")


def _statement(data: dict[str, Any]) -> StatementStarted:
    return StatementStarted(span=told_span(data.pop("file"), data.pop("line")), **data)


def _metric(data: dict[str, Any]) -> Metric:
    value = data.pop("value")
    return Metric(**data, value=math.nan if value is None else value)  # JSON has no NaN


def _table(data: dict[str, Any]) -> TableShown:
    return TableShown(data["title"], tuple(data["columns"]), tuple(map(tuple, data["rows"])))


_KINDS: Mapping[str, Callable[[dict[str, Any]], Event]] = {
    "state": _state,
    "statement": _statement,
    "statement_ended": lambda data: StatementEnded(**data),
    "progress": lambda data: Progress(**data),
    "log": lambda data: Log(**data),
    "metric": _metric,
    "table": _table,
}
