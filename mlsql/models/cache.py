"""Stored models of other file systems as folders of this machine, fetched once.

A copy lies below ``CACHE/models`` in a folder named by the SHA-256 of its address and of all that
its train has uploaded. It gets that name when it is complete, and is checked again when it is used:
a damaged one is fetched anew. Beyond 10 GB, copies that nobody has used for an hour are removed,
those of longest ago first.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlsql.config.loading import cache_folder
from mlsql.errors import DataError, RunError
from mlsql.file_systems import RemoteFolder, is_remote, open_folder
from mlsql.models.remote import FILES

MOST_BYTES = 10 * 10**9
UNUSED_SECONDS = 3600.0
_MOST_WAITED = 600.0
"""So many seconds the one who fetches may take, before the others give up."""
_COPY, _ORIGIN, _DRAFT = "files", "origin.json", ".draft-"


@dataclass(frozen=True, slots=True)
class Origin:
    """The folder of a stored model on another file system, and the SHA-256 of each file in it."""

    uri: str
    files: tuple[tuple[str, str], ...]
    """Names relative to the folder, in ascending order."""

    @classmethod
    def at(cls, uri: str, opens: Callable[[str], RemoteFolder] = open_folder) -> Self:
        """What lies at *uri*, which is ``…/_model_N/model/I``."""
        version, *below = uri.rsplit("/", 2)
        start = "/".join(below) + "/"
        try:
            listed: dict[str, str] = json.loads(opens(version).read(FILES))
        except DataError as error:
            told = f"'{version}' has no {FILES}, which a train writes there"
            hint = "train to that address; or copy the model to this machine, and name its folder"
            raise DataError(told, hint=hint) from error
        except ValueError as error:
            raise DataError(f"the list of files of '{version}' cannot be read: {error}") from error
        files = {name.removeprefix(start): sha for name, sha in listed.items() if name.startswith(start)}
        if not files:
            raise DataError(f"no model lies at '{uri}'")
        return cls(uri, tuple(sorted(files.items())))

    @classmethod
    def read(cls, file: Path) -> Self:
        """The origin that is told in *file*."""
        raw = json.loads(file.read_text(encoding="utf-8"))
        return cls(raw["uri"], tuple((name, sha) for name, sha in raw["files"]))

    @property
    def key(self) -> str:
        """The name of its copy."""
        return hashlib.sha256(json.dumps(dataclasses.astuple(self)).encode()).hexdigest()


def local_folder(directory: str) -> Path:
    """The folder *directory* of this machine, or a copy of one on another file system."""
    return fetched(Origin.at(directory)) if is_remote(directory) else Path(directory)


def copied_from(folder: Path) -> tuple[Origin, str] | None:
    """Of what the local *folder* lies in a copy, and where in it; None for one that is no copy."""
    for place in (folder, *folder.parents):
        if place.name == _COPY and (place.parent / _ORIGIN).is_file():
            return Origin.read(place.parent / _ORIGIN), folder.relative_to(place).as_posix()
    return None


def fetched(origin: Origin, opens: Callable[[str], RemoteFolder] = open_folder) -> Path:
    """The copy of *origin* on this machine, which holds what its train has stored."""
    try:
        cache = _cache()
        place = cache / origin.key
        if not _is_whole(place, origin):
            with _alone(cache):
                if not _is_whole(place, origin):
                    _put(_download(cache, origin, opens), place)
        os.utime(place)
        _trim(cache, kept=place)
    except OSError as error:
        hint = "XDG_CACHE_HOME names the folder of caches"
        raise RunError(f"'{origin.uri}' cannot be kept on this machine: {error}", hint=hint) from error
    return place / _COPY


def _cache() -> Path:
    cache = cache_folder() / "models"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cache


def _is_whole(place: Path, origin: Origin) -> bool:
    """Whether the copy is there and undamaged."""
    try:
        return all(_sha256(place / _COPY / name) == sha for name, sha in origin.files)
    except FileNotFoundError:
        return False


def _download(cache: Path, origin: Origin, opens: Callable[[str], RemoteFolder]) -> Path:
    """A new copy under a name of its own."""
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=cache))
    try:
        source = opens(origin.uri)
        for name, sha in origin.files:
            if _save(source.blocks(name), draft / _COPY / name) != sha:
                raise DataError(f"'{origin.uri}/{name}' is not what its train has stored")
        (draft / _ORIGIN).write_text(json.dumps(dataclasses.asdict(origin)), encoding="utf-8")
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return draft


def _put(draft: Path, place: Path) -> None:
    """Give the complete copy its name; a damaged one that has it makes room."""
    damaged = draft.with_name(f"{draft.name}-damaged")
    if place.is_dir():
        place.rename(damaged)
    draft.rename(place)
    shutil.rmtree(damaged, ignore_errors=True)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """A block in which no other process of this machine fetches; the kernel frees it when one dies."""
    with cache.with_suffix(".lock").open("w") as file:
        end = time.monotonic() + _MOST_WAITED
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > end:
                    told = f"another process fetches a model since {_MOST_WAITED:g} s: {file.name}"
                    raise RunError(told, retriable=True) from error
            time.sleep(0.02)
        yield


def _save(blocks: Iterator[bytes], file: Path) -> str:
    """Write *blocks* to *file*; their SHA-256."""
    digest = hashlib.sha256()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        for block in blocks:
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _trim(cache: Path, kept: Path) -> None:
    """Remove what a killed process left half done, and the oldest copies when there are too many."""
    unused = time.time() - UNUSED_SECONDS
    copies = sorted((_used(each), _size(each), each) for each in cache.iterdir())
    size = sum(each for _, each, _ in copies)
    for used, bytes_of_it, place in copies:
        is_too_much = size > MOST_BYTES or place.name.startswith(_DRAFT)
        if is_too_much and used < unused and place != kept:
            size -= bytes_of_it
            shutil.rmtree(place, ignore_errors=True)


def _used(folder: Path) -> float:
    """When the copy was last used; 0 when another process has just removed it."""
    with suppress(FileNotFoundError):
        return folder.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    with suppress(FileNotFoundError):
        return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return 0
