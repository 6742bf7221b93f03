"""The help of every command is whole, and the page of the manual is what the commands say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mlsql.cli import main
from mlsql.cli.manual import manual

ROOT = Path(__file__).parents[1]


def commands(command, path=()):
    """Every command below *command*, with its path."""
    context = click.Context(command, info_name="mlsql")
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        below = command.get_command(context, name)
        yield (*path, name), below
        yield from commands(below, (*path, name))


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_says_what_it_does_and_how_it_ends(path):
    """A sentence in the list, options with help, examples, exit codes."""
    command = COMMANDS[path]
    assert command.get_short_help_str(200).endswith(".")
    assert [each.name for each in command.params if isinstance(each, click.Option) and not each.help] == []
    assert command.examples
    assert command.exits[0]


def test_the_list_of_commands_cuts_no_sentence_off():
    """However narrow it is."""
    for group in (main, COMMANDS["jobs",], COMMANDS["connectors",]):
        assert "..." not in group.get_help(click.Context(group, info_name="mlsql")).split("Commands:")[1]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_example_is_a_command_line_that_is_understood(path):
    """It begins with the command that it stands for, and its options are there."""
    known = {option for each in COMMANDS[path].params for option in each.opts}
    for example in COMMANDS[path].examples:
        for call in re.findall(r"\bmlsql ([^|<>]*)", example):
            given = shlex.split(call)
            assert tuple(given[: len(path)]) == path
            assert {word for word in given if word.startswith("--")} <= known


def test_the_page_is_what_the_commands_say():
    """``scripts/docs`` writes it."""
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert page == manual(main, "mlsql"), "run scripts/docs"
