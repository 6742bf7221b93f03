"""Settings from file, environment and command line: one frozen object, each key declared once.

The sources in growing weight: what is declared here, ``mlsql.toml`` (or the file given), the
environment, the command line. The key ``partitions`` of ``[bridge.kafka]`` is
``MLSQL_BRIDGE__KAFKA__PARTITIONS`` in the environment and ``bridge.kafka.partitions`` on the
command line. Settings of Spark stand under ``[spark]``, with or without their ``spark.``.
Only names with a double underscore are ours in the environment.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsql.config.settings import SECTIONS, Settings
from mlsql.errors import ConfigError
from mlsql.names import nearest
from mlsql.options import Declared, declared_options

DEFAULT_FILE = Path("mlsql.toml")
_PREFIX = "MLSQL_"
_SPARK = "spark."
_SECRET = re.compile(r"secret|password|token|access[.]?key|credential", re.IGNORECASE)


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where we keep what can be fetched or made again; ``XDG_CACHE_HOME`` moves it."""
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlsql"


@contextmanager
def writing_to_cache(folder: Path) -> Iterator[None]:
    """A block that writes to *folder* below the cache; where it may not, the operator is told."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} cannot be written to: {error.strerror}",
            hint="XDG_CACHE_HOME names another place for what can be made again",
        ) from error


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where we keep what cannot be made again; ``XDG_DATA_HOME`` moves it."""
    return Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mlsql"


def declared_settings() -> Iterator[tuple[str, Declared]]:
    """Every setting with its full key, as the documentation lists them; Spark's own are not ours."""
    for section, kind in SECTIONS.items():
        for declared in declared_options(kind):
            yield f"{section}.{declared.key}", declared


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in effect; a key that is unknown or cannot be read is a ConfigError.

    Without *file*, ``mlsql.toml`` of the working folder is read if there is one. The keys of
    *overrides* are full ones: ``jobs.timeout``, ``spark.sql.shuffle.partitions``.
    """
    return _built(_read_all(file, environment, overrides or {}))


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in effect: its value, and where that comes from."""

    key: str
    value: object
    origin: str
    """A file, a variable, the command line, or ``default``."""
    secret: bool = False


def settings_with_origins(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    overrides: Mapping[str, str] | None = None,
) -> tuple[Setting, ...]:
    """Every setting in effect, in the order of declaration, then those of Spark by their names."""
    given = _read_all(file, environment, overrides or {})
    declared = [
        given.get(key) or Setting(key, each.default, "default", each.secret)
        for key, each in declared_settings()
    ]
    return (*declared, *(given[key] for key in sorted(given) if key.startswith(_SPARK)))


def _read_all(
    file: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]
) -> dict[str, Setting]:
    """What is set somewhere, by its key, as the weightiest source has it."""
    known, read = dict(declared_settings()), {}
    for key, text, origin in _all_given(file, environment, overrides):
        if key.startswith(_SPARK):
            name = _SPARK + key.removeprefix(_SPARK).removeprefix(_SPARK)
            read[name] = Setting(name, text, origin, is_secret(name))
        else:
            declared = _declaration(key, known, origin)
            read[key] = Setting(key, _value(key, declared, text, origin), origin, declared.secret)
    return read


def is_secret(name: str) -> bool:
    """Whether a setting of Spark is called as secrets are."""
    return _SECRET.search(name) is not None


def _built(given: Mapping[str, Setting]) -> Settings:
    """The sections with what is given for them."""
    spark = {key: str(each.value) for key, each in given.items() if key.startswith(_SPARK)}
    whole: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, declared in declared_settings():
        if key in given:
            sections[key.rpartition(".")[0]][declared.field] = given[key].value
    for section in sorted(SECTIONS, reverse=True):  # a section before the one that it is a part of
        outer, _, name = section.rpartition(".")
        built = SECTIONS[section](**sections[section])
        if outer:
            sections[outer][name] = built
        else:
            whole[section] = built
    return Settings(**whole, spark=spark)


def _all_given(
    file: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """(key, text, origin) of everything that is set somewhere, the weightiest last."""
    path = file or DEFAULT_FILE
    if file is not None or path.is_file():
        for key, value in _flattened(_read_toml(path)):
            yield key, value, str(path)
    for name, value in sorted(environment.items()):
        if name.startswith(_PREFIX) and "__" in name:
            yield _key_of_variable(name), value, name
    for key, value in overrides.items():
        yield key, value, "the command line"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is not TOML: {error}") from error


def _flattened(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _flattened(value, f"{key}.")
        elif isinstance(value, str):
            yield key, value
        else:
            yield key, json.dumps(value, default=str)


def _key_of_variable(name: str) -> str:
    """``MLSQL_SPARK__SQL__caseSensitive`` → ``spark.sql.caseSensitive``: capitals are folded a part."""
    parts = name.removeprefix(_PREFIX).split("__")
    return ".".join(part.lower() if part.isupper() else part for part in parts)


def _declaration(key: str, known: Mapping[str, Declared], origin: str) -> Declared:
    if key in known:
        return known[key]
    near = nearest(key, known)
    hint = f"did you mean '{near}'?" if near else "docs/configuration.md lists the settings"
    raise ConfigError(f"{origin} sets '{key}', and no setting is called so", hint=hint)


def _value(key: str, declared: Declared, text: str, origin: str) -> object:
    try:
        return declared.kind.read(text)
    except ValueError as error:
        shown = "***" if declared.secret else text
        raise ConfigError(
            f"{origin}: the setting '{key}' takes {declared.kind.expected}, not '{shown}'"
        ) from error
