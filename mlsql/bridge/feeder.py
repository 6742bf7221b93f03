"""The local file that workers map into memory: filled once a machine from a stream."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from mlsql.bridge.codec import read_schema
from mlsql.bridge.errors import TransportError
from mlsql.bridge.messages import Ledger
from mlsql.bridge.statistics import Observer
from mlsql.bridge.subscriber import read_exactly
from mlsql.bridge.transport import Stream, go_on
from mlsql.models.manifest import Column

SILENCE_SECONDS = 60.0
"""How long the transport may say nothing while a stream is read."""


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
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By column, those of a ``ColumnSummary``."""

    def to_dict(self) -> dict[str, Any]:
        """What is known, in plain values, as a worker tells it to the driver."""
        return {**dataclasses.asdict(self), "file": str(self.file)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Fetched:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**raw, "file": Path(raw["file"])})


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
    label: Column | None = None,
) -> Fetched:
    """Write the ledger's rows to ``directory/STREAM.arrow``, which exists only when it is complete.

    *timeout* is for silence of the transport; *stop* is called between batches, and *report* with
    the number of rows so far. Of the *label* the values are counted.
    """
    start = time.monotonic()
    file = directory / f"{ledger.stream}.arrow"
    schema = read_schema(ledger.arrow_schema)
    observer, rows = Observer(schema, label.name if label else None), 0
    with observer, _complete(file) as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in read_exactly(stream, ledger, timeout=timeout, stop=stop):
            writer.write_batch(batch)
            observer.add(batch)
            rows += batch.num_rows
            report(rows)
            stop()
        figures = observer.columns()
    return Fetched(
        file=file,
        rows=rows,
        bytes=ledger.bytes,
        seconds=time.monotonic() - start,
        checksum=observer.digest.checksum,
        nulls=observer.digest.nulls,
        figures=figures,
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
