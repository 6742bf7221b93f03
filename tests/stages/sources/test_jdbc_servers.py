from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from mlsql.config.settings import Settings
from mlsql.spark.connectors import Connectors
from mlsql.stages.sources.jdbc_upsert import Merge, merge_statement

SECONDS = 120
MERGE = Merge("t", "s", ["id"], ["id", "pay"])


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        (
            "postgresql",
            "insert into t (id, pay) select id, pay from s on conflict (id) do update set pay = excluded.pay",
        ),
        (
            "mysql",
            "insert into t (id, pay) select id, pay from s on duplicate key update pay = values(pay)",
        ),
        (
            "sqlite",
            (
                "insert into t (id, pay) select id, pay from s where true"
                " on conflict (id) do update set pay = excluded.pay"
            ),
        ),
        (
            "oracle",
            (
                "merge into t t using s s on (t.id = s.id) when matched then update set t.pay = s.pay"
                " when not matched then insert (id, pay) values (s.id, s.pay)"
            ),
        ),
    ],
)
def test_each_database_is_told_in_its_own_words(kind, statement):
    """How rows with known keys are replaced."""
    assert merge_statement(f"jdbc:{kind}://host/d", MERGE) == statement


def test_a_table_that_is_all_key_has_nothing_to_change():
    """Rows that are there stay."""
    merge = Merge("t", "s", ["id"], ["id"])
    assert merge_statement("jdbc:postgresql:d", merge).endswith("do nothing")
    assert merge_statement("jdbc:mysql:d", merge).endswith("update id = values(id)")
    assert "update" not in merge_statement("jdbc:oracle:d", merge)


def program(name, *places):
    """Where a program of a server is; the test is skipped without it."""
    found = shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ["PATH"], "/usr/sbin"]))
    if found is None:
        pytest.skip(f"the server is not installed: there is no {name}")
    return found


def as_user(name, folder):
    """What stands before the command of a server that does not run as root; its *folder* is that user's."""
    if os.getuid() != 0:
        return []
    if name not in [each.pw_name for each in pwd.getpwall()]:
        pytest.skip(f"the server does not run as root, and there is no user {name}")
    shutil.chown(folder, name)
    return ["runuser", "-u", name, "--"]


def free_port():
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


run = partial(subprocess.run, check=True, capture_output=True, timeout=SECONDS, cwd="/")


@contextmanager
def postgresql(folder):
    """The address of an empty database."""
    initdb = program("initdb", *Path("/usr/lib/postgresql").glob("*/bin"))
    user, port = as_user("postgres", folder), free_port()
    run([*user, initdb, "-D", f"{folder}/data", "-U", "mlsql", "-A", "trust", "--no-sync"])
    server = [*user, str(Path(initdb).with_name("pg_ctl")), "-D", f"{folder}/data", "-w"]
    options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories='{folder}' -c fsync=off"
    run([*server, "-o", options, "-l", f"{folder}/log", "start"])
    try:
        yield f"jdbc:postgresql://127.0.0.1:{port}/postgres"
    finally:
        run([*server, "-m", "immediate", "stop"])


@contextmanager
def mariadb(folder):
    """The address of an empty database."""
    install, daemon = program("mariadb-install-db"), program("mariadbd")
    user, port = as_user("mysql", folder), free_port()
    run(
        [
            *user,
            install,
            "--no-defaults",
            f"--datadir={folder}/data",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]
    )
    options = ["--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/s", f"--port={port}"]
    more = ["--bind-address=127.0.0.1", f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=0"]
    with subprocess.Popen([*user, daemon, *options, *more], stderr=subprocess.DEVNULL, cwd="/") as server:
        try:
            wait_for(port, server)
            client = [program("mariadb"), "--no-defaults", f"--socket={folder}/s", "-u", "root", "-e"]
            user = "mlsql@'127.0.0.1'"
            run([*client, "create database pays character set utf8mb4"])
            run([*client, f"create user {user} identified by 'mlsql'"])
            run([*client, f"grant all on pays.* to {user}"])
            yield f"jdbc:mariadb://127.0.0.1:{port}/pays"
        finally:
            server.terminate()


def wait_for(port, server):
    """Until the server takes connections."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start")


@contextmanager
def sqlite(folder):
    """The address of a file."""
    yield f"jdbc:sqlite:{folder}/pays.db"


@pytest.fixture(scope="module", params=[mariadb, postgresql, sqlite], ids=lambda each: each.__name__)
def address(request):
    """A database of that kind, with a driver."""
    connectors, name = Connectors.from_settings(Settings()), request.param.__name__
    if not connectors.jars(connectors.get(name)):
        pytest.skip(f"the connector is not fetched: mlsql connectors add {name}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as ended:
        yield ended.enter_context(request.param(folder))


@pytest.mark.spark
class TestAServer:
    """What Derby cannot show."""

    @pytest.fixture(autouse=True)
    def connected(self, scripts, address):
        """A connection, and the name of a table of this test."""
        scripts(f'connect jdbc where url="{address}" and user="mlsql" and password="mlsql" as crm;')
        self.table = f"t{uuid.uuid4().hex[:8]}"

    def test_rows_come_back_as_they_went(self, scripts):
        """Values, not the names of columns, as a dialect that quotes wrongly would have it."""
        scripts(
            f"""
            select id, concat("名", id) as name from range(5) as t; save append t as jdbc.`crm.{self.table}`;
            """
        )
        query = f"load jdbc.`crm.{self.table}` as u; select * from u where id > 2 order by id as v;"
        assert scripts.rows(query) == [{"id": 3, "name": "名3"}, {"id": 4, "name": "名4"}]
        by_tasks = 'partitionColumn="id" and lowerBound="0" and upperBound="5" and numPartitions="2"'
        assert scripts(f"load jdbc.`crm.{self.table}` where {by_tasks} as u;").count() == 5
        direct = f'directQuery="select count(*) as n from {self.table}"'
        assert scripts.rows(f"load jdbc.`crm` where {direct} as u;") == [{"n": 5}]

    def test_rows_with_known_keys_are_replaced(self, scripts):
        """And nothing of ours stays."""
        for rows in (
            "1 as id, 10 as pay union all select 2, 20",
            "2 as id, 22 as pay union all select 3, 33",
        ):
            saved = f'save append t as jdbc.`crm.{self.table}` where idCol="id";'
            assert scripts.rows(f"select {rows} as t; {saved}")[0]["rows"] == 2
        query = f"load jdbc.`crm.{self.table}` as u; select * from u order by id as v;"
        assert [tuple(each.values()) for each in scripts.rows(query)] == [(1, 10), (2, 22), (3, 33)]
