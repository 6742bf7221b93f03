"""The service's database: an SQLAlchemy engine on SQLite or PostgreSQL, and its migrations.

SQLite writes ahead (WAL) and waits for the disk at each commit (``synchronous=FULL``): what was
committed is there after a crash, of the process and of the machine. Its file is the owner's alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mlsql.config.loading import data_folder
from mlsql.config.settings import Settings
from mlsql.errors import ConfigError

_MIGRATIONS = Path(__file__).with_name("migrations")
_SQLITE_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON")


def state_folder(settings: Settings) -> Path:
    """The folder of the server's database and files."""
    return settings.server.state or data_folder() / "server"


def private_folder(path: Path) -> Path:
    """The folder *path*, made when it is not there, which only its owner can look into."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"the state folder {path} cannot be used: {error.strerror}", hint="server.state names another"
        ) from error
    return path


def open_database(url: str | None, folder: Path) -> Engine:
    """The database at *url*, by default a file in *folder*, brought up to what this version needs."""
    chosen = url or f"sqlite:///{folder / 'jobs.sqlite'}"
    try:
        is_file = chosen.startswith("sqlite")
        engine = _open_sqlite(chosen) if is_file else create_engine(chosen, pool_pre_ping=True)
        migrate(engine)
    except (ArgumentError, CommandError, ImportError, OSError, SQLAlchemyError) as error:
        shown = make_url(chosen).render_as_string() if "://" in chosen else "***"
        raise ConfigError(
            f"the database {shown} cannot be opened: {type(error).__name__}",
            hint="jobs.database is a URL such as postgresql+psycopg://user:password@host/mlsql",
        ) from error
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest form, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A block that only reads, and sees one state of the database; it waits for no writer."""
    with engine.connect().execution_options(reads_only=True) as connection:
        yield connection


def _open_sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # the files beside it get its mode
        Path(path).chmod(0o600)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transaction of its own
        for setting in _SQLITE_SETTINGS:
            connection.execute(f"pragma {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads_only", False)
        # A reader that becomes a writer would be refused when another wrote meanwhile.
        connection.exec_driver_sql("begin" if reads else "begin immediate")

    return engine
