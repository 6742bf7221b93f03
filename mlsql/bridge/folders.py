"""Temporary folders that end with their block; what a killed process left goes when the next one is made."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsql.bridge.transports.owner import Owner, read_record
from mlsql.errors import RunError

_OWNER = "owner.json"


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """A new folder ``mlsql-PURPOSE-…`` for its user alone, which is gone after the block."""
    _sweep()
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"mlsql-{purpose}-"))
        Owner.this_process().write(folder / _OWNER)
    except OSError as error:
        raise RunError(f"no folder can be made in '{tempfile.gettempdir()}': {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for file in Path(tempfile.gettempdir()).glob(f"mlsql-*/{_OWNER}"):
        record = read_record(file)
        if record is not None and record[0].is_gone:
            shutil.rmtree(file.parent, ignore_errors=True)
