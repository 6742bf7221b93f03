"""The reference page of the commands is complete; tests/test_docs.py runs its scripts."""

from __future__ import annotations

from pathlib import Path

from mlsql.models.store import DirectoryModelStore
from mlsql.plan import CommandStep
from mlsql.stages import builtins

PAGE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8").replace("\\|", "|")
COMMANDS = builtins(DirectoryModelStore())[CommandStep].commands


def test_every_command_is_documented():
    """Also those that are refused."""
    assert [name for name in COMMANDS if f"`!{name}" not in PAGE] == []


def test_every_form_is_documented():
    """As the command tells it; ``!hdfs`` is ``!fs``."""
    forms = [
        f"!{name} {form}".strip() for name in COMMANDS if name != "hdfs" for form in COMMANDS.get(name).forms
    ]
    assert [form for form in forms if f"`{form}`" not in PAGE] == []
