"""The rows of a job, kept once on disk as an Arrow file and given as JSON, CSV, Arrow or Parquet.

Each job has a folder of its own, which only the owner of the process can look into; its events
and its log lie there too. A result appears whole or not at all.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from mlsql.errors import ConfigError
from mlsql.jobs.errors import ResultGone
from mlsql.jobs.states import Job, Kept
from mlsql.results.arrow_rows import arrow_batches, arrow_schema, plain_rows
from mlsql.results.formats import Rows, Take, csv_lines, json_lines, raw_rows

_FILE = "result.arrow"
_BATCH_ROWS = 4096
_FETCHED_AT_ONCE = 10_000
"""A limit up to here is fetched in one Spark job that reads no more partitions than it needs."""
_LINES = 500
_CHUNK = 2**18
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


@dataclass(frozen=True, slots=True)
class ResultFolders:
    """The folders of all jobs below *root*, and the most *rows* and *bytes* that are kept of one."""

    root: Path
    rows: int
    bytes: int

    def of(self, job: str) -> Path:
        """The folder of a job, which may not be there yet."""
        return self.root / job

    def keep_frame(
        self, job: Job, frame: DataFrame, take: Take = DataFrame.take, *, nulls: bool = True
    ) -> Kept:
        """Write the first rows of *frame*, as many as the job and the limits allow; *take* fetches a few.

        Without *nulls* the JSON form leaves out what is null.
        """
        limit = self._limit(job)
        rows = raw_rows(frame, limit + 1 if limit < _FETCHED_AT_ONCE else None, take)
        spark = {b"mlsql.spark": frame.schema.json().encode(), b"mlsql.nulls": b"1" if nulls else b"0"}
        schema = arrow_schema(frame.schema).with_metadata(spark)
        return self.keep(job, schema, arrow_batches(frame.schema, rows, _BATCH_ROWS))

    def keep(self, job: Job, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Kept:
        """Write the first rows of *batches*; a result of an earlier attempt is replaced."""
        folder = self.of(job.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _whole(folder / _FILE) as file, pa.ipc.new_file(file, schema) as writer:
            return self._write(batches, writer, self._limit(job))

    def open(self, job: Job) -> StoredResult:
        """The result of a job that succeeded, else ResultGone; without columns where it kept none."""
        if job.expired:
            raise ResultGone(job.id)
        if job.result is None:
            return StoredResult(_nothing())
        try:
            source = pa.memory_map(str(self.of(job.id) / _FILE))
        except FileNotFoundError as error:
            raise ResultGone(job.id) from error
        return StoredResult(pa.ipc.open_file(source))

    def remove(self, job: str) -> None:
        """Delete what is kept of a job."""
        shutil.rmtree(self.of(job), ignore_errors=True)

    def untouched(self, since: float) -> Iterator[str]:
        """The jobs in whose folders nothing was made or deleted since then."""
        return (each.name for each in self.root.iterdir() if each.stat().st_mtime < since)

    def _limit(self, job: Job) -> int:
        rows = job.submission.rows
        return self.rows if rows is None else min(rows, self.rows)

    def _write(self, batches: Iterable[pa.RecordBatch], writer: Any, most_rows: int) -> Kept:
        rows = size = 0
        for batch in batches:
            taken = batch.slice(0, most_rows - rows)
            if size + taken.nbytes > self.bytes:
                return Kept(rows, size, complete=False)
            writer.write_batch(taken)
            rows, size = rows + taken.num_rows, size + taken.nbytes
            if taken.num_rows < batch.num_rows:
                return Kept(rows, size, complete=False)
        return Kept(rows, size)


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The rows of one job on disk; each form is a stream of bytes of a page of them."""

    reader: Any

    @property
    def spark_schema(self) -> str:
        """The types of the columns, as Spark writes them in JSON."""
        schema: bytes = self._metadata.get(b"mlsql.spark", b'{"type":"struct","fields":[]}')
        return schema.decode()

    def json(self, offset: int = 0, limit: int | None = None) -> Iterator[bytes]:
        """One array, an object a row."""
        nulls = self._metadata.get(b"mlsql.nulls") != b"0"
        lines = json_lines(self._rows(offset, limit), nulls=nulls)
        yield next(lines).encode()
        yield from _joined(f"\n{line}" for line in lines)

    def csv(self, offset: int = 0, limit: int | None = None) -> Iterator[bytes]:
        """A header, and a line a row."""
        yield from _joined(f"{line}\n" for line in csv_lines(self._rows(offset, limit)))

    def arrow(self, offset: int = 0, limit: int | None = None) -> Iterator[bytes]:
        """An Arrow IPC stream."""
        buffer = io.BytesIO()
        with pa.ipc.new_stream(buffer, self.reader.schema) as writer:
            for batch in self._batches(offset, limit):
                writer.write_batch(batch)
                yield _drained(buffer)
        yield _drained(buffer)

    def parquet(self, offset: int = 0, limit: int | None = None) -> Iterator[bytes]:
        """A Parquet file."""
        with tempfile.TemporaryFile() as file:
            with pq.ParquetWriter(file, self.reader.schema) as writer:
                for batch in self._batches(offset, limit):
                    writer.write_batch(batch)
            file.seek(0)
            while chunk := file.read(_CHUNK):
                yield chunk

    @property
    def _metadata(self) -> Mapping[bytes, bytes]:
        return self.reader.schema.metadata or {}

    def _rows(self, offset: int, limit: int | None) -> Rows:
        schema = self.reader.schema
        return Rows(tuple(schema.names), plain_rows(schema, self._batches(offset, limit)))

    def _batches(self, offset: int, limit: int | None) -> Iterator[pa.RecordBatch]:
        """The batches that hold the rows of a page, cut to it."""
        end = None if limit is None else offset + limit
        first = 0
        for number in range(self.reader.num_record_batches):
            batch = self.reader.get_batch(number)
            start, stop = max(offset - first, 0), batch.num_rows
            if end is not None:
                stop = min(stop, end - first)
            if start < stop:
                yield batch.slice(start, stop - start)
            first += batch.num_rows


Form = Callable[[StoredResult, int, int | None], Iterator[bytes]]

FORMS: Mapping[str, tuple[str, Form]] = {
    "json": ("application/json", StoredResult.json),
    "csv": ("text/csv; charset=utf-8", StoredResult.csv),
    "arrow": ("application/vnd.apache.arrow.stream", StoredResult.arrow),
    "parquet": ("application/vnd.apache.parquet", StoredResult.parquet),
}
"""The forms that a result is given in: the media type, and the method that streams it."""


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A block that writes a file, which appears when all of it is on the disk, or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        raise ConfigError(
            f"the result cannot be kept: {error.strerror}",
            hint="the disk of server.state needs room",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _nothing() -> Any:
    """A file without columns."""
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, pa.schema([])):
        pass
    return pa.ipc.open_file(buffer.getvalue())


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    while some := "".join(islice(lines, _LINES)):
        yield some.encode()


def _drained(buffer: io.BytesIO) -> bytes:
    """What was written to *buffer* since the last time."""
    written = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return written
