"""The folder of a stored MLflow model, with the content that it had when its function was registered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsql.errors import DataError
from mlsql.models.cache import Origin, copied_from, fetched

DESCRIPTION = "MLmodel"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that travels to executors by its path, and the SHA-256 of each file that matters in it.

    The copy of a folder on another file system travels by its origin, and is fetched by every
    machine that has none.
    """

    path: str
    files: tuple[tuple[str, str], ...] = field(repr=False)
    """Names relative to the folder, in ascending order."""
    copied: tuple[Origin, str] | None = field(default=None, repr=False)
    """What it is a copy of, and where in that it lies."""

    @classmethod
    def of(cls, folder: Path, name: str | None = None) -> ModelFolder:
        """The *folder* with the file *name* alone, or with all its files."""
        files = [folder / name] if name else sorted(each for each in folder.rglob("*") if each.is_file())
        return cls(
            str(folder),
            tuple((_inside(each, folder), hashlib.sha256(_read(each)).hexdigest()) for each in files),
            copied_from(folder),
        )

    def checked(self) -> Path:
        """The folder, when its files still hold what they held."""
        folder = self._here()
        for name, _ in self.files:
            self._verified(folder, name)
        return folder

    def read(self, name: str) -> bytes:
        """The content of one of its files, which is what it was."""
        return self._verified(self._here(), name)

    def _here(self) -> Path:
        if self.copied is None:
            return Path(self.path)
        origin, below = self.copied
        return fetched(origin) / below

    def _verified(self, folder: Path, name: str) -> bytes:
        content = _read(folder / name)
        if hashlib.sha256(content).hexdigest() != dict(self.files)[name]:
            raise DataError(f"{folder / name} is not what it was when its function was registered")
        return content


def read_flavors(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """What ``MLmodel`` says of the forms in which the model is stored."""
    flavors: Mapping[str, Mapping[str, Any]] = read_description(folder)["flavors"]
    return flavors


def read_description(folder: Path) -> Mapping[str, Any]:
    """All that ``MLmodel`` says."""
    import yaml  # type: ignore[import-untyped]  # it ships no types

    description: Mapping[str, Any] = yaml.safe_load(_read(folder / DESCRIPTION))
    return description


def _inside(file: Path, folder: Path) -> str:
    """The name of *file* relative to *folder*; a file elsewhere is never opened."""
    real, root = file.resolve(), folder.resolve()
    if not real.is_relative_to(root):
        raise DataError(f"the model in {folder} points at {real}, which is not a part of it")
    return str(real.relative_to(root))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"a part of the model cannot be read: {file}: {error.strerror}") from error
