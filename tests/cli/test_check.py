"""``mlsql check``: what it writes where, and its exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlsql.cli import main

SOUND = "select 1 as a as t;\n"
ODD = "select * from t as u;\n"
WRONG = "load cvs.`x` as t;\nselect ${n} as n from t as u;\n"


def check(*arguments, script=None):
    """What ``mlsql check`` with *arguments* does; *script* is its standard input."""
    return CliRunner().invoke(main, ["check", *map(str, arguments)], input=script)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A script without findings, one with a warning, one with an error and a warning."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("sound", SOUND), ("odd", ODD), ("wrong", WRONG)):
        (tmp_path / f"{name}.mlsql").write_text(text, encoding="utf-8")


def test_a_sound_script_is_passed_in_silence(files):
    """Exit code 0."""
    ended = check("sound.mlsql")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "")


def test_warnings_alone_are_no_failure(files):
    """They are told on standard error, in the form of errors."""
    ended = check("odd.mlsql")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr == (
        "odd.mlsql:1:15: warning: no statement before makes the table 't'\n"
        "    select * from t as u;\n"
        "                  ^\n"
        "  hint: a table of an earlier script of the session?\n"
    )


def test_every_script_is_checked_and_an_error_in_one_fails(files):
    """Exit code 1; what is wrong with the text is told with what is odd."""
    ended = check("wrong.mlsql", "sound.mlsql", "odd.mlsql")
    assert (ended.exit_code, ended.stdout) == (1, "")
    places = [line.split(": ")[0] for line in ended.stderr.splitlines() if not line.startswith(" ")]
    assert places == ["wrong.mlsql:1:6", "wrong.mlsql:2:8", "odd.mlsql:1:15"]


def test_syntax_errors_are_findings_too(files):
    """Exit code 1."""
    ended = check("-", script="load csv.`x` t;")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("<stdin>:1:13: missing `as` before `t`\n")


def test_a_variable_that_is_declared_is_defined(files):
    """By ``--set``."""
    assert "the variable 'n' is not defined" in check("wrong.mlsql").stderr
    assert "'n'" not in check("wrong.mlsql", "--set", "n=1").stderr


def test_an_old_script_is_checked_in_its_dialect(files):
    """An unknown one is a wrong command line of the script's kind: exit code 1."""
    text = 'load csv.`x` where codec="gzip" as t;'
    assert check("-", script=text).exit_code == 1
    assert check("-", "--dialect", "byzer", script=text).exit_code == 0
    ended = check("-", "--dialect", "bizer", script=text)
    assert (ended.exit_code, "did you mean 'byzer'?" in ended.stderr) == (1, True)


def test_findings_for_editors_go_to_standard_output(files):
    """One JSON array for all scripts, empty when there is nothing to tell."""
    ended = check("--json", "wrong.mlsql", "odd.mlsql")
    assert (ended.exit_code, ended.stderr) == (1, "")
    found = json.loads(ended.stdout)
    assert [(each["file"], each["severity"], each["line"]) for each in found] == [
        ("wrong.mlsql", "error", 1),
        ("wrong.mlsql", "warning", 2),
        ("odd.mlsql", "warning", 1),
    ]
    assert json.loads(check("--json", "sound.mlsql").stdout) == []


def test_a_missing_file_is_a_wrong_command_line(files):
    """Exit code 2, with the nearest."""
    ended = check("sonud.mlsql")
    assert ended.exit_code == 2
    assert "did you mean 'sound.mlsql'?" in ended.stderr


def test_the_help_names_every_option():
    """And what the exit code says."""
    text = check("--help").stdout
    for each in ("--json", "--set", "--dialect", "--spark", "--config", "FILE…|-"):
        assert each in text
    assert "warnings alone are no failure" in " ".join(text.split())
