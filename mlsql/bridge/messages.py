"""What travels from Spark to the workers: messages, and the ledger that says which ones count.

A frame is published as one *stream*; each Spark task sends the messages of its partition,
numbered from 0. Only what successful tasks report is in the ledger, so rows that Spark sent
twice (a retried or speculated task) are known by their attempt and never read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Body = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of one message without opening it."""

    job: str
    stream: str
    partition: int
    attempt: int
    """``TaskContext.taskAttemptId()``: unique in the application, unlike ``attemptNumber``."""
    sequence: int
    """The message's number within (partition, attempt), from 0."""
    rows: int
    crc32c: int
    """The CRC-32C of the body."""
    schema: str
    """The fingerprint of the Arrow schema, the same for a whole stream."""

    def to_dict(self) -> dict[str, Any]:
        """The header in plain values, as it travels with a message."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Header:
        """The inverse of :meth:`to_dict`; numbers may also come as text."""
        return cls(
            job=str(raw["job"]),
            stream=str(raw["stream"]),
            partition=int(raw["partition"]),
            attempt=int(raw["attempt"]),
            sequence=int(raw["sequence"]),
            rows=int(raw["rows"]),
            crc32c=int(raw["crc32c"]),
            schema=str(raw["schema"]),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """A header and one Arrow IPC stream of record batches."""

    header: Header
    body: Body


@dataclass(frozen=True, slots=True)
class Part:
    """What one successful task published: the ledger's line for its partition.

    ``crc32c`` is the CRC-32C over the message CRCs in order (each 4 bytes, little-endian).
    Offsets are the transport's own (Kafka's), None where it has none.
    """

    partition: int
    attempt: int
    messages: int
    rows: int
    bytes: int
    crc32c: int
    channel: int | None = None
    """The transport's partition that holds them (Kafka's), None where it has none."""
    first_offset: int | None = None
    last_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Which messages of a stream are the frame: one part a partition, in partition order."""

    job: str
    stream: str
    schema: str
    """The fingerprint; ``arrow_schema`` is the schema itself, as Arrow IPC in base64."""
    arrow_schema: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many rows the frame has."""
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        """How many bytes its messages have."""
        return sum(part.bytes for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """The ledger in plain values, as the job file of a worker holds it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Ledger:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**raw, "parts": tuple(Part(**part) for part in raw["parts"])})
