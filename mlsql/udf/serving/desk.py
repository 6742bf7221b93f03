"""Where the questions of a scorer are answered: at once when the model is loaded, else by a thread.

Questions that came together and ask one model about a row each are answered together.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from functools import partial
from pkgutil import resolve_name
from typing import Any, Protocol

from mlsql.errors import MlsqlError, ScriptError
from mlsql.jobs.errors import TooMany
from mlsql.registrations import MemoryRegistrations, Registration
from mlsql.udf.serving.answering import Answering
from mlsql.udf.serving.functions import AnsweredElsewhere, door_of
from mlsql.udf.serving.lane_columns import Columns, read_stream, write_stream
from mlsql.udf.serving.protocol import (
    Frame,
    Kind,
    read_json,
    write_frame,
    write_json,
)
from mlsql.udf.serving.questions import Question, read_query, read_question, write_columns
from mlsql.udf.serving.replies import Group, Reply, failure_frame, outcome_frame, replies_to, reply_of
from mlsql.udf.serving.shelf import Loaded, Shelf, Wanted, wanted_by

log = logging.getLogger(__name__)

_AT_ONCE = 32 * 2**10
"""The most bytes of a question that the event loop answers itself."""
_MOST_WAITING = 256
_LANE = "mlsql.udf.serving.sql_lane:SqlLane"
_EXAMPLES: Mapping[str, object] = {"string": "", "boolean": False}

Send = Callable[[bytes], object]
"""Sends what replies are, in the event loop."""


class Lane(Protocol):
    """Answers SQL about the functions and rows."""

    def query(self, caller: str, sql: str, given: Columns) -> Columns:
        """The rows of a select over those given."""
        ...

    def at_once(self, caller: str, sql: str, given: Columns) -> Columns | None:
        """The same, unless somebody had to wait for it."""
        ...


@dataclass(slots=True)
class Desk:
    """The functions of one scorer; *own* is the owner whose code it runs, when that is all it does."""

    shelf: Shelf
    message_bytes: int
    threads: Executor
    changes: Executor
    """One thread, so that changes come in their order and wait for no question."""
    in_loop: Callable[..., object]
    """Has the event loop call a function."""
    own: str | None = None
    functions: MemoryRegistrations = field(default_factory=MemoryRegistrations)
    revision: int = 0
    """Another number after each change of the functions."""
    answered: int = 0
    _running: dict[object, float] = field(default_factory=dict)
    """When the work of threads was ordered."""
    _lane: Lane | None = None

    def take(self, frames: Sequence[Frame], send: Send) -> None:
        """Answer what came together; what takes longer is sent later."""
        replies: list[bytes] = []
        groups: dict[int, Group] = {}
        for frame in frames:
            try:
                replies += self._sorted(frame, groups, send)
            except Exception as error:  # noqa: BLE001 -- it ends no other question of this connection
                replies.append(failure_frame(frame.number, error))
        for group in groups.values():
            replies += replies_to(group)
        self.answered += len(frames)
        if replies:
            send(b"".join(replies))

    def names(self, caller: str) -> Mapping[str, Registration]:
        """What *caller* may call, by the name that he calls it."""
        return self.functions.callable_by(caller)

    def is_loaded(self, caller: str, name: str) -> bool:
        """Whether :meth:`served` gives it without waiting."""
        return self.shelf.get(wanted_by(self._called(caller, name))) is not None

    def served(self, caller: str, name: str) -> Answering:
        """The function *name* with its model, loaded if it is not yet."""
        wanted = wanted_by(self._called(caller, name))
        return self._answering(name, wanted, self.shelf.load(wanted))

    def _sorted(self, frame: Frame, groups: dict[int, Group], send: Send) -> list[bytes]:
        """The reply if there is one already; else the question is put into a group, or given to a thread."""
        match frame.kind:
            case Kind.PREDICT:
                return self._predict(frame, groups, send)
            case Kind.QUERY:
                return self._query(frame, send)
            case Kind.CHANGE:
                self._later(self.changes, frame.number, partial(self._change, frame.body), send)
            case Kind.STATE:
                return [write_frame(frame.number, Kind.ANSWER, write_json(self._state()))]
            case _:
                raise ScriptError("what came is no question")
        return []

    def _predict(self, frame: Frame, groups: dict[int, Group], send: Send) -> list[bytes]:
        question = read_question(frame.body)
        wanted = wanted_by(self._called(question.caller, question.function))
        loaded = self.shelf.get(wanted)
        if loaded is None or question.is_table or question.companion == "all" or len(frame.body) > _AT_ONCE:
            self._later(self.threads, frame.number, partial(self._answer, question, wanted), send)
            return []
        rows, answering = question.rows(), self._answering(question.function, wanted, loaded)
        if len(rows) != 1:
            return [write_frame(frame.number, *reply_of(answering.many(rows, question.companion)))]
        group = groups.setdefault(id(loaded), Group(answering))
        group.asked.append((frame.number, rows[0], question.companion))
        return []

    def _called(self, caller: str, name: str) -> Registration:
        registration = self.functions.called(caller, name)
        if registration.runs_code and registration.owner != self.own:
            raise AnsweredElsewhere(name, door_of(registration.owner))
        return registration

    def _later(self, executor: Executor, number: int, work: Callable[[], Reply], send: Send) -> None:
        if len(self._running) >= _MOST_WAITING:
            asked = f"{_MOST_WAITING} questions wait for this scorer already"
            raise TooMany(asked, limited_by="serving.scorers", retry_after=1)
        ticket = object()
        self._running[ticket] = time.monotonic()

        def done(outcome: Future[Reply]) -> None:
            del self._running[ticket]
            self.in_loop(send, outcome_frame(number, outcome, self.message_bytes))

        executor.submit(work).add_done_callback(done)

    def _answer(self, question: Question, wanted: Wanted) -> Reply:
        answering = self._answering(question.function, wanted, self.shelf.load(wanted))
        if question.is_table:
            return Kind.TABLE, answering.table(question.payload, question.companion)
        rows = question.rows()
        if len(rows) == 1:
            return reply_of([answering.one(rows[0], question.companion)])
        return reply_of(answering.many(rows, question.companion))

    def _answering(self, function: str, wanted: Wanted, loaded: Loaded) -> Answering:
        def sibling(index: int) -> Loaded:
            return self.shelf.load(replace(wanted, index=index))

        return Answering(function, loaded, sibling)

    def _query(self, frame: Frame, send: Send) -> list[bytes]:
        caller, sql, rows = read_query(frame.body)
        if self._lane is not None and isinstance(rows, Columns) and len(frame.body) <= _AT_ONCE:
            found = self._lane.at_once(caller, sql, rows)
            if found is not None:
                return [write_frame(frame.number, Kind.ANSWER, write_columns(found))]
        self._later(self.threads, frame.number, partial(self._queried, caller, sql, rows), send)
        return []

    def _queried(self, caller: str, sql: str, rows: Columns | bytes) -> Reply:
        """What a query gives, in the form in which its rows came."""
        if self._lane is None:
            self._lane = resolve_name(_LANE)(self)
        if isinstance(rows, Columns):
            return Kind.ANSWER, write_columns(self._lane.query(caller, sql, rows))
        return Kind.TABLE, write_stream(self._lane.query(caller, sql, read_stream(rows)))

    def _change(self, body: bytes) -> Reply:
        """Take over what the server tells: new functions once they are loaded, if it waits for that."""
        told = read_json(body)
        self.revision += 1
        new = [Registration.from_record(each) for each in told["put"]]
        troubles = []
        for each in new:
            trouble = self._prepared(each) if told["loads"] else ""
            self.functions.put(each)
            troubles.append(trouble)
        for owner, function in told["gone"]:
            self.functions.remove(owner, function)
        self.revision += 1
        if not told["loads"]:
            self.threads.submit(self._load_ahead, new)
        return Kind.ANSWER, write_json(troubles)

    def _load_ahead(self, registrations: Sequence[Registration]) -> None:
        """Load models that may be asked soon, the newest first, while there is room."""
        for each in reversed(registrations):
            if self.shelf.nbytes > self.shelf.memory / 2:
                return
            self._prepared(each)

    def _prepared(self, registration: Registration) -> str:
        """Load and try its model; what is wrong, or an empty text."""
        is_here = registration.runs_code == (self.own is not None) and not registration.trouble
        if not is_here:
            return ""
        try:
            loaded = self.shelf.load(wanted_by(registration))
        except MlsqlError as error:
            log.warning("'%s' of %s: %s", registration.function, registration.owner, error.message)
            return error.message
        try:
            loaded.model.answer([_example(each.type, loaded.width) for each in loaded.model.inputs])
        except Exception as error:  # noqa: BLE001 -- what we made up may be no row for this model
            log.info("'%s' does not answer for a row of zeros: %s", registration.function, error)
        return ""

    def _state(self) -> Mapping[str, Any]:
        """How it stands, for whoever watches it."""
        oldest = min(self._running.values(), default=None)
        return {
            "pid": os.getpid(),
            "models": len(self.shelf),
            "bytes": self.shelf.nbytes,
            "evictions": self.shelf.evictions,
            "answered": self.answered,
            "waiting": len(self._running),
            "longest": 0.0 if oldest is None else time.monotonic() - oldest,
        }


def _example(kind: str, width: int) -> object:
    """A value of a type; of an array one of *width* zeros."""
    return [0.0] * width if kind.startswith("array<") else _EXAMPLES.get(kind, 0.0)
