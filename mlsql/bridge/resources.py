"""Files and folders of the user's that workers find as copies in their own folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePath

from mlsql.bridge.errors import WorkerError
from mlsql.bridge.request import RESOURCE

_FOLDER = "resources"


def place_of(path: str) -> str:
    """Where in a worker's folder the copy of *path* lies; it keeps the name.

    >>> place_of("/data/words.txt")
    'resources/d77b9c02/words.txt'
    """
    digest = hashlib.sha256(path.encode()).hexdigest()[:8]
    return f"{_FOLDER}/{digest}/{PurePath(path).name}"


def copy_resources(resources: Mapping[str, str], folder: Path) -> None:
    """Copy each file or folder to its place in *folder*."""
    for place, path in resources.items():
        target = folder / place
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(path).is_dir():
                shutil.copytree(path, target)
            else:
                shutil.copy2(path, target)
        except OSError as error:
            raise WorkerError(
                f"'{path}' cannot be copied to the worker: {error.strerror or error}"
            ) from error


def own_resources(params: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """The copies that a candidate's parameters name (``resource.NAME``), by NAME."""
    return {
        name.removeprefix(RESOURCE): folder / place_of(path)
        for name, path in params.items()
        if name.startswith(RESOURCE)
    }
