"""``mlsql run`` told in JSON, a line each thing."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from mlsql.cli.json_log import errors_logged, log_event
from mlsql.config.settings import LoggingSettings
from mlsql.errors import DataError
from mlsql.events import Log, StatementStarted
from mlsql.jobs.logs import about
from mlsql.spans import Script

JSON = LoggingSettings(format="json")


def logged(settings, work):
    """What *work* logs, and the code that the process would end with."""
    stream, code = io.StringIO(), 0
    try:
        with errors_logged(settings, stream), about({"job": "8f14", "owner": "ann"}):
            work()
    except SystemExit as ended:
        code = ended.code
    return [json.loads(line) for line in stream.getvalue().splitlines()], code


def test_what_a_run_tells_is_logged_with_its_job_and_owner():
    """Statements, and what they say, with its level and without secrets."""
    script = Script("s", "select 1 as one as t;")

    def work():
        log_event(StatementStarted(1, 2, "select 1", script.span(0, 6)))
        log_event(Log("password=geheim", "warning"))

    lines, code = logged(JSON, work)
    assert [(each["level"], each["message"]) for each in lines[:1]] == [("info", "[1/2] select 1")]
    assert lines[1]["level"] == "warning"
    assert "geheim" not in lines[1]["message"]
    assert {(each["job"], each["owner"]) for each in lines} == {("8f14", "ann")}
    assert code == 0


def test_an_error_is_the_last_line():
    """And the exit code is that of its class; for people it is raised, and told elsewhere."""

    def work():
        raise DataError("nothing lies there", hint="look")

    (line,), code = logged(JSON, work)
    assert (line["level"], code) == ("error", 1)
    assert "nothing lies there" in line["message"]
    with pytest.raises(DataError):
        logged(LoggingSettings(), work)


def test_a_script_that_cannot_run_is_told_in_json():
    """Before Spark starts, on standard error alone."""
    command = [sys.executable, "-m", "mlsql", "run", "-", "--conf", "logging.format=json"]
    run = subprocess.run(
        command, input="selct 1 as t;", capture_output=True, text=True, timeout=120, check=False
    )
    (line,) = run.stderr.splitlines()
    assert (run.returncode, run.stdout) == (1, "")
    assert "<stdin>:1:1" in json.loads(line)["message"]
