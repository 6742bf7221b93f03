"""The local file that workers map into memory: filled once a machine from a stream."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mlsql.bridge.codec import read_schema
from mlsql.bridge.digest import Digest
from mlsql.bridge.errors import TransportError
from mlsql.bridge.messages import Ledger
from mlsql.bridge.subscriber import read_exactly
from mlsql.bridge.transport import Stream, go_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The complete rows of a stream in an Arrow IPC file, and what is known of them."""

    file: Path
    rows: int
    bytes: int
    """Of the messages that carried them."""
    seconds: float
    checksum: str
    """CRC-32C of the rows in their order (``mlsql.bridge.digest``)."""
    nulls: Mapping[str, int]
    """By column; ``column[]`` counts those inside arrays."""
    left_out: int = 0
    """Rows that are not used, for they have a null."""


def no_report(rows: int, /) -> None:
    """The report of callers that do not listen."""


def fetch(
    stream: Stream,
    ledger: Ledger,
    directory: Path,
    *,
    timeout: float,
    stop: Callable[[], None] = go_on,
    report: Callable[[int], None] = no_report,
) -> Fetched:
    """Write the ledger's rows to ``directory/STREAM.arrow``, which exists only when it is complete.

    *timeout* is for silence of the transport; *stop* is called between batches, and *report* with
    the number of rows so far.
    """
    start = time.monotonic()
    file = directory / f"{ledger.stream}.arrow"
    schema = read_schema(ledger.arrow_schema)
    digest = Digest(schema)
    with _complete(file) as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in read_exactly(stream, ledger, timeout=timeout, stop=stop):
            writer.write_batch(batch)
            digest.add(batch)
            report(digest.rows)
            stop()
    return Fetched(
        file=file,
        rows=digest.rows,
        bytes=ledger.bytes,
        seconds=time.monotonic() - start,
        checksum=digest.checksum,
        nulls=digest.nulls,
    )


@contextmanager
def _complete(file: Path) -> Iterator[pa.NativeFile]:
    """An open file that gets its name when the block ends well, and else is removed."""
    draft = file.with_suffix(".tmp")
    try:
        with pa.OSFile(str(draft), "wb") as sink:
            yield sink
        draft.replace(file)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise TransportError(f"'{file}' cannot be written: {reason}") from error
    finally:
        draft.unlink(missing_ok=True)
