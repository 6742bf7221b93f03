"""What a server is told: where it listens, which jobs run when, who calls, what answers predictions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlsql.config.kinds import DURATION, FOLDER, LIMIT, LIST, SIZE
from mlsql.options import TEXT, integer, one_of, option


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
