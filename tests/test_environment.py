"""What the scripts do before there is a Python of ours: find one, and say what is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
TOOLS = ("bash", "cat", "cksum", "dirname")


@pytest.fixture
def machine(tmp_path):
    """A machine on whose PATH are only a shell and the programs that a test writes."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool))

    class Machine:
        def has_python(self, name, *, version, venv=True):
            """Put a Python there that knows its version and whether it has ``venv``."""
            answers = f"*version_info*) exit {int(not version)} ;; *ensurepip*) exit {int(not venv)} ;;"
            (tmp_path / name).write_text(f'#!{tmp_path}/bash\ncase "$2" in {answers} esac\n')
            (tmp_path / name).chmod(0o755)

        def run(self, line, **variables):
            """Run a line of shell behind ``environment.sh``."""
            command = [shutil.which("bash"), "-c", f"set -euo pipefail\n. '{SCRIPTS}/environment.sh'\n{line}"]
            environment = {"PATH": str(tmp_path)} | variables
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=60, check=False
            )

    return Machine()


def test_without_any_python_the_versions_that_fit_are_named(machine):
    """One sentence, and the way to name another one."""
    run = machine.run("find_python")
    assert run.returncode == 3
    assert run.stderr.startswith("mlsql needs Python 3.11, 3.12 or 3.13, and none is on the PATH")


def test_a_python_that_is_too_old_is_none(machine):
    """Whatever it is called."""
    machine.has_python("python3", version=False)
    assert machine.run("find_python").returncode == 3


def test_a_python_without_venv_is_told_with_its_package(machine):
    """Debian and Ubuntu take it out."""
    machine.has_python("python3.11", version=True, venv=False)
    run = machine.run("find_python")
    assert run.returncode == 3
    assert "python3.11 cannot make virtual environments" in run.stderr
    assert "apt install python3.11-venv" in run.stderr


def test_the_first_python_that_can_do_all_is_taken(machine):
    """One without venv does not stand in the way of a later one."""
    machine.has_python("python3.11", version=True, venv=False)
    machine.has_python("python3.12", version=True)
    assert machine.run("find_python").stdout == "python3.12\n"


def test_a_python_can_be_named(machine):
    """And comes first."""
    machine.has_python("python3.11", version=True)
    machine.has_python("mine", version=True)
    assert machine.run("find_python", PYTHON="mine").stdout == "mine\n"


def test_what_is_installed_as_wanted_is_not_installed_again(machine, tmp_path):
    """The stamps say so; a change of pyproject.toml or constraints.txt makes them old."""
    (tmp_path / "pyproject.toml").write_text("a")
    (tmp_path / "constraints.txt").write_text("b")
    stamp = tmp_path / ".venv" / ".installed-package"
    stamp.parent.mkdir()
    here = f"root='{tmp_path}'; venv=$root/.venv; python=$venv/bin/python\n"
    sums = machine.run(f'{here}cat "$root/pyproject.toml" "$root/constraints.txt" | cksum')
    stamp.write_text(sums.stdout)
    assert machine.run(f"{here}have_package").returncode == 0
    (tmp_path / "constraints.txt").write_text("c")
    assert machine.run(f"{here}have_package").returncode != 0


def test_a_machine_without_a_browser_is_told_and_goes_on(machine):
    """The tests of the console are skipped there, and nothing else."""
    run = machine.run("have_browser; echo on")
    assert (run.returncode, run.stdout) == (0, "on\n")
    assert run.stderr.startswith("there is no chromium with chromedriver here")
