"""Models on file systems of other machines: a version is made in a local folder, and uploaded whole.

``files.json`` lists what was uploaded with the SHA-256 of each file, so that whoever fetches it can
tell whether it is that; ``manifest.json`` is written after it, and makes it a version.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlsql.errors import MissingModel, MlsqlError, RunError, ScriptError
from mlsql.file_systems import RemoteFolder, open_folder
from mlsql.models.claims import Claim, abandon, is_abandoned, take_number, written
from mlsql.models.manifest import (
    MANIFEST,
    Draft,
    Manifest,
    ModelRef,
    StoredModel,
    folder_of,
    found_instead,
    read_manifest,
    version_of,
)
from mlsql.owners import Owner

_log = logging.getLogger(__name__)

FILES = "files.json"


@dataclass(frozen=True, slots=True)
class RemoteModelStore:
    """A ModelStore whose paths are URIs."""

    opens: Callable[[str], RemoteFolder] = open_folder

    @contextmanager
    def begin(self, path: str) -> Iterator[Draft]:
        """Take the next version number; what is not committed when the block ends is removed."""
        root = self.opens(path)
        if root.kind() == "file":
            raise ScriptError(f"no model can be stored at '{path}': a file lies there")
        with _staging() as staging:
            number, claim = take_number(root, max(_numbers(root), default=-1) + 1)
            draft = _RemoteDraft(ModelRef(path, number), staging / folder_of(number), claim)
            with claim.kept():
                try:
                    draft.directory.mkdir()
                    _sweep(root, claim)
                    yield draft
                finally:
                    draft.end()

    def versions(self, path: str) -> Sequence[int]:
        """The complete versions at *path*, ascending."""
        return _complete(self.opens(path))

    def open(self, path: str, version: int | None = None) -> StoredModel:
        """The version asked for, or the newest complete one."""
        root = self.opens(path)
        versions = _complete(root)
        wanted = versions[-1] if versions and version is None else version
        if wanted is None or wanted not in versions:
            raise MissingModel(path, version=version, found=_found(root, versions))
        ref = ModelRef(path, wanted)
        return StoredModel(ref, read_manifest(ref, root.below(folder_of(wanted)).read(MANIFEST)))

    def delete(self, ref: ModelRef) -> None:
        """Remove one version with its files; MissingModel when there is none."""
        root = self.opens(ref.path)
        versions = _complete(root)
        if ref.version not in versions:
            raise MissingModel(ref.path, version=ref.version, found=_found(root, versions))
        folder = root.below(folder_of(ref.version))
        abandon(folder)
        folder.delete_all()


@contextmanager
def _staging() -> Iterator[Path]:
    """A new local folder, which says whose it is, so that it is swept when this process dies."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="mlsql-draft-"))
        Owner.this_process().write(folder / "owner.json")
    except OSError as error:
        raise RunError(f"no folder can be made in '{tempfile.gettempdir()}': {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _RemoteDraft:
    ref: ModelRef
    directory: Path
    _claim: Claim
    _is_committed: bool = False

    def commit(self, manifest: Manifest) -> StoredModel:
        if self._is_committed:
            raise FileExistsError(f"{self.ref} is complete, it never changes")
        folder, draft = self._claim.folder, f".{MANIFEST}"
        folder.upload(self.directory)
        folder.write(FILES, json.dumps(_checksums(self.directory), indent=2).encode())
        folder.write(draft, manifest.to_json().encode())
        self._claim.check()
        folder.move(draft, MANIFEST)
        self._is_committed = True
        return StoredModel(self.ref, manifest)

    def end(self) -> None:
        """Remove what marks it as a draft, or all of it; what resists is swept by another train."""
        try:
            self._claim.withdraw()
            if not self._is_committed:
                self._claim.folder.delete_all()
        except MlsqlError as error:
            _log.warning("%s could not be removed: %s", self.ref, error.message)


def _checksums(folder: Path) -> Mapping[str, str]:
    """The SHA-256 of each file in *folder*, by its name."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): _checksum(each) for each in files}


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _numbers(root: RemoteFolder) -> list[int]:
    """The numbers of versions and drafts."""
    versions = [version_of(name) for name in root.entries()]
    return sorted(each for each in versions if each is not None)


def _complete(root: RemoteFolder) -> list[int]:
    numbers = _numbers(root)
    there = set(root.files([f"{folder_of(each)}/{MANIFEST}" for each in numbers])) if numbers else set()
    return [each for each in numbers if f"{folder_of(each)}/{MANIFEST}" in there]


def _found(root: RemoteFolder, versions: Sequence[int]) -> str:
    kind = root.kind()
    return found_instead(root.entries() if kind == "folder" else None, versions, is_file=kind == "file")


def _sweep(root: RemoteFolder, own: Claim) -> None:
    """Remove drafts that their trains have left; one that moves while we look is somebody's."""
    now = written(own)
    complete = _complete(root)
    for number in _numbers(root):
        folder = root.below(folder_of(number))
        if number in complete or folder.uri == own.folder.uri:
            continue
        try:
            if is_abandoned(folder, now):
                _log.info("removing %s, which its train left behind", folder.uri)
                folder.delete_all()
        except MlsqlError as error:  # it changes while we look, or is not ours to remove
            _log.info("%s stays: %s", folder.uri, error.message)
