"""The files and folders that a path of a script names, on whatever file system Spark reaches.

All goes through Hadoop's FileSystem: it is the same for a local path and for ``hdfs:`` or ``s3a:``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlsql.errors import DataError
from mlsql.grammar.nodes import Word
from mlsql.policy.paths import Purpose
from mlsql.session import Run


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder; *path* is local, or a URI on any other file system."""

    path: str
    name: str
    is_folder: bool
    size: int
    modified: datetime
    owner: str
    permission: str


@dataclass(frozen=True, slots=True)
class Usage:
    """How much lies at or below a place."""

    bytes: int
    files: int
    folders: int


class Files:
    """What a path of a script names, once the policy allows it; errors are placed at the path.

    What the file system refuses, or fails at, is a DataError in its words.
    """

    def __init__(self, run: Run, written: Word, purpose: Purpose = "read") -> None:
        self.written = written
        self.path = run.policy.path(written.text, span=written.span, purpose=purpose)
        self._jvm: Any = run.spark._jvm
        self._configuration = run.spark._jsparkSession.sessionState().newHadoopConf()
        with self._told():
            self._system = self._hadoop(self.path).getFileSystem(self._configuration)

    def entry(self, path: str | None = None) -> Entry | None:
        """What lies there, or at another *path* of the same file system; None when nothing does."""
        with self._told():
            place = self._hadoop(path or self.path)
            return _entry(self._system.getFileStatus(place)) if self._system.exists(place) else None

    def matches(self) -> list[Entry]:
        """What lies there, or else what the path stands for as a pattern (``*``, ``?``, ``[…]``, ``{…}``)."""
        found = self.entry()
        if found is not None:
            return [found]
        with self._told():
            return [*map(_entry, self._system.globStatus(self._hadoop(self.path)) or ())]

    def children(self, folder: Entry) -> list[Entry]:
        """What lies in *folder*, by name."""
        with self._told():
            entries = map(_entry, self._system.listStatus(self._hadoop(folder.path)))
            return sorted(entries, key=lambda each: each.name)

    def usage(self, entry: Entry) -> Usage:
        """How much lies at or below *entry*."""
        with self._told():
            summary = self._system.getContentSummary(self._hadoop(entry.path))
            return Usage(summary.getLength(), summary.getFileCount(), summary.getDirectoryCount())

    def read(self, file: Entry, most: int) -> bytes:
        """The first bytes of *file*, at most *most*."""
        with self._told(), _closing(self._system.open(self._hadoop(file.path))) as stream:
            return bytes(stream.readNBytes(most))

    def write(self, content: bytes) -> None:
        """Make a file of just this content, in the place of any that lies there; folders are made."""
        with self._told(), _closing(self._system.create(self._hadoop(self.path), True)) as stream:
            stream.write(content)

    def make_folder(self) -> None:
        """Make a folder, with those above it; one that is there stays."""
        with self._told():
            done = self._system.mkdirs(self._hadoop(self.path))
        if not done:
            raise DataError(f"the file system does not make '{self.path}'", span=self.written.span)

    def delete(self, entry: Entry) -> None:
        """Remove *entry* with all that lies in it."""
        with self._told():
            place = self._hadoop(entry.path)
            done = self._system.delete(place, True) or not self._system.exists(place)
        if not done:
            raise DataError(f"the file system does not remove '{entry.path}'", span=self.written.span)

    def copy(self, target: Files, path: str, *, keep: bool) -> None:
        """Copy what lies here to *path* on the file system of *target*; do not *keep* it to move it."""
        with self._told():
            here, there = self._hadoop(self.path), self._hadoop(path)
            if not keep and self._system.getUri().equals(target._system.getUri()):
                done = self._system.rename(here, there)
            else:
                copy = self._jvm.org.apache.hadoop.fs.FileUtil.copy
                done = copy(self._system, here, target._system, there, not keep, False, self._configuration)
        if not done:
            raise DataError(f"the file system does not bring it to '{path}'", span=self.written.span)

    def _hadoop(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A block in which what Hadoop raises as an IOException is an error about the path."""
        from py4j.java_gateway import is_instance_of
        from py4j.protocol import Py4JJavaError
        from pyspark import SparkContext
        from pyspark.errors import IllegalArgumentException

        try:
            yield
        except IllegalArgumentException as error:  # an unknown host, a path that is none
            raise DataError(f"the file system fails: {error}", span=self.written.span) from error
        except Py4JJavaError as error:
            raised = error.java_exception
            if not is_instance_of(SparkContext._gateway, raised, "java.io.IOException"):
                raise
            kind = raised.getClass().getSimpleName().removesuffix("Exception")
            message = f"the file system fails ({kind}): {raised.getMessage()}"
            raise DataError(message, span=self.written.span) from error


def _entry(status: Any) -> Entry:
    path = status.getPath()
    uri = path.toUri()
    return Entry(
        path=uri.getPath() if uri.getScheme() in (None, "file") else path.toString(),
        name=path.getName(),
        is_folder=status.isDirectory(),
        size=status.getLen(),
        modified=datetime.fromtimestamp(status.getModificationTime() / 1000, UTC),
        owner=status.getOwner(),
        permission=status.getPermission().toString(),
    )


@contextmanager
def _closing(stream: Any) -> Iterator[Any]:
    try:
        yield stream
    finally:
        stream.close()
