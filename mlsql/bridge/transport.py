"""What a transport is: it carries the messages of a stream from executors to a reader.

All implementations obey one suite of laws (``tests/contracts``). A :class:`Stream` is plain
picklable data, so that a Spark task and a process on another machine can use it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from mlsql.bridge.errors import TransportError
from mlsql.bridge.messages import Body, Header, Ledger, Message

_log = logging.getLogger(__name__)

Place = tuple[int | None, int | None, int | None]
"""Where a task's messages lie: (channel, first offset, last offset), each None where there is none."""


def go_on() -> None:
    """The *stop* of callers that never stop: whatever waits calls it and may be raised at."""


class Writer(Protocol):
    """Sends the messages of one task attempt, in order."""

    def send(self, header: Header, body: Body) -> None:
        """Hand over one message; may return before it has arrived."""
        ...

    def finish(self) -> Place:
        """Wait until all have arrived for good, and say where."""
        ...


class Stream(Protocol):
    """One published frame on its way; picklable."""

    @property
    def job(self) -> str:
        """The job that publishes it."""
        ...

    @property
    def name(self) -> str:
        """Its name within the job."""
        ...

    def writer(self, partition: int, attempt: int, *, again: bool = False) -> AbstractContextManager[Writer]:
        """A writer for one task attempt; what an unfinished one sent is never read.

        *again*: Spark tries the task once more, so what has just been waited for in vain is
        waited for only briefly.
        """
        ...

    def subscribe(
        self, ledger: Ledger, *, timeout: float, stop: Callable[[], None] = go_on
    ) -> Iterator[Message]:
        """The messages of the ledger, raw and unjudged, part by part where the transport can.

        Ends, or raises TransportError, after *timeout* s of silence; calls *stop* while it waits.
        """
        ...

    def delete(self) -> None:
        """Remove whatever the stream left behind; may be called again, and after a failure."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The stream in plain values with its ``scheme``, secrets included; ``stream_from`` reads them."""
        ...


class Transport(Protocol):
    """Opens streams; named by its scheme (``memory``, ``spool``, ``kafka``)."""

    @property
    def scheme(self) -> str:
        """What the registry and the settings call it."""
        ...

    def open(self, job: str, name: str, *, partitions: int) -> Stream:
        """Make the place for a new stream (a topic, a folder)."""
        ...

    def sweep(self) -> None:
        """Remove what jobs that no longer live have left."""
        ...


@contextmanager
def opened(transport: Transport, job: str, name: str, *, partitions: int) -> Iterator[Stream]:
    """A new stream that is deleted when the block ends, however it ends.

    When the block has failed, that is the error, and a deletion that fails as well is only logged.
    """
    stream = transport.open(job, name, partitions=partitions)
    try:
        yield stream
    except BaseException:
        try:
            stream.delete()
        except TransportError as error:
            _log.warning("the stream '%s' of the job '%s' is left for a sweep: %s", name, job, error)
        raise
    stream.delete()
