"""Models in folders of this machine: ``PATH/_model_N/`` is a version once it has a ``manifest.json``.

Until then it is a draft. Its maker holds a lock on the file ``.draft`` in it, which the operating
system takes away when the process ends, however it ends. To commit is to rename that file, then
full, to ``manifest.json``. What lies there as a draft that nobody holds is removed by the next train.
Paths that are URIs go to ``remote_models``.
"""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mlsql.errors import DataError, MissingModel, RunError, ScriptError
from mlsql.file_systems import is_remote
from mlsql.models.manifest import (
    MANIFEST,
    Draft,
    Manifest,
    ModelRef,
    ModelStore,
    StoredModel,
    found_instead,
    read_manifest,
    version_of,
)
from mlsql.models.remote import RemoteModelStore

_logger = logging.getLogger(__name__)

_DRAFT = ".draft"
_LOCK_SECONDS = 30


class DirectoryModelStore:
    """A ModelStore whose paths are folders of this machine, or mounted on it."""

    @contextmanager
    def begin(self, path: str) -> Iterator[Draft]:
        """Take the next version number; what is not committed when the block ends is removed."""
        root = Path(path)
        missing = [each for each in (root, *root.parents) if not each.exists()]
        try:
            with _next_draft(path) as draft:
                yield draft
        finally:
            _remove_empty(missing)

    def versions(self, path: str) -> Sequence[int]:
        """The complete versions at *path*, ascending."""
        return sorted(number for number, folder in _folders(Path(path)).items() if _is_complete(folder))

    def open(self, path: str, version: int | None = None) -> StoredModel:
        """The version asked for, or the newest complete one."""
        versions = self.versions(path)
        wanted = versions[-1] if versions and version is None else version
        if wanted is None or wanted not in versions:
            raise MissingModel(path, version=version, found=_found(Path(path), versions))
        ref = ModelRef(path, wanted)
        return StoredModel(ref, _read_manifest(ref))

    def delete(self, ref: ModelRef) -> None:
        """Remove one version with its files; MissingModel when there is none."""
        versions = self.versions(ref.path)
        if ref.version not in versions:
            raise MissingModel(ref.path, version=ref.version, found=_found(Path(ref.path), versions))
        folder = Path(str(ref))
        try:
            (folder / MANIFEST).rename(folder / _DRAFT)
        except FileNotFoundError as error:
            raise MissingModel(ref.path, version=ref.version, found="another has just removed it") from error
        except OSError as error:
            raise RunError(f"{ref} cannot be removed: {error.strerror}") from error
        _remove(folder)


@dataclass(frozen=True, slots=True)
class PathModelStore:
    """A ModelStore for every path that a script can name: folders of this machine, and URIs."""

    folders: ModelStore = field(default_factory=DirectoryModelStore)
    remote: ModelStore = field(default_factory=RemoteModelStore)

    def begin(self, path: str) -> AbstractContextManager[Draft]:
        """Take the next version number; what is not committed when the block ends is removed."""
        return self._of(path).begin(path)

    def versions(self, path: str) -> Sequence[int]:
        """The complete versions at *path*, ascending."""
        return self._of(path).versions(path)

    def open(self, path: str, version: int | None = None) -> StoredModel:
        """The version asked for, or the newest complete one."""
        return self._of(path).open(path, version)

    def delete(self, ref: ModelRef) -> None:
        """Remove one version with its files; MissingModel when there is none."""
        self._of(ref.path).delete(ref)

    def _of(self, path: str) -> ModelStore:
        return self.remote if is_remote(path) else self.folders


@dataclass(slots=True)
class _DirectoryDraft:
    ref: ModelRef
    directory: Path
    _file: BinaryIO
    """The locked ``.draft``."""

    def commit(self, manifest: Manifest) -> StoredModel:
        if _is_complete(self.directory):
            raise FileExistsError(f"{self.ref} is complete, it never changes")
        try:
            self._file.write(manifest.to_json().encode())
            self._file.flush()
            os.fsync(self._file.fileno())
            (self.directory / _DRAFT).rename(self.directory / MANIFEST)
            _sync(self.directory)
        except OSError as error:
            raise RunError(f"{self.ref} cannot be stored: {error.strerror}") from error
        return StoredModel(self.ref, manifest)


@contextmanager
def _next_draft(path: str) -> Iterator[_DirectoryDraft]:
    """A block that holds the draft of the next version; a draft that it leaves behind is removed."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with _locked(Path(path)):
            _sweep(Path(path))
            ref = _take_number(path)
            file = Path(str(ref), _DRAFT).open("xb")  # noqa: SIM115 — closed below, when the block ends
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        raise ScriptError(f"no model can be stored at '{path}': {error.strerror}") from error
    with file:
        draft = _DirectoryDraft(ref, Path(str(ref)), file)
        try:
            yield draft
        finally:
            if not _is_complete(draft.directory):
                _remove(draft.directory)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A block in which nobody else begins a version, so that none is swept before it is locked."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    """Others hold it for the moment that taking a number takes."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise RunError(f"another train has locked {folder}", retriable=True) from error
        time.sleep(0.01)


def _take_number(path: str) -> ModelRef:
    """The first free number behind all that are there; its folder is made."""
    start = max(_folders(Path(path)), default=-1) + 1
    refs = (ModelRef(path, version) for version in itertools.count(start))
    return next(ref for ref in refs if _makes_folder(Path(str(ref))))


def _makes_folder(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _sweep(root: Path) -> None:
    for folder in _folders(root).values():
        if _is_abandoned(folder):
            _logger.info("removing %s, which its train left behind", folder)
            _remove(folder)


def _is_abandoned(folder: Path) -> bool:
    """Whether it is a draft that nobody holds; what has no ``.draft`` is not ours to judge."""
    try:
        with (folder / _DRAFT).open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return not _is_complete(folder)
    except (BlockingIOError, FileNotFoundError):
        return False


def _folders(root: Path) -> dict[int, Path]:
    """The folders of versions and drafts below *root*, by number."""
    try:
        named = [(version_of(each.name), each) for each in root.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise DataError(f"'{root}' cannot be read: {error.strerror}") from error
    return {number: folder for number, folder in named if number is not None}


def _is_complete(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _found(root: Path, versions: Sequence[int]) -> str:
    """What lies at *root* instead of the model that was looked for."""
    names = [each.name for each in root.iterdir()] if root.is_dir() else None
    return found_instead(names, versions, is_file=root.is_file())


def _read_manifest(ref: ModelRef) -> Manifest:
    try:
        content = Path(str(ref), MANIFEST).read_bytes()
    except OSError as error:
        raise DataError(f"the manifest of {ref} cannot be read: {error}") from error
    return read_manifest(ref, content)


def _remove(folder: Path) -> None:
    """Remove *folder*; what resists is a draft that the next train sweeps."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _logger.warning("%s could not be removed completely", folder)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
