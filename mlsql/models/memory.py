"""A store that keeps manifests in memory: the twin of the real ones in tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlsql.errors import MissingModel
from mlsql.models.manifest import Draft, Manifest, ModelRef, StoredModel, found_instead


@dataclass(slots=True)
class _MemoryDraft:
    ref: ModelRef
    directory: Path
    _versions: dict[int, StoredModel | None]

    def commit(self, manifest: Manifest) -> StoredModel:
        if self._versions[self.ref.version] is not None:
            raise FileExistsError(f"{self.ref} is complete, it never changes")
        stored = self._versions[self.ref.version] = StoredModel(self.ref, manifest)
        return stored


class MemoryModelStore:
    """A ModelStore that keeps its manifests in memory.

    What a draft writes lies below *directory* and stays there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._models: dict[str, dict[int, StoredModel | None]] = {}

    @contextmanager
    def begin(self, path: str) -> Iterator[Draft]:
        """Take the next version number; what is not committed is forgotten."""
        versions = self._models.setdefault(path, {})
        ref = ModelRef(path, max(versions, default=-1) + 1)
        versions[ref.version] = None
        directory = Path(f"{self._directory}/{ref}")
        directory.mkdir(parents=True)
        try:
            yield _MemoryDraft(ref, directory, versions)
        finally:
            if versions[ref.version] is None:
                del versions[ref.version]
                shutil.rmtree(directory)

    def versions(self, path: str) -> Sequence[int]:
        """The committed versions at *path*, ascending."""
        return sorted(self._complete(path))

    def open(self, path: str, version: int | None = None) -> StoredModel:
        """The version asked for, or the newest."""
        models = self._complete(path)
        wanted = max(models, default=None) if version is None else version
        if wanted is None or wanted not in models:
            raise MissingModel(path, version=version, found=found_instead(None, sorted(models)))
        return models[wanted]

    def delete(self, ref: ModelRef) -> None:
        """Forget one version."""
        self.open(ref.path, ref.version)
        del self._models[ref.path][ref.version]
        shutil.rmtree(f"{self._directory}/{ref}")

    def _complete(self, path: str) -> dict[int, StoredModel]:
        return {number: each for number, each in self._models.get(path, {}).items() if each is not None}
