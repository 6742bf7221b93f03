"""The log of the service: lines for people or JSON objects, each with its job and owner, secrets masked.

Who writes a line does not say whose work it is about: that is put around a job's turn and around
a request with :func:`about`, and every line written inside has it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, TextIO

from mlsql.jobs.events import iso_time
from mlsql.spans import mask_secrets

_SUBJECTS = ("job", "owner")
# A variable of the thread or task, for a line of the log has no other way to know whose it is.
_ABOUT: ContextVar[Mapping[str, Any]] = ContextVar("mlsql.about", default=MappingProxyType({}))


@contextmanager
def about(subject: Mapping[str, Any]) -> Iterator[None]:
    """A block whose log lines tell ``job`` and ``owner`` of *subject*, as it is when they are written."""
    token = _ABOUT.set(subject)
    try:
        yield
    finally:
        _ABOUT.reset(token)


@contextmanager
def logging_to(stream: TextIO, *, level: str, form: str) -> Iterator[None]:
    """A block in which the package and its HTTP server log to *stream*, in the form ``text`` or ``json``.

    The HTTP server's lines about each request come with the level ``debug`` only.
    """
    root, handler = logging.getLogger(), logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    levels = {"mlsql": level.upper(), "uvicorn": "INFO" if level == "debug" else "WARNING"}
    before = {name: logging.getLogger(name).level for name in levels}
    _set_levels(levels)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        _set_levels(before)


class TextLines(logging.Formatter):
    """``time level logger [job, owner]: message``; further lines are indented, so that none can be forged."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback under it."""
        told = _told(record)
        subject = ", ".join(told[name] for name in _SUBJECTS if name in told)
        place = f"{record.name} [{subject}]" if subject else record.name
        text = "\n".join(told[name] for name in ("message", "exception") if name in told)
        return f"{told['time']} {record.levelname} {place}: " + "\n    ".join(text.splitlines())


class JsonLines(logging.Formatter):
    """A JSON object a line: time, level, logger, message, and job, owner, exception where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, on one line."""
        return json.dumps(_told(record), ensure_ascii=False)


def _told(record: logging.LogRecord) -> dict[str, str]:
    """What a line says, in its order."""
    subject = _ABOUT.get()
    told = {
        "time": iso_time(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": mask_secrets(record.getMessage()),
        **{name: str(subject[name]) for name in _SUBJECTS if subject.get(name)},
    }
    if record.exc_info:
        told["exception"] = mask_secrets(logging.Formatter().formatException(record.exc_info))
    return told


def _set_levels(levels: Mapping[str, str] | Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
