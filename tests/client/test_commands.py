"""``mlsql submit``, ``jobs`` and ``kill`` against a running server: streams, exit codes, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from click.testing import CliRunner

from mlsql.cli import main
from mlsql.client.client import Client
from mlsql.jobs.states import JobState

ROOT = Path(__file__).parents[2]
SECONDS = 120


@pytest.fixture
def mlsql(server):
    """``mlsql`` with these arguments, in this process; *script* is its standard input."""

    def invoke(*arguments, script=None):
        return CliRunner().invoke(main, [*map(str, arguments), "--server", server.url], input=script)

    return invoke


@pytest.fixture
def waiting(server):
    """Starts ``mlsql submit --wait`` in a process of its own; gives it with the job that it waits for."""
    processes = []

    def start(*arguments):
        command = [sys.executable, "-m", "mlsql", "submit", "-", "--wait", "--name", "interrupted"]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "MLSQL_SERVER": server.url}
        streams = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "text": True}
        process = subprocess.Popen([*command, *arguments], env=environment, **streams)
        processes.append(process)
        process.stdin.write("set wait = '1';")
        process.stdin.close()
        next(line for line in process.stderr if "the first line" in line)
        (job,) = server.jobs(name="interrupted", states=[JobState.RUNNING])
        return process, job

    yield start
    for each in processes:
        each.kill()
        each.wait(SECONDS)
        each.stdout.close()
        each.stderr.close()
    with Client(server.url) as client:
        for job in client.jobs(states=[JobState.QUEUED, JobState.RUNNING]):
            client.cancel(job)
            client.wait(job)


def test_a_script_is_submitted_and_its_id_is_written(mlsql, client):
    """Nothing else stands on standard output."""
    ended = mlsql(
        *("submit", "-", "--name", "mine", "--timeout", "2m", "--priority", "3", "--retry-on-restart"),
        script="select 2 as id as t;",
    )
    assert ended.exit_code == 0, ended.stderr
    job = client.job(ended.stdout.strip())
    assert (job.name, job.timeout, job.priority) == ("mine", 120.0, 3)
    assert client.wait(job).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (None, '[{"id":0}\n,{"id":1}\n]\n'),
        ("csv", "id\n0\n1\n"),
        ("table", "id\n--\n 0\n 1\n(2 rows)\n"),
        ("none", ""),
    ],
)
def test_the_result_of_a_job_that_is_waited_for_is_written(mlsql, form, written):
    """In the forms of ``mlsql run``; the progress goes to standard error."""
    result = [] if form is None else ["--result", form]
    ended = mlsql("submit", "-", "--wait", *result, script="select 2 as id as t;")
    assert (ended.exit_code, ended.stdout) == (0, written)
    assert "[1/1] select 2" in ended.stderr
    assert "publish: rows 50%" in ended.stderr


def test_a_table_shows_its_first_rows_and_says_how_many_there_are(mlsql):
    """As ``mlsql run`` does; a script without a table writes an empty array."""
    ended = mlsql("submit", "-", "--wait", "--result", "table", script="select 60 as id as t;")
    assert ended.stdout.splitlines()[-1] == "(50 of 60 rows; --result csv or json gives all)"
    assert mlsql("submit", "-", "--wait", script="set a = '1';").stdout == "[]\n"


def test_an_error_of_the_script_decides_the_exit_code(mlsql, tmp_path):
    """It is told with its place in the file that was submitted."""
    script = tmp_path / "bad.mlsql"
    script.write_text("set fail = '1';")
    ended = mlsql("submit", script, "--wait")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"{script}:1:1: nothing lies there" in ended.stderr
    script.write_text("load cvs.`x` as t;\nselect ${n} as n;")
    ended = mlsql("submit", script)
    assert ended.exit_code == 1
    assert [line for line in ended.stderr.splitlines() if line.startswith(str(script))] == [
        f"{script}:1:6: no source is called 'cvs'",
        f"{script}:2:8: the variable 'n' is not defined",
    ]


def test_a_timeout_has_a_code_of_its_own(mlsql):
    """That of ``mlsql run``."""
    assert mlsql("submit", "-", "--wait", "--timeout", "50ms", script="set wait = '1';").exit_code == 4


def test_an_interrupt_leaves_the_job_alone(waiting, client):
    """And says how to go on."""
    process, job = waiting()
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 5
    assert f"mlsql kill {job.id}" in process.stderr.read()
    assert client.job(job).state is JobState.RUNNING
    client.cancel(job)
    client.wait(job)


def test_an_interrupt_cancels_the_job_when_it_is_told_to(waiting, client):
    """SIGTERM does the same."""
    process, job = waiting("--cancel-on-interrupt")
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 5
    assert client.job(job).state is JobState.CANCELLED


def test_jobs_are_listed_shown_and_read(mlsql, client):
    """As a table, as text, as JSON."""
    job = client.wait(client.submit("select 2 as id as t;", name="listed"))
    rows = mlsql("jobs", "--name", "listed", "--state", "succeeded").stdout.splitlines()
    assert rows[0].split() == ["id", "name", "owner", "state", "submitted", "seconds"]
    assert rows[2].startswith(f"{job.id}  listed")
    (told,) = json.loads(mlsql("jobs", "--name", "listed", "--json", "--limit", "1").stdout)
    assert told["id"] == job.id
    shown = mlsql("jobs", "show", job.id).stdout
    assert "state      succeeded\n" in shown
    assert "statement  [1/1] line 1: select 2 as id as t;\n" in shown
    assert json.loads(mlsql("jobs", "show", job.id, "--json").stdout) == dict(job.told)
    assert mlsql("jobs", "result", job.id, "--format", "csv", "--offset", "1").stdout == "id\n1\n"
    assert "the last line\n" in mlsql("jobs", "log", job.id, "--follow").stdout


def test_an_error_is_shown_with_its_job(mlsql, client):
    """The whole text."""
    job = client.wait(client.submit("set fail = '1';"))
    assert "error      <script>:1:1: nothing lies there\n" in mlsql("jobs", "show", job.id).stdout


def test_a_job_is_killed(mlsql, client):
    """Once: the second time is an error of the caller, and no reason to let another one run on."""
    job, other = (client.submit("set wait = '1';") for _ in range(2))
    assert mlsql("kill", job.id).exit_code == 0
    assert client.wait(job).state is JobState.CANCELLED
    ended = mlsql("kill", job.id, other.id)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "has ended: it is cancelled" in ended.stderr
    assert client.wait(other).state is JobState.CANCELLED


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["jobs", "show", "nobody"], 1, "no job is called 'nobody'"),
        (["jobs", "--state", "done"], 2, "'done' is not one of"),
        (["submit", "-", "--callback-form"], 2, "no address: --callback"),
        (["submit", "-", "--timeout", "soon"], 2, "a duration"),
    ],
)
def test_what_cannot_be_is_told(mlsql, arguments, code, told):
    """On standard error."""
    ended = mlsql(*arguments, script="set a = '1';")
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert told in ended.stderr


def test_options_of_the_server_may_stand_behind_the_group(server, client, tmp_path):
    """And the settings say where it is, when nothing else does."""
    job = client.wait(client.submit("set a = '1';"))
    ended = CliRunner().invoke(main, ["jobs", "--server", server.url, "show", job.id])
    assert (ended.exit_code, ended.stderr) == (0, "")
    file = tmp_path / "mlsql.toml"
    file.write_text(f"[server]\nport = {server.port}")
    ended = CliRunner().invoke(main, ["jobs", "show", job.id, "--config", str(file)])
    assert (ended.exit_code, ended.stderr) == (0, "")


def test_a_token_comes_from_a_file_the_environment_or_the_command_line(monkeypatch, tmp_path):
    """The command line weighs most."""
    shown = []

    class Refusing(Client):
        def __init__(self, url, token):
            shown.append(token)
            super().__init__(url, token)

        def jobs(self, **asked):
            return iter([])

    monkeypatch.setattr("mlsql.client.client.Client", Refusing)
    monkeypatch.setenv("MLSQL_TOKEN", "of-environment")
    (tmp_path / "token").write_text("of-file\n")
    command = ["jobs", "--server", "http://127.0.0.1:1"]
    for more in ([], ["--token-file", str(tmp_path / "token")], ["--token", "of-line"]):
        assert CliRunner().invoke(main, [*command, *more]).exit_code == 0
    assert shown == ["of-environment", "of-file", "of-line"]
