"""Messages in files of a folder that driver, executors and readers see: ``JOB/STREAM/part-P-ATTEMPT.arrow``.

A task writes its file under a temporary name and renames it when it is complete; it is read
message by message. A file holds the task's messages one after the other, each a frame::

    "MLM1" | length of the header, uint32 | length of the body, uint64 | header, JSON | body

little-endian, the header filled up with spaces and the body with zeros so that every body and
every frame starts at a multiple of 64 bytes, where Arrow likes its buffers. ``JOB/owner.json``
names the driver, so that :meth:`SpoolTransport.sweep` knows what nobody needs any more.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

import pyarrow as pa

from mlsql.bridge.errors import InexactData, TransportError
from mlsql.bridge.messages import Body, Header, Ledger, Message, Part
from mlsql.bridge.transport import Place, go_on
from mlsql.owners import Owner, read_record

_FRAME = struct.Struct("<4sIQ")
_MAGIC = b"MLM1"
_ALIGNMENT = 64
_POLL_SECONDS = 0.05
_UNOWNED_SECONDS = 3600.0
_SHARED = "driver and executors must see the same folder, the setting bridge.spool; or use Kafka"


@dataclass(frozen=True, slots=True)
class SpoolStream:
    """A stream below *folder*, the spool."""

    job: str
    name: str
    folder: str

    @contextmanager
    def writer(self, partition: int, attempt: int, *, again: bool = False) -> Iterator[_SpoolWriter]:  # noqa: ARG002
        """A writer of one file, which exists when it has finished."""
        file = self._file(partition, attempt)
        draft = file.with_suffix(".tmp")
        with _named(draft):
            out = draft.open("wb")
        try:
            yield _SpoolWriter(out, file)
        finally:
            with suppress(OSError):  # what counts has been closed by finish
                out.close()
            draft.unlink(missing_ok=True)

    def subscribe(
        self, ledger: Ledger, *, timeout: float, stop: Callable[[], None] = go_on
    ) -> Iterator[Message]:
        """The messages file by file; a file that does not appear within *timeout* s is InexactData."""
        for part in ledger.parts:
            if part.messages:
                file = self._file(part.partition, part.attempt)
                self._await(file, part, timeout, stop)
                for message in self._frames(file, part):
                    stop()
                    yield message

    def delete(self) -> None:
        """Remove the stream's folder, and the job's when it was the last."""
        job = self._path.parent
        with _named(self._path):
            if self._path.exists():
                # A task that nobody waits for any more may still write: it finds no place now.
                shutil.rmtree(self._path.rename(self._path.with_name(f".{self.name}.deleted")))
            if {file.name for file in _listed(job)} <= {"owner.json"}:
                shutil.rmtree(job, ignore_errors=True)

    def to_dict(self) -> dict[str, Any]:
        """The stream in plain values."""
        return {"scheme": SpoolTransport.scheme, **dataclasses.asdict(self)}

    @property
    def _path(self) -> Path:
        return Path(self.folder) / self.job / self.name

    def _file(self, partition: int, attempt: int) -> Path:
        return self._path / f"part-{partition}-{attempt}.arrow"

    def _frames(self, file: Path, part: Part) -> Iterator[Message]:
        try:
            yield from _frames(file)
        except ValueError as error:
            raise InexactData(
                f"partition {part.partition} (attempt {part.attempt}) of the stream '{self.name}': "
                f"expected {part.messages:,} messages, found that {error}"
            ) from error

    def _await(self, file: Path, part: Part, timeout: float, stop: Callable[[], None]) -> None:
        """Wait until *file* is there: a shared folder may show what another machine wrote with delay."""
        deadline = time.monotonic() + timeout
        while not file.exists():
            stop()
            if time.monotonic() >= deadline:
                raise InexactData(
                    f"partition {part.partition} (attempt {part.attempt}) of the stream '{self.name}': "
                    f"expected {part.rows:,} rows in '{file}', found no such file",
                    hint=_SHARED,
                )
            time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class SpoolTransport:
    """Opens streams below *folder*, which it makes, for its user alone, when it is not there."""

    folder: str
    scheme: ClassVar[str] = "spool"

    def open(self, job: str, name: str, *, partitions: int) -> SpoolStream:  # noqa: ARG002
        """A stream with a new, empty folder."""
        stream = SpoolStream(job, name, str(Path(self.folder).absolute()))
        place = Path(stream.folder) / job
        with _named(place):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.mkdir(mode=0o700, exist_ok=True)
            Owner.this_process().write(place / "owner.json")
            (place / name).mkdir(mode=0o700)
        return stream

    def sweep(self) -> None:
        """Remove the folders of jobs whose driver no longer lives."""
        for job in _listed(Path(self.folder)):
            if _is_left(job):
                shutil.rmtree(job, ignore_errors=True)


class _SpoolWriter:
    def __init__(self, out: IO[bytes], file: Path) -> None:
        self._out = out
        self._file = file
        self._is_empty = True

    def send(self, header: Header, body: Body) -> None:
        text = json.dumps(header.to_dict()).encode()
        text += b" " * (-(_FRAME.size + len(text)) % _ALIGNMENT)
        with _named(self._file):
            self._out.write(_FRAME.pack(_MAGIC, len(text), len(body)) + text)
            self._out.write(body)
            self._out.write(bytes(-len(body) % _ALIGNMENT))
        self._is_empty = False

    def finish(self) -> Place:
        with _named(self._file):
            self._out.close()
            if not self._is_empty:
                Path(self._out.name).replace(self._file)
        return None, None, None


def _frames(file: Path) -> Iterator[Message]:
    """The messages of a file, one in memory at a time; ValueError where it is damaged."""
    with _named(file), pa.OSFile(str(file)) as source:
        size, start = source.size(), 0
        while start < size:
            source.seek(start)
            try:
                magic, header_length, body_length = _FRAME.unpack(source.read(_FRAME.size))
                end = start + _FRAME.size + header_length + body_length
                if magic != _MAGIC or end > size:
                    raise ValueError(f"the frame of {end - start:,} bytes is none, or cut off")
                header = Header.from_dict(json.loads(source.read(header_length)))
            except (struct.error, ValueError, KeyError, TypeError, OverflowError) as error:
                raise ValueError(f"'{file}' is damaged at byte {start:,}: {error}") from error
            # Not by a memory map: its pages would count as this process's memory, all of them.
            yield Message(header, memoryview(source.read_buffer(body_length)))
            start = end + -end % _ALIGNMENT


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_left(job: Path) -> bool:
    """Whether nobody needs the folder of a job; one without owner may be in the making."""
    record = read_record(job / "owner.json")
    if record:
        return record[0].is_gone
    with suppress(OSError):
        return job.is_dir() and time.time() - job.stat().st_mtime > _UNOWNED_SECONDS
    return False


@contextmanager
def _named(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        hint = _SHARED if isinstance(error, FileNotFoundError) else "bridge.spool can name another folder"
        raise TransportError(f"the spool failed at '{place}': {reason}", hint=hint) from error
