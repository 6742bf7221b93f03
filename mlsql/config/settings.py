"""Every setting, declared once: its key, what it takes, its default, and a line of documentation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsql.config.kinds import DURATION, FILE, FOLDER, LIMIT, LIST, SIZE, some_of
from mlsql.dialect import DIALECTS
from mlsql.options import BOOLEAN, TEXT, integer, one_of, option

PERMISSIONS = ("shell", "python", "include", "jdbc")
"""What a role can be given: shell commands, own Python, scripts from http and git, any JDBC URL."""
PERMISSIONS_OF_A_ROLE = some_of(*PERMISSIONS)


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
    request_time: float = option(
        "request_time",
        DURATION,
        "How long a request may take to come in, and what is sent to be taken.",
        default=60.0,
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
    history: float = option(
        "history",
        DURATION,
        "How long an ended job is known: its script, state and error.",
        default=90 * 86400.0,
    )
    script_limit: int = option("script_limit", SIZE, "Most bytes of a script.", default=2**20)
    statements: int = option("statements", integer(1), "Most statements of a script.", default=10_000)
    result_rows: int = option(
        "result_rows", integer(1), "Most rows that are kept of a result.", default=1_000_000
    )
    result_bytes: int = option("result_bytes", SIZE, "Most bytes that are kept of a result.", default=2**30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings:
    """How the ends of jobs are told to those who asked for it."""

    secret: str | None = option(
        "secret",
        TEXT,
        "Key that callbacks are signed with; without it they are not.",
        default=None,
        secret=True,
    )
    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Addresses, networks (CIDR), hosts or host:port of this network that callbacks may go to.",
        default=(),
    )
    max_retries: int = option(
        "max_retries", integer(0, 100), "How often a callback is tried again.", default=10
    )
    timeout: float = option("timeout", DURATION, "How long a receiver may take to answer.", default=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """How callers say who they are."""

    mode: str = option(
        "mode",
        one_of("auto", "token", "none"),
        "token: each request carries one. none: whoever reaches the server is its user; on loopback only."
        " auto: none on loopback, else token.",
        default="auto",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """How long an owner's tables and functions are kept."""

    idle: float = option(
        "idle", DURATION, "How long a session of the server may be unused until it is closed.", default=3600.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JdbcSettings:
    """Which databases scripts of the profile ``service`` may connect to."""

    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Patterns of JDBC URLs, such as 'jdbc:postgresql://warehouse:5432/*'.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Which formats of Spark scripts may name besides the sources that are known."""

    allow: tuple[str, ...] = option(
        "allow",
        LIST,
        "Further formats of Spark that scripts may load from and save to, by their short names.",
        default=(),
    )
    topics: tuple[str, ...] = option(
        "topics",
        LIST,
        "Topics on the brokers of bridge.kafka.bootstrap_servers that scripts of the profile service may"
        " use, as patterns such as 'sales.*'.",
        default=(),
    )
    hosts: tuple[str, ...] = option(
        "hosts",
        LIST,
        "Addresses, networks (CIDR), hosts or host:port of this network that `rest` may ask in the"
        " profile service, besides public addresses.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """Where the connectors of sources come from, and in which versions."""

    repositories: tuple[str, ...] = option(
        "repositories",
        LIST,
        "Maven repositories, the first that has an artifact gives it; by default Maven Central, or"
        " what DEFAULT_ARTIFACT_REPOSITORY names.",
        default=(),
    )
    packages: tuple[str, ...] = option(
        "packages",
        LIST,
        "Connectors in other versions, or further ones, as `name=group:artifact:version`.",
        default=(),
    )


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
class ServingSettings:
    """The processes of a server that answer predictions without Spark."""

    scorers: int = option(
        "scorers",
        integer(0, 64),
        "Processes that answer predictions, each with all models; 0: predictions go through Spark alone.",
        default=1,
    )
    own_scorers: int = option(
        "own_scorers",
        integer(0, 1024),
        "Most owners whose models run code of their own and get a process of their own for that.",
        default=8,
    )
    memory: int = option(
        "memory",
        SIZE,
        "Most bytes of models that one of these processes keeps loaded; the longest unused ones make room.",
        default=2**30,
    )
    message_bytes: int = option(
        "message_bytes", SIZE, "Most bytes of rows in one question or answer.", default=64 * 2**20
    )
    timeout: float = option(
        "timeout", DURATION, "How long an answer, or the loading of a model, may take.", default=30.0
    )
    sockets: Path | None = option(
        "sockets",
        FOLDER,
        "Folder of the sockets that programs of this machine ask; else one in the state folder.",
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
class RoleSettings:
    """What each role may beyond tables and models in the profile ``service``."""

    analyst: tuple[str, ...] = option(
        "analyst",
        PERMISSIONS_OF_A_ROLE,
        "What a token of the role analyst may: shell, python, include, jdbc.",
        default=(),
    )
    operator: tuple[str, ...] = option(
        "operator",
        PERMISSIONS_OF_A_ROLE,
        "What a token of the role operator may: shell, python, include, jdbc.",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """What scripts may do beyond tables and models."""

    profile: str = option(
        "profile",
        one_of("auto", "local", "service"),
        "local: what this machine lets its user do. service: owners are apart, and paths, SQL and code are"
        " judged. auto: service for `mlsql serve`, else local.",
        default="auto",
    )
    policy: Path | None = option(
        "policy", FILE, "YAML file that says which owners may use which tables.", default=None
    )
    shell: bool = option(
        "shell",
        BOOLEAN,
        'Whether `set … where type="shell"` may run a command on this machine, in the profile local.',
        default=False,
    )
    python: bool = option(
        "python",
        BOOLEAN,
        "Whether scripts may bring Python of their own to train with, in the profile local.",
        default=True,
    )
    programs: tuple[str, ...] = option(
        "programs",
        LIST,
        "Python programs that `systemParam.pythonPath` may name besides the engine's own.",
        default=(),
    )
    roles: RoleSettings = field(default_factory=RoleSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """What is logged."""

    level: str = option(
        "level", one_of("debug", "info", "warning", "error"), "The least level that is shown.", default="info"
    )
    format: str = option(
        "format",
        one_of("text", "json"),
        "Lines for people, or JSON objects, one a line, for programs.",
        default="text",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting in effect; ``spark`` holds Spark's own by their full names."""

    server: ServerSettings = field(default_factory=ServerSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    callbacks: CallbackSettings = field(default_factory=CallbackSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    jdbc: JdbcSettings = field(default_factory=JdbcSettings)
    sources: SourceSettings = field(default_factory=SourceSettings)
    connectors: ConnectorSettings = field(default_factory=ConnectorSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    serving: ServingSettings = field(default_factory=ServingSettings)
    language: LanguageSettings = field(default_factory=LanguageSettings)
    include: IncludeSettings = field(default_factory=IncludeSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    spark: Mapping[str, str] = field(default_factory=dict)


SECTIONS: Mapping[str, type[Any]] = {
    "server": ServerSettings,
    "paths": PathSettings,
    "jobs": JobSettings,
    "callbacks": CallbackSettings,
    "auth": AuthSettings,
    "sessions": SessionSettings,
    "jdbc": JdbcSettings,
    "sources": SourceSettings,
    "connectors": ConnectorSettings,
    "bridge": BridgeSettings,
    "bridge.kafka": KafkaSettings,
    "train": TrainSettings,
    "models": ModelSettings,
    "serving": ServingSettings,
    "language": LanguageSettings,
    "include": IncludeSettings,
    "security": SecuritySettings,
    "security.roles": RoleSettings,
    "logging": LoggingSettings,
}
