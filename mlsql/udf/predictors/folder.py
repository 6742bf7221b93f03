"""The folder of a stored MLflow model, with the content that it had when its function was registered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsql.errors import DataError

DESCRIPTION = "MLmodel"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that travels to executors by its path, and the SHA-256 of each file that matters in it."""

    path: str
    files: tuple[tuple[str, str], ...] = field(repr=False)
    """Names relative to the folder, in ascending order."""

    @classmethod
    def of(cls, folder: Path, name: str | None = None) -> ModelFolder:
        """The *folder* with the file *name* alone, or with all its files."""
        files = [folder / name] if name else sorted(each for each in folder.rglob("*") if each.is_file())
        return cls(
            str(folder),
            tuple((_inside(each, folder), hashlib.sha256(_read(each)).hexdigest()) for each in files),
        )

    def checked(self) -> Path:
        """The folder, when its files still hold what they held."""
        for name, _ in self.files:
            self.read(name)
        return Path(self.path)

    def read(self, name: str) -> bytes:
        """The content of one of its files, which is what it was."""
        file = Path(self.path) / name
        content = _read(file)
        if hashlib.sha256(content).hexdigest() != dict(self.files)[name]:
            raise DataError(f"{file} is not what it was when its function was registered")
        return content


def read_flavors(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """What ``MLmodel`` says of the forms in which the model is stored."""
    import yaml  # type: ignore[import-untyped]  # it ships no types

    flavors: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_read(folder / DESCRIPTION))["flavors"]
    return flavors


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
