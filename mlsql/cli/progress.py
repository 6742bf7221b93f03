"""The progress of a run on standard error: drawn live on a terminal, else line by line."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mlsql.cli.terminal import table_lines
from mlsql.events import Event, Log, Metric, Progress, Sink, StatementEnded, StatementStarted, TableShown
from mlsql.spans import mask_secrets

_INDENT = "      "
_REPORT_SECONDS = 5.0
_WORTH_TELLING_SECONDS = 1.0


@contextmanager
def progress(stream: TextIO, level: str) -> Iterator[Sink]:
    """A sink that draws a run on *stream* while it goes on: live on a terminal, else line by line.

    What the package logs meanwhile goes the same way; *level* is the least that is shown.
    """
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        console = _Console(file=stream)
        drawing = _LiveDrawing(lambda line: console.print(Text(line), soft_wrap=True), level)
        live = Live(get_renderable=drawing.running, console=console, transient=True, redirect_stdout=False)
        with live, _logging_to(drawing, level):
            yield drawing
    else:
        lines = _LineDrawing(lambda line: _write_line(stream, line), level)
        with _logging_to(lines, level):
            yield lines


class _Console(Console):
    """A console that falls silent when nobody reads any more: rich's own ends the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


@dataclass(slots=True)
class _Drawing:
    """What both ways of drawing keep on the screen."""

    write: Callable[[str], object]
    level: str

    def keep(self, *lines: str) -> None:
        with suppress(OSError):  # nobody reads any more, which is no reason to end the run
            self.write("\n".join(lines))

    def keep_event(self, event: Event) -> None:
        match event:
            case Log() if _rank(event.level) >= _rank(self.level):
                whose = "" if event.candidate is None else f"candidate {event.candidate}: "
                self.keep(_INDENT + whose + mask_secrets(event.message))
            case TableShown():
                self.keep(
                    *(_INDENT + line for line in (event.title, *table_lines(event.columns, event.rows)))
                )


@dataclass(slots=True)
class _LineDrawing(_Drawing):
    """Line by line, for logs and files: how far something has come every few seconds only."""

    _told: dict[str, float] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case StatementStarted():
                self._told.clear()
                self.keep(f"[{event.number}/{event.total}] {event.title}")
            case StatementEnded() if event.summary or event.seconds >= _WORTH_TELLING_SECONDS:
                self.keep(_INDENT + _ended(event))
            case Progress() if self._is_due(event.what):
                self.keep(_INDENT + _report(event))
            case _:
                self.keep_event(event)

    def _is_due(self, what: str) -> bool:
        now = time.monotonic()
        due = now - self._told.get(what, -math.inf) >= _REPORT_SECONDS
        if due:
            self._told[what] = now
        return due


@dataclass(slots=True)
class _LiveDrawing(_Drawing):
    """The running statement with its reports below what has been done, redrawn as time goes on."""

    _statement: StatementStarted | None = None
    _since: float = 0.0
    _reports: dict[str, str] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case StatementStarted():
                self._statement, self._since, self._reports = event, time.monotonic(), {}
            case StatementEnded():
                self._statement, self._reports = None, {}
                self.keep(f"[{event.number}/{event.total}] {event.title}  {_ended(event)}")
            case Progress():
                self._reports[event.what] = _report(event)
            case Metric():
                what = f"candidate {event.candidate}"
                self._reports[what] = f"{what}: {event.name} {event.value:g}"
            case _:
                self.keep_event(event)

    def running(self) -> Text:
        """What is drawn now."""
        statement = self._statement
        if statement is None:
            return Text()
        seconds = time.monotonic() - self._since
        lines = [f"[{statement.number}/{statement.total}] {statement.title}  {seconds:.0f} s"]
        lines += [_INDENT + report for report in list(self._reports.values())]
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


class _LogHandler(logging.Handler):
    """Log records of the package as events of the run."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        self._sink(Log(record.getMessage(), record.levelname.lower()))


@contextmanager
def _logging_to(sink: Sink, level: str) -> Iterator[None]:
    logger, handler = logging.getLogger("mlsql"), _LogHandler(sink)
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _ended(event: StatementEnded) -> str:
    return f"{event.seconds:.1f} s" + (f", {event.summary}" if event.summary else "")


def _report(event: Progress) -> str:
    share = "" if event.share is None else f" {event.share:.0%}"
    return f"{event.what}: {event.doing}{share}"


def _rank(level: str) -> int:
    return logging.getLevelNamesMapping().get(level.upper(), logging.INFO)


def _write_line(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()
