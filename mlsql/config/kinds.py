"""What settings are made of besides texts and numbers: durations, sizes, lists, folders."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mlsql.options import Kind

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d|)")
_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(?P<number>\d+)\s*(?P<unit>KiB|MiB|GiB|)")
_BYTES = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _read_duration(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return float(match["number"]) * _SECONDS[match["unit"]]


def _read_limit(text: str) -> float | None:
    return None if text.casefold() == "none" else _read_duration(text)


def _read_size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None or int(match["number"]) == 0:
        raise ValueError(text)
    return int(match["number"]) * _BYTES[match["unit"]]


def _read_list(text: str) -> tuple[str, ...]:
    items = (
        json.loads(text)
        if text.startswith("[")
        else [item.strip() for item in text.split(",") if item.strip()]
    )
    if not all(isinstance(item, str) for item in items):
        raise ValueError(text)
    return tuple(items)


DURATION: Kind[float] = Kind(
    "a duration such as '90', '10m' or '1.5h' (seconds without a unit)", _read_duration
)
LIMIT: Kind[float | None] = Kind("a duration such as '90', '10m' or '1.5h', or 'none'", _read_limit)
SIZE: Kind[int] = Kind("a size in bytes such as '65536', '512 KiB' or '1 MiB'", _read_size)
LIST: Kind[tuple[str, ...]] = Kind("a list of texts", _read_list)
FOLDER: Kind[Path] = Kind("a folder", Path)
FILE: Kind[Path] = Kind("a file", Path)


def some_of(*known: str) -> Kind[tuple[str, ...]]:
    """A list of texts, each one of *known*."""

    def read(text: str) -> tuple[str, ...]:
        items = _read_list(text)
        if not set(items) <= set(known):
            raise ValueError(text)
        return items

    return Kind(f"a list of {', '.join(known)}", read)
