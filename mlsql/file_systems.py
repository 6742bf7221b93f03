"""Folders on file systems that pyarrow knows (``s3://``, ``gs://``, ``hdfs://`` …), or else fsspec.

Credentials and endpoints come from the environment of the process, never from a URI, so that none
gets into a log. Whatever a file system raises becomes an error with the URI and its first line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlsql.errors import DataError, MlsqlError, RunError, ScriptError
from mlsql.names import nearest
from mlsql.spans import mask_secrets

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_ALIASES = {"s3a": "s3", "s3n": "s3"}
"""Hadoop's names for what pyarrow calls otherwise."""
_BLOCK_BYTES = 1 << 20
_MOST_TOLD = 300


def is_remote(path: str) -> bool:
    """Whether *path* is a URI, and not a path of this machine."""
    return _SCHEME.match(path) is not None


def hint_of_near(path: str) -> str | None:
    """A hint that names what lies beside a *path* of this machine under the most similar name."""
    wanted = Path(path.removeprefix("file://"))
    beside = [each.name for each in wanted.parent.iterdir()] if wanted.parent.is_dir() else []
    near = nearest(wanted.name, beside)
    is_alike = near is not None and nearest(wanted.stem, [Path(near).stem]) is not None  # not just its suffix
    return f"did you mean '{wanted.parent / near}'?" if near and is_alike else None


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder by some name."""

    is_file: bool
    written: float | None
    """When, in seconds by the clock of the file system; None where it does not say."""


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder that may not be there yet; names in it may have slashes."""

    uri: str
    system: Any
    """A ``pyarrow.fs.FileSystem``."""
    path: str

    def below(self, name: str) -> RemoteFolder:
        """The folder *name* in it."""
        return RemoteFolder(f"{self.uri}/{name}", self.system, f"{self.path}/{name}")

    def entries(self) -> Mapping[str, Entry]:
        """What lies in it, by name; nothing where it is not there."""
        from pyarrow.fs import FileSelector

        with _told(self.uri, "read"):
            try:
                found = self.system.get_file_info(FileSelector(self.path, allow_not_found=True))
            except NotADirectoryError:
                return {}
        return {each.base_name: _entry(each) for each in found}

    def files(self, names: list[str]) -> list[str]:
        """Those of *names* that are files in it."""
        with _told(self.uri, "read"):
            found = self.system.get_file_info([f"{self.path}/{name}" for name in names])
        return [name for name, each in zip(names, found, strict=True) if _entry(each).is_file]

    def kind(self) -> str:
        """``file``, ``folder`` or ``nothing``: what lies at its place."""
        from pyarrow.fs import FileType

        with _told(self.uri, "read"):
            kind = self.system.get_file_info(self.path).type
        return {FileType.File: "file", FileType.NotFound: "nothing"}.get(kind, "folder")

    def read(self, name: str) -> bytes:
        """The content of the file *name*."""
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """The same, piece by piece."""
        path = f"{self.path}/{name}"
        with _told(f"{self.uri}/{name}", "read"), self.system.open_input_stream(path) as file:
            while block := file.read(_BLOCK_BYTES):
                yield block

    def write(self, name: str, content: bytes) -> None:
        """Put *content* into the file *name*."""
        with _told(f"{self.uri}/{name}", "written"):
            self.system.create_dir(self.path, recursive=True)
            with self.system.open_output_stream(f"{self.path}/{name}") as file:
                file.write(content)

    def move(self, name: str, new: str) -> None:
        """Rename the file *name*; whoever looks sees it whole or not at all."""
        with _told(f"{self.uri}/{name}", "moved"):
            self.system.move(f"{self.path}/{name}", f"{self.path}/{new}")

    def upload(self, folder: Path) -> None:
        """Copy all files of the local *folder* into it."""
        from pyarrow.fs import LocalFileSystem, copy_files

        with _told(self.uri, "written"):
            copy_files(
                str(folder),
                self.path,
                source_filesystem=LocalFileSystem(),
                destination_filesystem=self.system,
            )

    def delete(self, name: str) -> None:
        """Remove the file *name* where there is one."""
        with _told(f"{self.uri}/{name}", "removed"):
            try:
                self.system.delete_file(f"{self.path}/{name}")
            except FileNotFoundError:
                return

    def delete_all(self) -> None:
        """Remove the folder with all that is in it, where there is one."""
        with _told(self.uri, "removed"):
            try:
                self.system.delete_dir(self.path)
            except FileNotFoundError:
                return


def open_folder(uri: str) -> RemoteFolder:
    """The folder that *uri* names; it is not looked at."""
    parts = urlsplit(uri)
    if parts.password or parts.query or parts.fragment:
        raise ScriptError(
            f"'{mask_secrets(uri.partition('?')[0])}' is given with settings of its file system",
            hint="credentials and endpoints come from the environment, a path has none",
        )
    plain = uri.rstrip("/")
    with _told(uri, "opened"):
        system, path = _found(_ALIASES.get(parts.scheme.casefold(), parts.scheme), plain)
    return RemoteFolder(plain, system, path)


def _found(scheme: str, uri: str) -> tuple[Any, str]:
    """The file system of *uri* and the path in it."""
    from pyarrow import ArrowInvalid
    from pyarrow.fs import FileSystem

    try:
        system, path = FileSystem.from_uri(f"{scheme}:{uri.partition(':')[2]}")
    except ArrowInvalid as error:
        if "Unrecognized filesystem" not in str(error):
            raise
        return _by_fsspec(scheme, uri)
    return system, path


def _by_fsspec(scheme: str, uri: str) -> tuple[Any, str]:
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    hint = f"pip install fsspec, and its package for '{scheme}:'"
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ScriptError(f"no file system is known for '{uri}'", hint=hint) from error
    try:
        system, path = url_to_fs(uri)
    except (ValueError, ImportError) as error:
        raise ScriptError(f"no file system is known for '{uri}': {_first_line(error)}", hint=hint) from error
    return PyFileSystem(FSSpecHandler(system)), path


@contextmanager
def _told(uri: str, done: str) -> Iterator[None]:
    """A block whose failures are told with the *uri* and what could not be *done*."""
    from pyarrow import ArrowException

    try:
        yield
    except MlsqlError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"'{uri}' cannot be {done}: nothing lies there") from error
    except (OSError, ArrowException) as error:
        raise RunError(f"'{uri}' cannot be {done}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return mask_secrets(lines[0])[:_MOST_TOLD]


def _entry(info: Any) -> Entry:
    return Entry(bool(info.is_file), None if info.mtime_ns is None else info.mtime_ns / 1e9)
