"""Exactly the rows of a ledger, in their order, from a transport that may repeat, reorder and lose.

Of what a stream delivers only the ledger's attempts count. Each of their messages is handed out
once, checked against its header, its part of the ledger and the schema; anything missing, extra or
damaged is :class:`InexactData` that says where. Rows that came before such an error are no result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa

from mlsql.bridge import codec
from mlsql.bridge.errors import InexactData
from mlsql.bridge.messages import Header, Ledger, Message, Part
from mlsql.bridge.transport import Stream, go_on

EARLY_BYTES = 64 * 1024 * 1024
"""How much of what comes too early is held until its turn."""


def read_exactly(
    stream: Stream,
    ledger: Ledger,
    *,
    timeout: float,
    stop: Callable[[], None] = go_on,
    early_bytes: int = EARLY_BYTES,
) -> Iterator[pa.RecordBatch]:
    """The ledger's record batches in (partition, sequence) order, each once, or InexactData.

    Memory is bounded by *early_bytes* however many rows there are; *timeout* and *stop* are those
    of :meth:`Stream.subscribe`.
    """
    order = _Order(ledger, early_bytes)
    for message in stream.subscribe(ledger, timeout=timeout, stop=stop):
        for due in order.take(message):
            yield from _opened(due, ledger)
    order.finish()


class _Order:
    """Lets messages through in the ledger's order; holds the early, drops the repeated and foreign.

    All messages of the ledger have a position, counted through from 0; ``_next`` is the one whose
    turn it is.
    """

    def __init__(self, ledger: Ledger, early_bytes: int) -> None:
        self._ledger = ledger
        self._parts = {part.partition: part for part in ledger.parts}
        ends = list(accumulate((part.messages for part in ledger.parts), initial=0))
        self._starts = dict(zip(self._parts, ends[:-1], strict=True))
        self._total = ends[-1]
        self._next = 0
        self._early: dict[int, Message] = {}
        self._room = early_bytes
        self._tally = _Tally()

    def take(self, message: Message) -> Iterator[Message]:
        """The messages whose turn it is now that *message* has come."""
        position = self._position(message.header)
        if position is None or position < self._next or position in self._early:
            return
        self._early[position] = message
        self._room -= len(message.body)
        while due := self._early.pop(self._next, None):
            self._room += len(due.body)
            self._next += 1
            yield due
            self._count(due)
        if self._room < 0:
            raise self._missing("and what came after it no longer fits into memory")

    def finish(self) -> None:
        """Check that nothing is missing."""
        if self._next < self._total:
            raise self._missing("and no more came")

    def _position(self, header: Header) -> int | None:
        """None for what is not the ledger's."""
        part = self._parts.get(header.partition)
        ours = (header.job, header.stream) == (self._ledger.job, self._ledger.stream)
        if part is None or not ours or header.attempt != part.attempt:
            return None
        if not 0 <= header.sequence < part.messages:
            raise InexactData(
                f"{_place(self._ledger, part)}: expected {part.messages:,} messages, found another one, "
                f"numbered {header.sequence:,}"
            )
        return self._starts[part.partition] + header.sequence

    def _count(self, message: Message) -> None:
        """Add the message to what came of its part, and compare that when it is the last."""
        self._tally.add(message)
        part = self._parts[message.header.partition]
        if message.header.sequence == part.messages - 1:
            self._tally.check(self._ledger, part)
            self._tally = _Tally()

    def _missing(self, ending: str) -> InexactData:
        part = next(
            part for part in self._parts.values() if self._next < self._starts[part.partition] + part.messages
        )
        start = self._starts[part.partition]
        found = (
            self._next - start + sum(start <= position < start + part.messages for position in self._early)
        )
        return InexactData(
            f"{_place(self._ledger, part)}: expected {part.messages:,} messages with {part.rows:,} rows, "
            f"found {found:,}; number {self._next - start:,} is missing {ending}"
        )


@dataclass(slots=True)
class _Tally:
    """What came of one part so far."""

    rows: int = 0
    bytes: int = 0
    crc: int = 0

    def add(self, message: Message) -> None:
        self.rows += message.header.rows
        self.bytes += len(message.body)
        self.crc = codec.chain(self.crc, message.header.crc32c)

    def check(self, ledger: Ledger, part: Part) -> None:
        expected = (part.rows, part.bytes, part.crc32c)
        if (self.rows, self.bytes, self.crc) != expected:
            raise InexactData(
                f"{_place(ledger, part)}: expected {part.rows:,} rows in {part.bytes:,} bytes with the "
                f"checksum {part.crc32c:08x}, found {self.rows:,} in {self.bytes:,} with {self.crc:08x}"
            )


def _opened(message: Message, ledger: Ledger) -> list[pa.RecordBatch]:
    header = message.header
    place = f"message {header.sequence:,} of partition {header.partition} of the stream '{ledger.stream}'"
    found = codec.checksum(message.body)
    if found != header.crc32c:
        raise InexactData(f"{place} is damaged: expected the checksum {header.crc32c:08x}, found {found:08x}")
    try:
        batches = codec.decode(message.body)
    except (pa.ArrowException, OSError) as error:
        raise InexactData(f"{place} is no Arrow IPC stream: {error}") from error
    rows = sum(batch.num_rows for batch in batches)
    if rows != header.rows:
        raise InexactData(f"{place}: expected {header.rows:,} rows, found {rows:,}")
    for schema in [header.schema, *{codec.fingerprint(batch.schema) for batch in batches[:1]}]:
        if schema != ledger.schema:
            raise InexactData(f"{place}: expected the schema {ledger.schema}, found {schema}")
    return batches


def _place(ledger: Ledger, part: Part) -> str:
    return f"partition {part.partition} (attempt {part.attempt}) of the stream '{ledger.stream}'"
