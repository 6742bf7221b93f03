"""The rules of the house that a tool can see; the layers are in the import contracts."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import mlsql
from mlsql.cli import EXIT_CODES
from mlsql.errors import MlsqlError
from mlsql.rest.errors import STATUSES

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "mlsql").rglob("*.py"))
STAGES = [path for path in MODULES if "stages" in path.parts] + [ROOT / "mlsql" / "interpreter.py"]
VAGUE = {"utils", "util", "common", "helpers", "helper", "core", "manager", "handler", "misc", "impl"}
MACHINES = re.compile(r"(?<![\w.~}])/(?:root|work|Users)/\w")
READS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "load", "save", "insertInto"}
OWN_FILES = {
    *("storing.py", "spark_models.py", "attempts.py", "cluster_weights.py"),  # in the folder of a model
    *("params.py", "survey.py"),  # a table that comes with the package
}
"""Stages that touch no file which a script names."""
WAITS = {"wait", "join", "communicate"}


def name_of(path: Path) -> str:
    """How a message calls a module."""
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[tuple[ast.Call, str, str]]:
    """(call, receiver, name) of each call in a module; the receiver of a plain function is empty."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, ast.unparse(node.func.value), node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node, "", node.func.id


def places(paths, is_wrong) -> list[str]:
    """``module:line`` of the calls that a rule forbids."""
    return [
        f"{name_of(path)}:{node.lineno}"
        for path in paths
        for node, receiver, called in calls(path)
        if is_wrong(node, receiver, called)
    ]


def test_stages_hand_sql_to_spark_only_through_the_run():
    """``run.sql`` asks the policy, and knows which query an error belongs to.

    ``Functions.sql`` gives an expression of ours, which runs nothing.
    """
    givers = ("run", "functions", "self._functions")
    assert places(STAGES, lambda _, receiver, name: name == "sql" and receiver not in givers) == []


def test_a_stage_that_reads_or_writes_asks_the_policy_for_the_path():
    """In the same module, so that a reader sees both."""
    asking = {
        path
        for path in STAGES
        if any(name in ("path", "topic") and "policy" in who for _, who, name in calls(path))
    }
    silent = [path for path in STAGES if path not in asking and path.name not in OWN_FILES]

    def touches_files(_, receiver, name):
        return name in READS and not receiver.endswith(("store", "registry", "opener"))

    assert places(silent, touches_files) == []


def test_only_one_module_builds_a_spark_session():
    """Everybody else is given one."""
    others = [path for path in MODULES if path.name not in ("sessions.py", "launch.py")]
    builds = {"SparkContext", "getOrCreate", "newSession", "getActiveSession", "launch_gateway"}
    assert (
        places(others, lambda _, receiver, name: name in builds or receiver.endswith("SparkSession.builder"))
        == []
    )


def test_every_wait_has_a_timeout():
    """A wait without one may never end."""

    def waits_for_ever(node, receiver, name):
        if receiver == "subprocess":
            return name in ("run", "check_output", "check_call") and "timeout" not in {
                each.arg for each in node.keywords
            }
        return name in WAITS and bool(receiver) and not node.args and not node.keywords

    assert places(MODULES, waits_for_ever) == []


def test_every_module_says_in_its_first_line_what_it_has():
    """As a sentence of its own."""
    silent = []
    for path in MODULES:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if path.read_text(encoding="utf-8").strip() and not doc.partition("\n")[0].strip():
            silent.append(name_of(path))
    assert silent == []


def test_no_module_has_a_name_that_says_nothing():
    """What is in it has a noun."""
    assert [
        name_of(path) for path in MODULES if set(path.relative_to(ROOT).with_suffix("").parts) & VAGUE
    ] == []


def test_every_module_can_be_imported_without_side_effects_on_the_terminal(capfd):
    """Also those that nothing else imports."""
    for module in all_modules():
        import_module(module)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("codes", "what"), [(EXIT_CODES, "exit code"), (STATUSES, "HTTP status")])
def test_every_class_of_error_is_mapped(codes, what):
    """Of all modules, so that none falls through as a bug of ours."""
    for module in all_modules():
        import_module(module)
    unmapped = [kind.__name__ for kind in subclasses(MlsqlError) if not set(kind.__mro__) & set(codes)]
    assert unmapped == [], f"without {what}"


def test_nothing_in_the_repository_names_a_folder_of_one_machine():
    """It has to run elsewhere."""
    found = [
        f"{path}:{number}"
        for path in repository_files()
        for number, line in enumerate(text_of(ROOT / path).splitlines(), 1)
        if MACHINES.search(line)
    ]
    assert found == []


def all_modules() -> list[str]:
    """The names of all modules of the package; ``__main__`` would run it."""
    found = walk_packages(mlsql.__path__, "mlsql.")
    return [each.name for each in found if not each.name.endswith("__main__")]


def subclasses(kind: type) -> list[type]:
    """All classes below *kind* that are ours."""
    below = [each for one in kind.__subclasses__() for each in (one, *subclasses(one))]
    return [each for each in below if each.__module__.startswith("mlsql.")]


def repository_files() -> list[str]:
    """What is, or is about to be, under version control; outside a checkout there is nothing to judge."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if listing.returncode != 0:
        pytest.skip("this is no git checkout")
    return [path for path in listing.stdout.splitlines() if Path(path) != Path(__file__).relative_to(ROOT)]


def text_of(path: Path) -> str:
    """The text of a file; empty for what is none or is gone."""
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return ""
