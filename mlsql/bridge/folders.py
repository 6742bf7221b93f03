"""Temporary folders that end with their block; what a killed process left goes when the next one is made."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlsql.errors import RunError
from mlsql.owners import Owner, read_record

_OWNER = "owner.json"
_SHARED = "mlsql-shared-"
_LOCK = ".users"
_JOIN_TRIES = 100


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


@contextmanager
def shared_folder(name: str) -> Iterator[Path]:
    """The folder of this *name* for all processes of one user that ask for it on this machine.

    It is gone when the last of them has left it, and when all have been killed it goes with the
    next one that is made.
    """
    _sweep_shared()
    folder = Path(tempfile.gettempdir()) / f"{_SHARED}{name}"
    lock = _join(folder)
    try:
        yield folder
    finally:
        _remove_unused(folder, lock)
        os.close(lock)


def _join(folder: Path) -> int:
    """The open lock file of *folder*, locked by one more user."""
    for _ in range(_JOIN_TRIES):
        with suppress(FileNotFoundError, FileExistsError):  # the last user left and removed it just now
            folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if _is_in(folder, lock):
                return lock
            os.close(lock)
    raise RunError(f"the folder '{folder}' cannot be shared: it is removed again and again", retriable=True)


def _is_in(folder: Path, lock: int) -> bool:
    """Whether an open lock file is that of *folder*, not of one that was removed."""
    try:
        return os.path.samestat(os.fstat(lock), (folder / _LOCK).stat())
    except FileNotFoundError:
        return False


def _remove_unused(folder: Path, lock: int) -> None:
    """Remove *folder* unless somebody else has locked it.

    It loses its name first: whoever comes meanwhile makes another, and nothing of theirs is removed.
    """
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_in(folder, lock):
            removed = folder.rename(folder.with_name(f"{folder.name}-{uuid.uuid4().hex}"))
            shutil.rmtree(removed, ignore_errors=True)


def _sweep_shared() -> None:
    for file in Path(tempfile.gettempdir()).glob(f"{_SHARED}*/{_LOCK}"):
        with suppress(FileNotFoundError, PermissionError):  # it is gone, or another user's
            lock = os.open(file, os.O_RDWR)
            _remove_unused(file.parent, lock)
            os.close(lock)
