"""Commands whose help reads like a manual, with examples and exit codes; and the whole manual as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

EXITS: Mapping[int, str] = {
    0: "It went well, perhaps with warnings.",
    1: "The script has to change, or the data it reads.",
    2: "The command line or a setting is wrong.",
    3: "The cluster, the broker, a worker or the server failed.",
    4: "It took longer than it may.",
    5: "It was cancelled, or the waiting for it was interrupted.",
    70: "A bug of ours; a file with the traceback is named.",
}
"""What each exit code means, unless a command says it better."""

_WHOLE = 1_000
"""More letters than a first sentence has."""

Exits = Mapping[int, str] | Sequence[int]


class _Manual(click.Command):
    """Has *examples*, each a line for a shell, and *exits*, the codes that it can end with."""

    def __init__(
        self, *args: Any, examples: Sequence[str] = (), exits: Exits = (0, 1, 2, 3, 70), **given: Any
    ) -> None:
        super().__init__(*args, **given)
        self.examples = tuple(examples)
        self.exits = exits if isinstance(exits, Mapping) else {code: EXITS[code] for code in exits}

    def get_short_help_str(self, limit: int = 0) -> str:
        """The whole first sentence, which wraps in a list of commands; click would cut it off at *limit*."""
        del limit
        return super().get_short_help_str(_WHOLE)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections that click does not know."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {each}\n" for each in self.examples))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in self.exits.items()])
        super().format_epilog(ctx, formatter)


class Command(_Manual, click.Command):
    """A command whose help tells examples and exit codes."""


class GroupCommand(_Manual, click.Group):
    """A group of commands that can do something itself."""


def manual(command: click.Command, name: str) -> str:
    """The page of *command*, called *name*, and of every command below it, in Markdown."""
    codes = (
        "| exit code | what it means |",
        "|---|---|",
        *(f"| {code} | {told} |" for code, told in EXITS.items()),
    )
    head = ("# Command line", "", *_preamble(command), "", *codes, "")
    return "\n".join([*head, *_sections(click.Context(command, info_name=name), 1)]).rstrip() + "\n"


def _preamble(command: click.Command) -> tuple[str, ...]:
    return (_description(command), "", "This page is made of what each command says with `--help`.")


def _sections(ctx: click.Context, level: int) -> Iterator[str]:
    """The section of a command, unless it is the whole, and those of the commands below it."""
    command = ctx.command
    if level > 1:
        usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
        yield from (f"{'#' * level} {ctx.command_path}", "", "```text", usage, "```", "")
        yield from (_description(command), "")
        yield from _options(ctx)
    if isinstance(command, _Manual):
        yield from ("```text", *command.examples, "```", "")
        yield from (f"Exit codes: {', '.join(map(_exit, command.exits.items()))}.", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            if below is not None:
                yield from _sections(click.Context(below, ctx, info_name=name), level + 1)


def _exit(exit_code: tuple[int, str]) -> str:
    """A code, with its meaning where that is not the usual one."""
    code, meaning = exit_code
    return str(code) if meaning == EXITS[code] else f"{code} ({meaning.rstrip('.')})"


def _description(command: click.Command) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))


def _options(ctx: click.Context) -> Iterator[str]:
    options = [each for each in ctx.command.params if isinstance(each, click.Option)]
    records = [each.get_help_record(ctx) for each in options]
    shown = [each for each in records if each is not None]
    if shown:
        yield from ("| option | what it does |", "|---|---|")
        yield from (f"| `{_in_cell(option)}` | {_in_cell(told)} |" for option, told in shown)
        yield ""


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")
