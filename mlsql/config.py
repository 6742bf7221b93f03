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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsql.dialect import DIALECTS
from mlsql.errors import ConfigError
from mlsql.names import nearest
from mlsql.options import BOOLEAN, TEXT, Declared, Kind, declared_options, integer, one_of, option

DEFAULT_FILE = Path("mlsql.toml")
_PREFIX = "MLSQL_"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where ``mlsql serve`` listens, and where it keeps what must not be lost."""

    host: str = option("host", TEXT, "Address to listen on.", default="127.0.0.1")
    port: int = option("port", integer(0, 65535), "Port to listen on; 0 takes a free one.", default=9003)
    state: Path | None = option(
        "state",
        FOLDER,
        "Folder of the database and of the jobs' results and logs; one server at a time uses it.",
        default=None,
    )
    body_limit: int = option("body_limit", SIZE, "Most bytes of a request.", default=8 * 2**20)
    requests: int = option(
        "requests", integer(1), "Most requests that are answered at once, event streams too.", default=256
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """What of the file systems a script may see."""

    root: Path | None = option(
        "root",
        FOLDER,
        "Folder that paths of scripts are below; without it they may lie anywhere.",
        default=None,
    )
    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Folders and URI prefixes outside the root that scripts may use all the same.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """Which jobs run when, and what is kept of them."""

    database: str | None = option(
        "database",
        TEXT,
        "URL of the database, such as `postgresql+psycopg://…`; else a file of SQLite in the state folder.",
        default=None,
        secret=True,
    )
    concurrency: int = option(
        "concurrency",
        integer(1),
        "Most jobs that run at once; by default one a core.",
        default=os.cpu_count() or 1,
    )
    per_owner: int | None = option(
        "per_owner", integer(1), "Most jobs of one owner that run at once; by default all.", default=None
    )
    queue: int = option("queue", integer(1), "Most jobs that wait.", default=10_000)
    timeout: float | None = option("timeout", LIMIT, "How long a run may take.", default=None)
    result_ttl: float = option(
        "result_ttl", DURATION, "How long the result and the log of a job are kept.", default=7 * 86400.0
    )
    script_limit: int = option("script_limit", SIZE, "Most bytes of a script.", default=2**20)
    statements: int = option("statements", integer(1), "Most statements of a script.", default=10_000)
    result_rows: int = option(
        "result_rows", integer(1), "Most rows that are kept of a result.", default=1_000_000
    )
    result_bytes: int = option("result_bytes", SIZE, "Most bytes that are kept of a result.", default=2**30)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The Kafka brokers that training data goes through."""

    bootstrap_servers: str | None = option(
        "bootstrap_servers", TEXT, "Brokers as host:port, with commas between them.", default=None
    )
    partitions: int = option("partitions", integer(1), "Most partitions of a topic.", default=8)
    timeout: float = option("timeout", DURATION, "How long a broker may take to answer.", default=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """How tables get to the workers that train."""

    transport: str = option(
        "transport",
        one_of("auto", "spool", "kafka", "memory"),
        "Through files (spool), Kafka, or memory (tests); auto: Kafka when brokers are named, else files.",
        default="auto",
    )
    spool: Path | None = option(
        "spool",
        FOLDER,
        "Folder of the spool, seen by driver, executors and workers; else a temporary one.",
        default=None,
    )
    message_bytes: int = option("message_bytes", SIZE, "Most bytes of a message.", default=2**20)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How workers run."""

    parallelism: int = option(
        "parallelism", integer(1), "Most workers at once; by default one a core.", default=os.cpu_count() or 1
    )
    timeout: float | None = option("timeout", LIMIT, "How long one training may take.", default=None)
    launcher: str = option(
        "launcher",
        one_of("auto", "local", "spark"),
        "Workers run beside the driver (local) or on executors (spark); auto: where Spark's tasks do.",
        default="auto",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Who else hears of stored models."""

    tracking_uri: str | None = option(
        "tracking_uri",
        TEXT,
        "MLflow tracking server or store that each training is logged to, a run for each of its models.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSettings:
    """How scripts are understood."""

    dialect: str = option(
        "dialect", one_of(*DIALECTS), "The language of scripts that do not say theirs.", default="mlsql"
    )
    include_depth: int = option(
        "include_depth",
        integer(1, 64),
        "How deep includes, macros and blocks may lie in each other.",
        default=16,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludeSettings:
    """Where scripts may come from that a script includes, besides files."""

    hosts: tuple[str, ...] = option(
        "hosts",
        LIST,
        "Hosts that `include http` may read, with their port unless it is usual; '*' is any.",
        default=(),
    )
    repositories: tuple[str, ...] = option(
        "repositories",
        LIST,
        "What the git addresses of `include lib` may begin with, such as 'https://github.com/ours/'.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """What scripts may do beyond tables and models."""

    shell: bool = option(
        "shell",
        BOOLEAN,
        'Whether `set … where type="shell"` may run a command on this machine.',
        default=False,
    )
    python: bool = option(
        "python",
        BOOLEAN,
        "Whether scripts may bring Python of their own to train with.",
        default=True,
    )
    programs: tuple[str, ...] = option(
        "programs",
        LIST,
        "Python programs that `systemParam.pythonPath` may name besides the engine's own.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """What is logged."""

    level: str = option(
        "level", one_of("debug", "info", "warning", "error"), "The least level that is shown.", default="info"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting in effect; ``spark`` holds Spark's own by their full names."""

    server: ServerSettings = field(default_factory=ServerSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    language: LanguageSettings = field(default_factory=LanguageSettings)
    include: IncludeSettings = field(default_factory=IncludeSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    spark: Mapping[str, str] = field(default_factory=dict)


SECTIONS: Mapping[str, type[Any]] = {
    "server": ServerSettings,
    "paths": PathSettings,
    "jobs": JobSettings,
    "bridge": BridgeSettings,
    "bridge.kafka": KafkaSettings,
    "train": TrainSettings,
    "models": ModelSettings,
    "language": LanguageSettings,
    "include": IncludeSettings,
    "security": SecuritySettings,
    "logging": LoggingSettings,
}


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where we keep what can be fetched or made again; ``XDG_CACHE_HOME`` moves it."""
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlsql"


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
    spark: dict[str, str] = {}
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    known = dict(declared_settings())
    for key, text, origin in _all_given(file, environment, overrides or {}):
        if key.startswith("spark."):
            spark["spark." + key.removeprefix("spark.").removeprefix("spark.")] = text
        else:
            section, _, _ = key.rpartition(".")
            declared = _declaration(key, known, origin)
            sections[section][declared.field] = _value(key, declared, text, origin)
    built = {section: kind(**sections[section]) for section, kind in SECTIONS.items() if "." not in section}
    kafka = KafkaSettings(**sections["bridge.kafka"])
    built["bridge"] = BridgeSettings(**sections["bridge"], kafka=kafka)
    return Settings(**built, spark=spark)


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
