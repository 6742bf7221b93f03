"""The operations guide and its examples: what they set and call is there, and log lines look as shown."""

from __future__ import annotations

import json
import logging
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from mlsql.cli import main
from mlsql.config.loading import load_settings
from mlsql.jobs.logs import JsonLines, TextLines, about

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
UNIT = (ROOT / "docs" / "examples" / "mlsql.service").read_text(encoding="utf-8")
IMAGE = (ROOT / "docs" / "examples" / "Dockerfile").read_text(encoding="utf-8")
JOB = "8f14e45fceea167a"


def block(language):
    """The first block of the page in *language*."""
    return re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_the_settings_of_the_page_are_settings(tmp_path):
    """And TOML."""
    file = tmp_path / "mlsql.toml"
    file.write_text(block("toml"), encoding="utf-8")
    settings = load_settings(file, {})
    assert settings.server.host == tomllib.loads(block("toml"))["server"]["host"]
    assert settings.spark["spark.master"] == "spark://head:7077"


def test_the_settings_of_the_image_are_settings():
    """All that its environment says."""
    names = re.findall(r"(MLSQL_\w+)=(\S+)", IMAGE)
    settings = load_settings(None, dict(names))
    assert len(names) == 4
    assert (settings.server.host, settings.logging.format) == ("0.0.0.0", "json")


def test_the_image_copies_what_is_there():
    """From the root of the checkout, without whole folders by name only."""
    copied = [each for line in re.findall(r"^COPY (.+)$", IMAGE, re.MULTILINE) for each in line.split()[:-1]]
    assert [each for each in copied if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("line", re.findall(r"^Exec\w+=(.+)$", UNIT, re.MULTILINE))
def test_the_unit_calls_commands_with_options_that_they_have(line):
    """Without running them."""
    program, name, *arguments = shlex.split(line)
    command = main.get_command(click.Context(main), name)
    assert Path(program).name == "mlsql"
    options = {option for each in command.params for option in each.opts}
    assert {each for each in arguments if each.startswith("--")} <= options


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    """But that no program lies where it expects ours."""
    unit = tmp_path / "mlsql.service"
    unit.write_text(UNIT.replace("/opt/mlsql/bin/mlsql", "/bin/true"), encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False
    )
    assert [each for each in told.stderr.splitlines() if "mlsql" in each] == []


def test_a_line_of_the_log_is_as_shown():
    """In both forms."""
    record = logging.LogRecord(
        "mlsql.jobs.jobs", logging.INFO, "", 0, "the job %s has ended: it is %s", (JOB, "succeeded"), None
    )
    record.created = 1767232800.0
    with about({"job": JOB, "owner": "ann"}):
        assert f"\n{TextLines().format(record)}\n" in PAGE
        assert json.loads(block("json")) == json.loads(JsonLines().format(record))


def test_the_metrics_of_the_page_are_metrics():
    """By the names that the code gives them."""
    named = set(re.findall(r"^\| `(mlsql_\w+?)(?:_total)?[`{]", PAGE, re.MULTILINE))
    code = (ROOT / "mlsql" / "rest" / "metrics.py").read_text(encoding="utf-8")
    assert len(named) >= 6
    assert {each for each in named if f'"{each}"' not in code} == set()
