"""Messages in a list of this process: the twin of the real transports for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlsql.bridge.messages import Body, Header, Ledger, Message
from mlsql.bridge.transport import Place, go_on


@dataclass(frozen=True, slots=True)
class MemoryStream:
    """A stream whose messages lie in ``messages``, where a test may lose, repeat and damage them.

    A copy made by pickling carries the messages that have come so far.
    """

    job: str
    name: str
    messages: list[Message] = field(default_factory=list)

    @contextmanager
    def writer(self, partition: int, attempt: int, *, again: bool = False) -> Iterator[_MemoryWriter]:  # noqa: ARG002
        """A writer that adds to the list."""
        yield _MemoryWriter(self.messages)

    def subscribe(
        self,
        ledger: Ledger,  # noqa: ARG002
        *,
        timeout: float,  # noqa: ARG002
        stop: Callable[[], None] = go_on,
    ) -> Iterator[Message]:
        """All messages as they lie in the list, also those of other attempts."""
        for message in self.messages:
            stop()
            yield message

    def delete(self) -> None:
        """Empty the list."""
        self.messages.clear()

    def to_dict(self) -> dict[str, Any]:
        """Not for job files: a list cannot be shared with another process."""
        raise TypeError("a memory stream stays in its process")


@dataclass(frozen=True, slots=True)
class _MemoryWriter:
    messages: list[Message]

    def send(self, header: Header, body: Body) -> None:
        self.messages.append(Message(header, body))

    def finish(self) -> Place:
        return None, None, None


@dataclass(frozen=True, slots=True)
class MemoryTransport:
    """Opens streams in this process."""

    scheme: ClassVar[str] = "memory"

    def open(self, job: str, name: str, *, partitions: int) -> MemoryStream:  # noqa: ARG002
        """A new empty stream."""
        return MemoryStream(job, name)

    def sweep(self) -> None:
        """Nothing outlives the process."""
