"""Exactly the rows of a ledger, in their order, from a transport that may repeat, reorder and lose.

Of what a stream delivers only the ledger's attempts count. Each of their messages is handed out
once, checked against its header, its part of the ledger and the schema; anything missing, extra or
damaged is :class:`InexactData` that says where. Rows that came before such an error are no result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from mlsql.bridge import codec
from mlsql.bridge.errors import InexactData
from mlsql.bridge.messages import Ledger, Message, Part
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
    """Lets messages through in the ledger's order; holds the early, drops the repeated and foreign."""

    def __init__(self, ledger: Ledger, early_bytes: int) -> None:
        self._ledger = ledger
        self._parts = {part.partition: part for part in ledger.parts}
        self._sequel = ((part, sequence) for part in ledger.parts for sequence in range(part.messages))
        self._tally = _Tally()
        self._early: dict[tuple[int, int], Message] = {}
        self._room = early_bytes
        self._done: set[int] = set()
        self._next: tuple[Part, int] | None = next(self._sequel, None)

    def take(self, message: Message) -> Iterator[Message]:
        """The messages whose turn it is now that *message* has come."""
        key = (message.header.partition, message.header.sequence)
        if not self._is_wanted(message) or key in self._early:
            return
        self._early[key] = message
        self._room -= len(message.body)
        while self._next and (due := self._early.pop((self._next[0].partition, self._next[1]), None)):
            self._room += len(due.body)
            yield due
            self._advance(due)
        if self._room < 0:
            raise self._missing("and what came after it no longer fits into memory")

    def finish(self) -> None:
        """Check that nothing is missing."""
        if self._next is not None:
            raise self._missing("and no more came")

    def _is_wanted(self, message: Message) -> bool:
        header = message.header
        part = self._parts.get(header.partition)
        ours = (header.job, header.stream) == (self._ledger.job, self._ledger.stream)
        if part is None or not ours or header.attempt != part.attempt:
            return False
        if not 0 <= header.sequence < part.messages:
            raise InexactData(
                f"{_place(self._ledger, part)}: expected {part.messages:,} messages, found another one, "
                f"numbered {header.sequence:,}"
            )
        return self._next is not None and not self._is_past(part, header.sequence)

    def _is_past(self, part: Part, sequence: int) -> bool:
        return part.partition in self._done or (
            self._next is not None and part == self._next[0] and sequence < self._next[1]
        )

    def _advance(self, message: Message) -> None:
        assert self._next is not None
        part, sequence = self._next
        self._tally.add(message)
        if sequence == part.messages - 1:
            self._tally.check(self._ledger, part)
            self._tally = _Tally()
            self._done.add(part.partition)
        self._next = next(self._sequel, None)

    def _missing(self, ending: str) -> InexactData:
        assert self._next is not None
        part, sequence = self._next
        found = sequence + sum(partition == part.partition for partition, _ in self._early)
        return InexactData(
            f"{_place(self._ledger, part)}: expected {part.messages:,} messages with {part.rows:,} rows, "
            f"found {found:,}; number {sequence:,} is missing {ending}"
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
