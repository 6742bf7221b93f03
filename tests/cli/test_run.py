"""The command line: what goes to which stream, exit codes, what a start costs, and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

import pytest

import mlsql.bridge.errors
from mlsql.cli import EXIT_CODES, exit_code
from mlsql.cli.result_lines import table_output
from mlsql.errors import (
    Cancelled,
    ConfigError,
    DataError,
    MissingModel,
    MlsqlError,
    Refused,
    RunError,
    ScriptError,
    TimedOut,
)

MLSQL = [sys.executable, "-m", "mlsql"]
SECONDS = 120
ONE_CORE = ["--conf", "spark.master=local[1]"]


def mlsql(*arguments, script=None, cwd=None, command=MLSQL):
    """``mlsql`` with *arguments*; *script* is its standard input."""
    return subprocess.run(
        [*command, *arguments],
        input=script,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def subclasses(kind):
    """*kind* and everything below it."""
    return {kind, *(each for below in kind.__subclasses__() for each in subclasses(below))}


def test_every_class_of_error_has_an_exit_code():
    """Only the root has none: what is nobody's error is ours."""
    unmapped = {
        kind for kind in subclasses(MlsqlError) if not any(base in EXIT_CODES for base in kind.__mro__)
    }
    assert unmapped == {MlsqlError}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ScriptError("x"), 1),
        (DataError("x"), 1),
        (Refused("x"), 1),
        (MissingModel("/m", found="nothing"), 1),
        (ConfigError("x"), 2),
        (RunError("x"), 3),
        (TimedOut(1), 4),
        (Cancelled(), 5),
        (MlsqlError("x"), 70),
    ],
)
def test_the_class_decides_the_exit_code(error, code):
    """The nearest class that has one."""
    assert exit_code(error) == code


def test_help_imports_no_spark_and_takes_no_time():
    """``--help`` and ``--version`` answer before anything heavy is imported."""
    listing = mlsql("--help", command=[sys.executable, "-X", "importtime", "-m", "mlsql"]).stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in listing.splitlines()}
    assert "click" in imported
    assert not imported & {
        "pyspark",
        "pyarrow",
        "mlflow",
        "sklearn",
        "fastapi",
        "lark",
        "rich",
        "numpy",
        "pandas",
    }


def test_version_is_one_line():
    """The name and the version."""
    assert mlsql("--version").stdout.split()[0] == "mlsql"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run", "-", "--reslut", "json"], "--result"),
        (["run", "-", "--result", "xml"], "'table', 'json', 'csv', 'none'"),
        (["run", "-", "--set", "day"], "'day' is not NAME=VALUE"),
        (["run", "missing.mlsql"], "the script 'missing.mlsql' cannot be read: No such file or directory"),
        (["run", "-", "--config", "missing.toml"], "missing.toml"),
        (["run", "-", "--conf", "bridge.transprot=kafka"], "did you mean 'bridge.transport'?"),
        (["run", "-", "--timeout", "soon"], "a duration"),
        (["serve", "--host", "0.0.0.0", "--conf", "auth.mode=none"], "cannot listen on '0.0.0.0'"),
        (["serve", "--port", "many"], "server.port"),
    ],
)
def test_a_wrong_command_line_is_told_with_the_way_out(arguments, told):
    """Exit code 2, on standard error, without a traceback."""
    ended = mlsql(*arguments, script="select 1 as a;")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_misspelt_file_is_told_with_its_neighbour(tmp_path):
    """The nearest name in the same folder."""
    (tmp_path / "churn.mlsql").touch()
    assert f"did you mean '{tmp_path / 'churn.mlsql'}'?" in mlsql("run", str(tmp_path / "chrun.mlsql")).stderr


def test_a_script_that_is_not_utf8_is_told_with_its_line(tmp_path):
    """No traceback about bytes."""
    script = tmp_path / "latin.mlsql"
    script.write_bytes(b"select 1 as a;\nselect '\xe4' as b;")
    ended = mlsql("run", str(script))
    assert ended.returncode == 2
    assert "is not UTF-8: line 2" in ended.stderr


def test_standard_input_is_refused_where_there_is_none(monkeypatch):
    """spark-submit gives its Python a pipe that nobody writes to: reading it would hang."""
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    assert "name a file" in mlsql("run", "-").stderr


def test_what_is_wrong_with_the_text_is_told_before_spark_starts():
    """All of it, each with its place, and nothing on standard output."""
    ended = mlsql(
        "run", "-", script="load csv.`x` t;\nselect 1 as ok;\nsave t as parquet.`y` where a=1, b=2;"
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "<stdin>:1:" in ended.stderr
    assert "<stdin>:3:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_only_a_run_would_come_to_is_told_before_spark_starts():
    """Names that nothing has, also in a branch; the parameters are known, so an undefined variable too."""
    script = "load cvs.`x` as t;\n!if ':n > 1'; select ${m} as m as u; !fi;"
    ended = mlsql("run", "-", "--set", "n=1", script=script)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert [line for line in ended.stderr.splitlines() if line.startswith("<stdin>")] == [
        "<stdin>:1:6: no source is called 'cvs'",
        "<stdin>:2:22: the variable 'm' is not defined",
    ]


@pytest.mark.spark
def test_a_check_with_spark_has_its_parser_read_the_queries():
    """And knows the tables that are there; nothing runs."""
    ended = mlsql(
        "check", "-", "--spark", "--json", *ONE_CORE, script="select 1 form x as t;\nselect * from t as u;"
    )
    (found,) = json.loads(ended.stdout)
    assert (ended.returncode, found["severity"], found["line"]) == (1, "error", 1)


@pytest.mark.spark
def test_standard_output_holds_the_result_and_nothing_else():
    """One JSON array of all rows; progress went to standard error."""
    ended = mlsql(
        "run", "-", "--set", "n=3", *ONE_CORE, script="select id from range(${n}) order by id as t;"
    )
    assert json.loads(ended.stdout) == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert ended.returncode == 0
    assert "[1/1] select id" in ended.stderr


@pytest.mark.spark
def test_a_table_shows_fifty_rows_and_says_how_many_there_are(spark):
    """The count stands under the table."""
    lines = list(table_output(spark.range(60)))
    assert lines[0].strip() == "id"
    assert len(lines) == 53
    assert lines[-1] == "(50 of 60 rows; --result csv or json gives all)"
    assert list(table_output(spark.range(1)))[-1] == "(1 row)"


def test_a_reader_that_has_seen_enough_is_no_error():
    """``mlsql run … | head`` ends quietly."""
    writes = "from mlsql.cli import write_lines; write_lines(map(str, range(100000)))"
    line = f"{sys.executable} -c '{writes}' | head -n 2"
    ended = mlsql(command=["bash", "-o", "pipefail", "-c", line])
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "0\n1\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_disk_that_is_full_is_told_without_a_traceback():
    """``mlsql … > file``, where the file has no room."""
    ended = mlsql(command=["sh", "-c", f"{sys.executable} -m mlsql config > /dev/full"])
    assert (ended.returncode, ended.stderr) == (
        3,
        "standard output cannot be written: No space left on device\n",
    )


ENDLESS = "select count(*) as n from range(1000000000000) where id % 3 = hash(id) as t;"


@pytest.mark.spark
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_cleanly(number):
    """Exit code 5, and no process of the group is left."""
    command = [*MLSQL, "run", "-", *ONE_CORE]
    with subprocess.Popen(command, stdin=PIPE, stderr=PIPE, text=True, start_new_session=True) as process:
        process.stdin.write(ENDLESS)
        process.stdin.close()
        next(line for line in process.stderr if "[1/1]" in line)
        time.sleep(2)  # the query runs
        process.send_signal(number)
        assert process.wait(SECONDS) == 5
    assert _ends(process.pid, within=10)


def _ends(group, *, within):
    """Whether the process group is empty in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
