"""``mlsql fmt``: what it writes where, and its exit codes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mlsql.cli import main

WRITTEN = "LOAD csv.`x` AS t; -- the file\n"
CANONICAL = "load csv.`x` as t; -- the file\n"
WRONG = "load csv.`x`;\n"


def fmt(*arguments, script=None):
    """What ``mlsql fmt`` with *arguments* does; *script* is its standard input."""
    return CliRunner().invoke(main, ["fmt", *map(str, arguments)], input=script)


@pytest.fixture
def files(tmp_path):
    """One script as it was written, one in canonical form, one with an error."""
    texts = {"written": WRITTEN, "canonical": CANONICAL, "wrong": WRONG}
    paths = {name: tmp_path / f"{name}.mlsql" for name in texts}
    for name, path in paths.items():
        path.write_text(texts[name], encoding="utf-8")
    return paths


def test_scripts_are_written_in_place(files):
    """Those that change are named."""
    ended = fmt(files["written"], files["canonical"])
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", f"changed {files['written']}\n")
    assert files["written"].read_text(encoding="utf-8") == CANONICAL


def test_what_is_canonical_is_not_touched(files):
    """Not even its time."""
    before = files["canonical"].stat().st_mtime_ns
    assert fmt(files["canonical"]).output == ""
    assert files["canonical"].stat().st_mtime_ns == before


def test_a_check_writes_nothing_and_names_what_would_change(files):
    """Exit code 1 for the sake of a pipeline."""
    ended = fmt("--check", files["written"], files["canonical"])
    assert (ended.exit_code, ended.output) == (1, f"would change {files['written']}\n")
    assert files["written"].read_text(encoding="utf-8") == WRITTEN
    assert fmt("--check", files["canonical"]).exit_code == 0


def test_a_script_with_errors_is_told_and_left_while_others_are_written(files):
    """Exit code 1."""
    ended = fmt(files["wrong"], files["written"])
    assert ended.exit_code == 1
    assert f"{files['wrong']}:1:13: missing `as <table>`" in ended.stderr
    assert files["wrong"].read_text(encoding="utf-8") == WRONG
    assert files["written"].read_text(encoding="utf-8") == CANONICAL


def test_standard_input_goes_to_standard_output():
    """Changed or not."""
    assert fmt("-", script=WRITTEN).stdout == CANONICAL
    ended = fmt("-", script=CANONICAL)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, CANONICAL, "")


def test_a_check_of_standard_input_writes_no_script():
    """It is named as in errors."""
    ended = fmt("--check", "-", script=WRITTEN)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (1, "", "would change <stdin>\n")


def test_an_error_in_standard_input_writes_no_script():
    """Exit code 1."""
    ended = fmt("-", script=WRONG)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "<stdin>:1:13: missing `as <table>`" in ended.stderr


def test_a_missing_file_is_a_wrong_command_line(files):
    """Exit code 2, as with ``run``, before anything is written; so is no file at all."""
    ended = fmt(files["written"], "missing.mlsql")
    assert files["written"].read_text(encoding="utf-8") == WRITTEN
    assert ended.exit_code == 2
    assert "cannot be read: No such file or directory" in ended.stderr
    assert fmt().exit_code == 2


def test_line_ends_of_windows_stay(files):
    """In all lines."""
    files["written"].write_bytes(WRITTEN.replace("\n", "\r\n").encode())
    fmt(files["written"])
    assert files["written"].read_bytes() == CANONICAL.replace("\n", "\r\n").encode()
